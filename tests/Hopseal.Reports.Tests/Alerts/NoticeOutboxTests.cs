using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class NoticeOutboxTests : IDisposable
{
    static readonly AlertNotice s_notice = new(
        NoticeKind.Raised, new Alert(7, "rule", "a", AlertSeverity.Critical, "größer", "look", Records.Noon, Records.Noon.AddHours(1), null, Records.Noon.AddDays(1)), Records.Noon);

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-outbox-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_was_not_told_is_there_after_a_restart_and_what_was_is_not()
    {
        await using (var database = Open())
        {
            var outbox = new NoticeOutbox(database);
            var told = outbox.Add("a", s_notice);
            outbox.Add("a", s_notice);
            outbox.Add("b", s_notice);
            outbox.Add("gone", s_notice);
            outbox.Remove(told.Id);
            outbox.Keep(["a", "b"]);
        }

        await using var again = Open();
        var restored = new NoticeOutbox(again);
        Assert.Equal([new WaitingNotice(2, s_notice)], restored.Waiting("a"));
        Assert.Equal([new WaitingNotice(3, s_notice)], restored.Waiting("b"));
        Assert.Empty(restored.Waiting("gone"));
        Assert.Equal(4, restored.Add("a", s_notice).Id);
    }

    [Fact]
    public async Task It_keeps_so_many_for_each_receiver_and_one_who_is_gone_pushes_out_nobody()
    {
        await using (var database = Open())
        {
            var outbox = new NoticeOutbox(database);
            outbox.Add("b", s_notice);
            for (var i = 0; i < 2_600; i++)
            {
                outbox.Add("a", s_notice);
            }
        }

        await using var again = Open();
        Assert.Equal(NoticeOutbox.MostWaiting + 1, await CountAsync(again));
        var outboxAgain = new NoticeOutbox(again);
        var waiting = outboxAgain.Waiting("a");
        Assert.Equal((NoticeOutbox.MostWaiting, 2_601), (waiting.Length, waiting[^1].Id));
        Assert.Equal(1, Assert.Single(outboxAgain.Waiting("b")).Id);
        Assert.Equal(2_602, outboxAgain.Add("b", s_notice).Id);
    }

    [Theory]
    [InlineData("\"Kind\":\"Raised\"", "\"Kind\":99")]
    [InlineData("\"Kind\":\"Raised\"", "\"Kind\":\"Whatever\"")]
    [InlineData("\"Severity\":\"Critical\"", "\"Severity\":-1")]
    [InlineData("\"Rule\":\"rule\"", "\"Rule\":null")]
    [InlineData("\"Rule\":\"rule\",", "")]
    [InlineData("\"Id\":7", "\"Id\":\"7\"")]
    public async Task What_was_changed_so_that_it_means_nothing_is_left_out(string written, string changed)
    {
        await using var database = Open();
        new NoticeOutbox(database).Add("a", s_notice);
        await database.WriteAsync(
            connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = "UPDATE alert_outbox SET notice = replace(notice, $written, $changed) WHERE instr(notice, $written) > 0";
                command.Parameters.AddWithValue("$written", written);
                command.Parameters.AddWithValue("$changed", changed);
                Assert.Equal(1, command.ExecuteNonQuery());
            },
            TestContext.Current.CancellationToken);

        Assert.Empty(new NoticeOutbox(database).Waiting("a"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{\"Kind\":\"Opened\"}")]
    [InlineData("{\"Kind\":\"Opened\",\"Alert\":null,\"At\":\"2026-01-01T00:00:00Z\"}")]
    public async Task What_we_did_not_write_is_left_out(string text)
    {
        await using var database = Open();
        await database.WriteAsync(
            connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = "INSERT INTO alert_outbox VALUES (5, 'a', $text)";
                command.Parameters.AddWithValue("$text", text);
                command.ExecuteNonQuery();
            },
            TestContext.Current.CancellationToken);

        var outbox = new NoticeOutbox(database);
        Assert.Empty(outbox.Waiting("a"));
        Assert.Equal(6, outbox.Add("a", s_notice).Id);
    }

    RecordsDatabase Open() => RecordsDatabase.Open(_directory, [AlertStore.Tables], NullLogger<RecordsDatabase>.Instance);

    static async Task<long> CountAsync(RecordsDatabase database)
    {
        await using var connection = database.OpenReader();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM alert_outbox";
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
