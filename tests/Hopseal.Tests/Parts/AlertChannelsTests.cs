using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Parts;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace Hopseal.Tests.Parts;

/// <summary>Which notices go out, and when: by mail, which lands in the queue.</summary>
public sealed class AlertChannelsTests : IAsyncDisposable
{
    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 21, 0, 0, TimeSpan.Zero));
    readonly SqliteQueueStore _store;
    readonly MessageQueue _queue;
    readonly RecordsDatabase _database;
    readonly List<Alert> _open = [];
    readonly List<QueueId> _read = [];
    long _lastId;

    public AlertChannelsTests()
    {
        _store = SqliteQueueStore.Open(_workspace.Directory);
        _queue = new MessageQueue(_store, new RetrySchedule([TimeSpan.FromMinutes(5)], TimeSpan.FromDays(5)), _clock, NullLogger<MessageQueue>.Instance);
        _database = RecordsDatabase.Open(_workspace.Directory, [AlertStore.Tables], NullLogger<RecordsDatabase>.Instance);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _store.DisposeAsync();
        _workspace.Dispose();
    }

    [Fact]
    public async Task In_quiet_hours_only_what_is_critical_is_sent_and_afterwards_what_is_still_so()
    {
        var settings = new AlertSettings { QuietHours = new QuietHours(new TimeOnly(22, 0), new TimeOnly(7, 0)) };
        await using var channels = Channels(settings);
        await OpenAsync(channels, "evening", AlertSeverity.Warning);
        Assert.Equal(["opened: evening"], await NewMailAsync());

        At(23, 0);
        await OpenAsync(channels, "lasting", AlertSeverity.Warning);
        await OpenAsync(channels, "passing", AlertSeverity.Warning);
        await OpenAsync(channels, "burning", AlertSeverity.Critical);
        await ResolveAsync(channels, "passing");
        await ResolveAsync(channels, "evening");
        await ReleaseAsync(channels);
        Assert.Equal(["opened: burning"], await NewMailAsync());
        await ResolveAsync(channels, "burning");
        Assert.Equal(["resolved: burning"], await NewMailAsync());

        At(24 + 6, 59);
        await ReleaseAsync(channels);
        Assert.Empty(await NewMailAsync());
        At(24 + 7, 0);
        await ReleaseAsync(channels);
        Assert.Equal(["opened: lasting", "resolved: evening"], await NewMailAsync());
        await ReleaseAsync(channels);
        Assert.Empty(await NewMailAsync());
    }

    [Fact]
    public async Task A_restart_in_quiet_hours_loses_nothing_and_what_was_silenced_stays_silent()
    {
        var settings = new AlertSettings { QuietHours = new QuietHours(new TimeOnly(22, 0), new TimeOnly(7, 0)) };
        At(23, 0);
        await using (var channels = Channels(settings))
        {
            await OpenAsync(channels, "told", AlertSeverity.Warning);
            await OpenAsync(channels, "known", AlertSeverity.Warning);
        }

        await _database.WriteAsync(_ => { }, Cancel);
        var known = _open.FindIndex(alert => alert.Text == "known");
        _open[known] = _open[known] with { SilencedUntil = _clock.GetUtcNow().AddDays(1) };
        At(24 + 8, 0);
        await using var again = Channels(settings);
        await ReleaseAsync(again);
        Assert.Equal(["opened: told"], await NewMailAsync());
    }

    [Fact]
    public async Task A_stop_interrupts_no_notice_and_no_daily_mail()
    {
        var settings = new AlertSettings { QuietHours = new QuietHours(new TimeOnly(22, 0), new TimeOnly(7, 0)), Digest = new TimeOnly(7, 30) };
        At(23, 0);
        await using var channels = Channels(settings);
        await OpenAsync(channels, "one", AlertSeverity.Warning);
        await OpenAsync(channels, "two", AlertSeverity.Warning);
        await _database.WriteAsync(_ => { }, Cancel);
        At(24 + 8, 0);
        foreach (var work in channels.Work)
        {
            await work.Act(new CancellationToken(canceled: true));
        }

        Assert.Equal(["daily: 2 open, 2 of them new; 0 ended", "opened: one", "opened: two"], await NewMailAsync());
    }

    [Fact]
    public async Task A_clock_that_ran_ahead_and_was_set_back_costs_no_more_than_a_day()
    {
        await using var channels = Channels(new AlertSettings { Digest = new TimeOnly(7, 30), MinimumSeverity = AlertSeverity.Critical });
        await OpenAsync(channels, "small", AlertSeverity.Info);
        At(24 * 365, 0);
        await DigestAsync(channels);
        Assert.Single(await NewMailAsync());
        SetBack(24 + 7, 0);
        await DigestAsync(channels);
        Assert.Empty(await NewMailAsync());
        At(24 + 7, 30);
        await DigestAsync(channels);
        Assert.Single(await NewMailAsync());
    }

    [Fact]
    public async Task One_mail_a_day_says_what_is_open_and_what_ended()
    {
        var settings = new AlertSettings { Digest = new TimeOnly(7, 30), MinimumSeverity = AlertSeverity.Critical };
        await using (var channels = Channels(settings))
        {
            await OpenAsync(channels, "small", AlertSeverity.Info);
            await OpenAsync(channels, "passing", AlertSeverity.Warning);
            At(24 + 7, 29);
            await ResolveAsync(channels, "passing");
            await DigestAsync(channels);
            Assert.Empty(await NewMailAsync());
            At(24 + 7, 30);
            await DigestAsync(channels);
            Assert.Equal(["daily: 1 open, 1 of them new; 1 ended"], await NewMailAsync());
            await DigestAsync(channels);
            Assert.Empty(await NewMailAsync());
        }

        // It did not run at that time.
        await _database.WriteAsync(_ => { }, Cancel);
        At(48 + 9, 0);
        await using var again = Channels(settings);
        await DigestAsync(again);
        Assert.Equal(["daily: 1 open; 0 ended"], await NewMailAsync());

        await ResolveAsync(again, "small");
        At(72 + 9, 0);
        await DigestAsync(again);
        Assert.Equal(["daily: 0 open; 1 ended"], await NewMailAsync());
        At(96 + 9, 0);
        await DigestAsync(again);
        Assert.Empty(await NewMailAsync());
    }

    [Fact]
    public async Task What_the_queue_does_not_take_is_mailed_when_it_does_also_after_a_restart()
    {
        var settings = new AlertSettings { Digest = new TimeOnly(7, 30) };
        await using (var channels = Channels(settings))
        {
            OfQueue("CREATE TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no room'); END");
            await OpenAsync(channels, "one", AlertSeverity.Critical);
            await _database.WriteAsync(_ => { }, Cancel);
            At(24 + 7, 30);
            await DigestAsync(channels);
            await ReleaseAsync(channels);
            Assert.Empty(await NewMailAsync());

            OfQueue("DROP TRIGGER refuse");
            await DigestAsync(channels);
            Assert.Equal(["daily: 1 open, 1 of them new; 0 ended"], await NewMailAsync());
            await DigestAsync(channels);
            Assert.Empty(await NewMailAsync());
        }

        await _database.WriteAsync(_ => { }, Cancel);
        await using var again = Channels(settings);
        await OpenAsync(again, "two", AlertSeverity.Critical);
        Assert.Equal(["opened: one", "opened: two"], await NewMailAsync());
        await ReleaseAsync(again);
        Assert.Empty(await NewMailAsync());
    }

    void OfQueue(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Directory.GetFiles(_workspace.Directory, "queue.db", SearchOption.AllDirectories).Single()};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Of the tests above.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    AlertChannels Channels(AlertSettings settings)
    {
        var configuration = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System) with
        {
            Alerts = settings with
            {
                Mail = new AlertMailSetting(new Mailbox("hopseal", DomainName.Parse("example.org")), [new Mailbox("postmaster", DomainName.Parse("example.org"))]),
            },
        };
        return new AlertChannels(configuration, _database, () => [.. _open], _queue, NullLoggerFactory.Instance, _clock);
    }

    /// <summary>Hours since the first midnight.</summary>
    void At(int hours, int minutes) => _clock.SetUtcNow(new DateTimeOffset(2026, 11, 30, 0, 0, 0, TimeSpan.Zero).AddHours(hours).AddMinutes(minutes));

    void SetBack(int hours, int minutes) => _clock.AdjustTime(new DateTimeOffset(2026, 11, 30, 0, 0, 0, TimeSpan.Zero).AddHours(hours).AddMinutes(minutes));

    Task OpenAsync(AlertChannels channels, string text, AlertSeverity severity)
    {
        var alert = new Alert(++_lastId, "rule", text, severity, text, "advice", _clock.GetUtcNow(), _clock.GetUtcNow(), null, null);
        _open.Add(alert);
        new AlertStore(_database).Save(alert);
        return channels.TellAsync(new AlertNotice(NoticeKind.Opened, alert, _clock.GetUtcNow()));
    }

    async Task ResolveAsync(AlertChannels channels, string text)
    {
        var alert = _open.Single(one => one.Text == text);
        _open.Remove(alert);
        var ended = alert with { ResolvedAt = _clock.GetUtcNow() };
        new AlertStore(_database).Save(ended);
        await _database.WriteAsync(_ => { }, Cancel);
        await channels.TellAsync(new AlertNotice(NoticeKind.Resolved, ended, _clock.GetUtcNow()));
    }

    static Task ReleaseAsync(AlertChannels channels) => channels.Work[0].Act(Cancel);

    static Task DigestAsync(AlertChannels channels) => channels.Work[1].Act(Cancel);

    /// <summary>Subjects of what came into the queue since the last look, without the mark of ours, in order.</summary>
    async Task<string[]> NewMailAsync()
    {
        var page = await _store.ListAsync(new QueueSelection(), QueuePosition.Start, 1000, Cancel);
        var subjects = new List<string>();
        foreach (var id in page.Entries.Select(entry => entry.Id).Except(_read).ToArray())
        {
            await using var content = await _queue.OpenContentAsync(id, Cancel);
            using var message = await MimeMessage.LoadAsync(content, Cancel);
            subjects.Add(message.Subject!["[Hopseal] ".Length..]);
            _read.Add(id);
        }

        return [.. subjects.Order(StringComparer.Ordinal)];
    }
}
