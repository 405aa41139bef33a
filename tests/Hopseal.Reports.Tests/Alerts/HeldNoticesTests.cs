using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class HeldNoticesTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-held-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("Opened", "Opened")]
    [InlineData("Opened Raised", "Opened")]
    [InlineData("Opened Raised Resolved", "")]
    [InlineData("Opened Resolved", "")]
    [InlineData("Raised", "Raised")]
    [InlineData("Raised Reminder", "Reminder")]
    [InlineData("Raised Resolved", "Resolved")]
    [InlineData("Resolved", "Resolved")]
    public async Task Whoever_was_quiet_hears_once_what_is_still_so(string held, string told)
    {
        var notices = new HeldNotices(null);
        var kinds = held.Split(' ').Select(Enum.Parse<NoticeKind>).ToArray();
        foreach (var kind in kinds)
        {
            notices.Hold(Notice(1, kind));
        }

        var isOpen = kinds[^1] is not NoticeKind.Resolved;
        Assert.Equal(told, string.Join(' ', (await ReleaseAsync(notices, isOpen ? [Alert(1)] : [])).Select(notice => notice.Kind)));
        Assert.True(notices.IsEmpty);
        Assert.Empty(await ReleaseAsync(notices, [Alert(1)]));
    }

    [Fact]
    public async Task They_come_in_order_and_as_things_are_now()
    {
        var notices = new HeldNotices(null);
        notices.Hold(Notice(2, NoticeKind.Opened, minutes: 5));
        notices.Hold(Notice(1, NoticeKind.Opened, minutes: 1));
        var released = await ReleaseAsync(notices, [Alert(1), Alert(2) with { Text = "much worse" }]);
        Assert.Equal([(1, "text"), (2, "much worse")], released.Select(notice => (notice.Alert.Id, notice.Alert.Text)));
    }

    [Theory]
    [InlineData(null, NoticeKind.Raised, NoticeKind.Raised)]
    [InlineData(NoticeKind.Opened, NoticeKind.Raised, NoticeKind.Opened)]
    [InlineData(NoticeKind.Opened, NoticeKind.Resolved, null)]
    [InlineData(NoticeKind.Reminder, NoticeKind.Raised, NoticeKind.Raised)]
    [InlineData(NoticeKind.Reminder, NoticeKind.Resolved, NoticeKind.Resolved)]
    public void What_is_told_at_once_makes_sense_to_who_did_not_hear_the_rest(NoticeKind? held, NoticeKind now, NoticeKind? told)
    {
        var notices = new HeldNotices(null);
        if (held is { } kind)
        {
            notices.Hold(Notice(1, kind));
        }

        Assert.Equal(told, notices.Overtake(Notice(1, now))?.Kind);
        Assert.True(notices.IsEmpty);
    }

    [Fact]
    public async Task A_restart_in_the_night_loses_none_and_repeats_none()
    {
        await using (var database = Open())
        {
            var notices = new HeldNotices(new NoticeOutbox(database));
            notices.Hold(Notice(1, NoticeKind.Opened));
            notices.Hold(Notice(2, NoticeKind.Opened));
            notices.Hold(Notice(1, NoticeKind.Resolved));
        }

        await using (var database = Open())
        {
            var released = Assert.Single(await ReleaseAsync(new HeldNotices(new NoticeOutbox(database)), [Alert(2)]));
            Assert.Equal(Notice(2, NoticeKind.Opened), released);
        }

        await using var last = Open();
        Assert.True(new HeldNotices(new NoticeOutbox(last)).IsEmpty);
    }

    [Fact]
    public async Task A_crash_while_they_are_told_loses_none()
    {
        await using (var database = Open())
        {
            var notices = new HeldNotices(new NoticeOutbox(database));
            foreach (var id in (long[])[1, 2, 3])
            {
                notices.Hold(Notice(id, NoticeKind.Opened));
            }

            await Assert.ThrowsAsync<InvalidOperationException>(() => notices.ReleaseAsync(
                [Alert(1), Alert(2), Alert(3)], notice => notice.Alert.Id == 2 ? Task.FromException(new InvalidOperationException()) : Task.CompletedTask));
        }

        await using var again = Open();
        Assert.Equal([2, 3], (await ReleaseAsync(new HeldNotices(new NoticeOutbox(again)), [Alert(2), Alert(3)])).Select(notice => notice.Alert.Id));
    }

    static async Task<List<AlertNotice>> ReleaseAsync(HeldNotices notices, Alert[] open)
    {
        var told = new List<AlertNotice>();
        await notices.ReleaseAsync(open, notice =>
        {
            told.Add(notice);
            return Task.CompletedTask;
        });
        return told;
    }

    RecordsDatabase Open() => RecordsDatabase.Open(_directory, [AlertStore.Tables], NullLogger<RecordsDatabase>.Instance);

    static Alert Alert(long id) => new(id, "rule", "a", AlertSeverity.Warning, "text", "advice", Records.Noon, Records.Noon, null, null);

    static AlertNotice Notice(long id, NoticeKind kind, int minutes = 0) => new(
        kind, kind is NoticeKind.Resolved ? Alert(id) with { ResolvedAt = Records.Noon } : Alert(id), Records.Noon.AddMinutes(minutes));
}
