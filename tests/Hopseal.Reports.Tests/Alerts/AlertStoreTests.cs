using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class AlertStoreTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-alerts-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Alerts_survive_a_restart_as_they_were()
    {
        var open = new Alert(1, "rule", "a", AlertSeverity.Critical, "text", "advice", Records.Noon, Records.Noon.AddMinutes(1), null, Records.Noon.AddDays(1));
        var other = open with { Id = 2, Subject = "b", Severity = AlertSeverity.Warning };
        await using (var database = Open())
        {
            var store = new AlertStore(database);
            store.Save(open);
            store.Save(other);
            store.Save(other with { ResolvedAt = Records.Noon.AddHours(1) });
        }

        await using var again = Open();
        var restored = new AlertStore(again);
        Assert.Equal([open], restored.Open());
        Assert.Equal([2, 1], restored.All(null, 10).Select(alert => alert.Id));
        Assert.Equal([1], restored.All(2, 10).Select(alert => alert.Id));
        Assert.Equal(2, restored.LastId());
        Assert.Equal([open], AlertStore.OfFile(Path.Combine(_directory, RecordsDatabase.FileName)).Open());
    }

    [Fact]
    public async Task What_has_ended_does_not_open_again_and_any_number_in_the_file_is_read()
    {
        var alert = new Alert(1, "rule", "a", AlertSeverity.Critical, "text", "advice", Records.Noon, Records.Noon, null, null);
        await using var database = Open();
        var store = new AlertStore(database);
        store.Save(alert with { ResolvedAt = Records.Noon });
        store.Save(alert);
        await database.WriteAsync(
            connection =>
            {
                using var damage = connection.CreateCommand();
                damage.CommandText = $"INSERT INTO alerts VALUES (2, 'rule', 'b', 99, '', '', {long.MaxValue}, {long.MinValue}, NULL, {long.MaxValue})";
                damage.ExecuteNonQuery();
            },
            TestContext.Current.CancellationToken);

        var open = Assert.Single(store.Open());
        Assert.Equal(("b", AlertSeverity.Critical, DateTimeOffset.UnixEpoch), (open.Subject, open.Severity, open.SeenAt));
    }

    RecordsDatabase Open() => RecordsDatabase.Open(_directory, [AlertStore.Tables], NullLogger<RecordsDatabase>.Instance);
}
