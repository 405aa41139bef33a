using System.Text;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>On the real store: the flag and the report are one transaction there.</summary>
public sealed class DelayWatchTests : IAsyncDisposable
{
    static readonly TimeSpan s_warnAfter = TimeSpan.FromHours(4);

    readonly Scratch _scratch = new();
    readonly Dictionary<string, RecipientOutcome.Deferred> _failures = [];
    readonly SqliteQueueStore _store;
    readonly FaultyStore _faulty;
    readonly MessageQueue _queue;
    readonly DelayWatch _watch;

    public DelayWatchTests()
    {
        _store = _scratch.Open();
        _faulty = new FaultyStore(_store);
        _queue = new MessageQueue(_faulty, Scratch.Schedule, _scratch.Clock);
        _watch = WatchOf(_queue);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_waits_too_long_is_reported_once()
    {
        await AddAsync("bob@example.net");

        await LookAsync(TimeSpan.FromHours(4));
        Assert.Empty(await ReportsAsync());

        await LookAsync(TimeSpan.FromMinutes(1));
        var report = Assert.Single(await ReportsAsync());
        await LookAsync(TimeSpan.FromHours(1));

        Assert.Single(await ReportsAsync());
        Assert.Equal("Delayed mail to bob@example.net", report.Subject);
        Assert.Contains("it has not been tried yet", report.TextBody!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_why_the_last_attempt_failed()
    {
        await AddAsync("bob@example.net");
        var missed = new MissedFloor(
            SecurityFloor.Authenticated, "configured: Outbound.Rules[0]", SecurityFloor.Encrypted, [TlsResultType.CertificateExpired]);
        await SettleAsync(new RecipientOutcome.Deferred(
            new EnhancedStatus(4, 7, 5), "its certificate has expired", new RemoteWord("mx.example.net", null), missed));

        await LookAsync(TimeSpan.FromHours(5));

        var report = Assert.Single(await ReportsAsync());
        var group = Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(report.Body)[1]).StatusGroups[1];
        Assert.Contains("its certificate has expired", report.TextBody!, StringComparison.Ordinal);
        Assert.Equal(
            ("delayed", "4.7.5", "dns; mx.example.net", "Fri, 06 Mar 2026 12:00:00 +0000"),
            (group["Action"], group["Status"], group["Remote-MTA"], group["Will-Retry-Until"]));
        Assert.Equal(
            "required=authenticated; reached=encrypted; failure=certificate-expired; source=configured: Outbound.Rules[0]",
            group["X-Hopseal-Transport-Security"]);
    }

    [Fact]
    public async Task Mail_that_was_never_tried_because_its_destination_fails_says_how()
    {
        var missed = new MissedFloor(
            SecurityFloor.Encrypted, "configured: Outbound.Rules[0]", SecurityFloor.Plaintext, [TlsResultType.StarttlsNotSupported]);
        _failures["example.net"] = new RecipientOutcome.Deferred(
            new EnhancedStatus(4, 7, 4), "mx.example.net does not start TLS", new RemoteWord("mx.example.net", null), missed);
        await AddAsync("bob@example.net");

        await LookAsync(TimeSpan.FromHours(5));

        var report = Assert.Single(await ReportsAsync());
        var group = Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(report.Body)[1]).StatusGroups[1];
        Assert.Contains("mx.example.net does not start TLS", string.Join(' ', report.TextBody!.Split((char[])[' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(("4.7.4", missed.ToString()), (group["Status"], group["X-Hopseal-Transport-Security"]));
    }

    [Fact]
    public async Task Only_recipients_who_wait_and_whose_sender_wants_to_know_are_in_it()
    {
        await AddAsync(
            new Recipient(Scratch.Mailbox("a@example.net")),
            new Recipient(Scratch.Mailbox("b@example.net"), DsnNotify.Failure),
            new Recipient(Scratch.Mailbox("c@example.net"), DsnNotify.Delay),
            new Recipient(Scratch.Mailbox("d@example.net")));
        await SettleAsync(Scratch.Deferred, Scratch.Deferred, Scratch.Deferred, Scratch.Delivered);

        await LookAsync(TimeSpan.FromHours(5));

        var report = Assert.Single(await ReportsAsync());
        Assert.Equal(
            ["rfc822;a@example.net", "rfc822;c@example.net"],
            Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(report.Body)[1]).StatusGroups.Skip(1).Select(group => group["Final-Recipient"]));
    }

    [Fact]
    public async Task Each_domain_of_a_message_has_its_own_report()
    {
        await AddAsync("a@example.net", "b@example.com");

        await LookAsync(TimeSpan.FromHours(5));

        Assert.Equal(
            ["Delayed mail to a@example.net", "Delayed mail to b@example.com"],
            (await ReportsAsync()).Select(report => report.Subject).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nobody_is_told_of_a_report_that_waits_or_of_what_he_did_not_want_to_know()
    {
        await AddAsync(Scratch.Envelope("bob@example.net") with { ReturnPath = null });
        await AddAsync(new Recipient(Scratch.Mailbox("bob@example.net"), DsnNotify.Never));

        await LookAsync(TimeSpan.FromHours(5));

        Assert.Empty(await ReportsAsync());
        Assert.Equal(2, await WarnedAsync());
    }

    [Fact]
    public async Task What_is_under_way_held_or_about_to_be_given_up_is_left_alone()
    {
        await AddAsync("held@example.net");
        await _store.DoAsync(
            rows =>
            {
                using var hold = new Statement(rows.Connection, "UPDATE entries SET held = 1");
                hold.Run();
                return true;
            },
            Cancel);
        await LookAsync(TimeSpan.FromHours(5));
        Assert.Equal(0, await WarnedAsync());

        await AddAsync("bob@example.com");
        var lease = Assert.Single(await Scratch.LeaseAsync(_store, _scratch.Clock.GetUtcNow()), lease => lease.Domain == "example.com");
        await LookAsync(TimeSpan.FromHours(5));
        Assert.Empty(await ReportsAsync());

        await _store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], Cancel);
        await LookAsync(TimeSpan.FromDays(5));
        Assert.Empty(await ReportsAsync());
    }

    [Fact]
    public async Task A_backlog_is_taken_in_steps_and_nobody_is_forgotten()
    {
        for (var i = 0; i < 200; i++)
        {
            await AddAsync($"bob{i}@example.net");
        }

        var first = await _queue.FindDelayedAsync(_scratch.Clock.GetUtcNow() + TimeSpan.FromHours(1), null, Cancel);
        Assert.InRange(first.Entries.Length, 1, 100);
        Assert.NotNull(first.Next);

        await LookAsync(TimeSpan.FromHours(5));
        Assert.Equal(200, (await ReportsAsync()).Count);
    }

    [Fact]
    public async Task Many_that_were_reported_hide_nobody_behind_them()
    {
        for (var i = 0; i < 1100; i++)
        {
            await AddAsync(new Recipient(Scratch.Mailbox($"bob{i}@example.net"), DsnNotify.Never));
        }

        await LookAsync(TimeSpan.FromHours(5));
        Assert.Equal(1100, await WarnedAsync());
        await AddAsync("late@example.net");

        await LookAsync(TimeSpan.FromHours(5));

        Assert.Equal("Delayed mail to late@example.net", Assert.Single(await ReportsAsync()).Subject);
    }

    [Fact]
    public async Task An_entry_that_was_settled_in_between_is_not_reported()
    {
        await AddAsync("a@example.net", "b@example.net");
        var found = Assert.Single((await _queue.FindDelayedAsync(Scratch.Start + TimeSpan.FromHours(1), null, Cancel)).Entries);
        await SettleAsync(Scratch.Delivered, Scratch.Deferred);

        Assert.False(await _queue.WarnAsync(found, _scratch.Message("report", "sender@example.org"), Cancel));
        Assert.Empty(await ReportsAsync());
        Assert.Equal(0, await WarnedAsync());
    }

    [Fact]
    public async Task The_flag_and_the_report_survive_a_crash_together()
    {
        await AddAsync("bob@example.net");
        await LookAsync(TimeSpan.FromHours(5));

        await using var store = _scratch.OpenWhatACrashLeaves();
        using var queue = new MessageQueue(store, Scratch.Schedule, _scratch.Clock);
        await WatchOf(queue).LookAsync(Cancel);

        Assert.Equal(2, await queue.CountAsync(Cancel));
    }

    [Fact]
    public async Task A_store_that_fails_costs_a_minute()
    {
        await AddAsync("bob@example.net");
        _faulty.Failures = 1;
        await LookAsync(TimeSpan.FromHours(5));
        _faulty.Failures = 0;
        Assert.Empty(await ReportsAsync());

        await LookAsync(TimeSpan.FromMinutes(1));

        Assert.Single(await ReportsAsync());
    }

    [Fact]
    public async Task It_runs_every_minute_until_it_is_stopped()
    {
        using var stop = new CancellationTokenSource();
        var store = new MemoryStore();
        using var queue = new MessageQueue(store, Scratch.Schedule, _scratch.Clock);
        await queue.AddAsync(_scratch.Message("Subject: x\r\n\r\n", "bob@example.net"), Cancel);
        var running = WatchOf(queue).RunAsync(stop.Token);

        _scratch.Clock.Advance(TimeSpan.FromHours(5));
        while (store.Warnings.Count == 0)
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await stop.CancelAsync();
        await running;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Dispose();
        await _store.DisposeAsync();
        _scratch.Dispose();
    }

    DelayWatch WatchOf(MessageQueue queue) => new(
        queue,
        new DeliveryReport("gw.example.org", _scratch.Clock),
        new DelayWatchOptions { WarnAfter = s_warnAfter, GiveUpAfter = Scratch.Schedule.GiveUpAfter, FailureOf = domain => _failures.GetValueOrDefault(domain), Clock = _scratch.Clock },
        NullLogger<DelayWatch>.Instance);

    Task AddAsync(params string[] recipients) => AddAsync(Scratch.Envelope(recipients));

    Task AddAsync(params Recipient[] recipients) => AddAsync(Scratch.Envelope() with { Recipients = [.. recipients] });

    async Task AddAsync(Envelope envelope) =>
        await _queue.AddAsync(_scratch.Message("Subject: hello\r\n\r\nbody\r\n") with { Envelope = envelope }, Cancel);

    async Task LookAsync(TimeSpan later)
    {
        _scratch.Clock.Advance(later);
        await _watch.LookAsync(Cancel);
    }

    /// <summary>Attempts the one entry that is due.</summary>
    async Task SettleAsync(params RecipientOutcome[] outcomes)
    {
        var lease = Assert.Single(await Scratch.LeaseAsync(_store, _scratch.Clock.GetUtcNow()));
        await _store.SettleAsync(lease, Scratch.Settlement(outcomes), [], Cancel);
    }

    async Task<List<MimeMessage>> ReportsAsync()
    {
        var ids = await _store.DoAsync(
            rows =>
            {
                using var select = new Statement(
                    rows.Connection, "SELECT m.id FROM messages m JOIN recipients r ON r.message = m.number WHERE r.address = 'sender@example.org'");
                using var found = select.Read();
                var ids = new List<QueueId>();
                while (found.Read())
                {
                    ids.Add(new QueueId(found.GetString(0)));
                }

                return ids;
            },
            Cancel);
        var reports = new List<MimeMessage>();
        foreach (var id in ids)
        {
            reports.Add(MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(await Scratch.ReadAsync(_store, id)))));
        }

        return reports;
    }

    Task<long> WarnedAsync() => _store.DoAsync(
        rows =>
        {
            using var count = new Statement(rows.Connection, "SELECT count(*) FROM entries WHERE warned = 1");
            return (long)count.Ask()!;
        },
        Cancel).AsTask();
}
