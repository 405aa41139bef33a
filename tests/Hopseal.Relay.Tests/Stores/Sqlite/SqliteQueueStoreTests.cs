using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class SqliteQueueStoreTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_message_that_was_added_survives_a_crash_with_everything_it_has()
    {
        await using var store = _scratch.Open();
        var envelope = new Envelope(
            Scratch.Mailbox("\"a@b\"@example.org"),
            [Scratch.Mailbox("one@example.com"), new Mailbox("zwei", Hopseal.Dns.DomainName.Parse("bücher.example"), DomainText: "bücher.example")],
            BodyType.EightBitMime,
            SmtpUtf8: true,
            DeclaredSize: 123);
        var message = _scratch.Message("Subject: x\r\n\r\nhello\r\n", "ignored@example.com") with { Envelope = envelope };
        await store.AddAsync(message, _cancel);

        await using var after = _scratch.OpenWhatACrashLeaves();
        Assert.Equal(1, await after.CountAsync(_cancel));
        var leases = await Scratch.LeaseAsync(after, Scratch.Start);

        Assert.Equal(["example.com", "xn--bcher-kva.example"], leases.Select(lease => lease.Domain).Order());
        var lease = leases.Single(lease => lease.Domain.StartsWith("xn--", StringComparison.Ordinal));
        Assert.Equal(message.Id, lease.Id);
        Assert.Equal(envelope.ReturnPath, lease.Pending.ReturnPath);
        Assert.Equal([envelope.Recipients[1]], lease.Pending.Recipients);
        Assert.Equal(BodyType.EightBitMime, lease.Pending.Body);
        Assert.True(lease.Pending.SmtpUtf8);
        Assert.Equal(123, lease.Pending.DeclaredSize);
        Assert.Equal(message.Size, lease.Size);
        Assert.Equal(Scratch.Start, lease.ReceivedAt);
        Assert.Equal(Scratch.Start.AddHours(120), lease.GivesUpAt);
        Assert.Equal(1, lease.AttemptNumber);
        Assert.False(lease.EarlierTlsFailure);
        Assert.Equal("Subject: x\r\n\r\nhello\r\n", await Scratch.ReadAsync(after, message.Id));
    }

    /// <summary>In the first lease, which is not read back; after a crash; in the list for people, and in what is to be warned of.</summary>
    [Theory]
    [InlineData(MessageTls.Unspecified)]
    [InlineData(MessageTls.Required)]
    [InlineData(MessageTls.Optional)]
    public async Task What_the_sender_said_about_tls_is_kept(MessageTls tls)
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("hello", "one@example.com");
        message = message with { Envelope = message.Envelope with { Tls = tls } };
        var terms = new LeaseTerms(Scratch.Start, Scratch.Schedule, new ListTaker());

        var first = Assert.Single(await store.AddAsync(message, terms, _cancel));
        await store.SettleAsync(first, new Settlement([Scratch.Deferred], Scratch.Start, false), [], _cancel);
        await using var after = _scratch.OpenWhatACrashLeaves();
        var delayed = Assert.Single((await after.FindDelayedAsync(Scratch.Start.AddHours(1), null, _cancel)).Entries);
        var again = Assert.Single(await Scratch.LeaseAsync(after, Scratch.Start));

        Assert.Equal([tls, tls, tls], [first.Pending.Tls, delayed.Pending.Tls, again.Pending.Tls]);
        Assert.Equal(tls, (await after.FindAsync(message.Id, _cancel))!.Tls);
    }

    [Fact]
    public async Task The_null_reverse_path_stays_null()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("", "one@example.com");
        await store.AddAsync(message with { Envelope = message.Envelope with { ReturnPath = null } }, _cancel);

        Assert.Null((await Scratch.LeaseAsync(store, Scratch.Start)).Single().Pending.ReturnPath);
        Assert.Equal("", await Scratch.ReadAsync(store, message.Id));
    }

    [Fact]
    public async Task A_crash_under_a_lease_costs_a_little_delay_for_each_attempt()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "one@example.com"), _cancel);
        Assert.Single(await Scratch.LeaseAsync(store, Scratch.Start));

        await using var after = _scratch.OpenWhatACrashLeaves();
        Assert.Equal(Scratch.Start.AddSeconds(10), await Scratch.NextDueAsync(after, Scratch.Start));
        Assert.Empty(await Scratch.LeaseAsync(after, Scratch.Start.AddSeconds(9)));
        var again = (await Scratch.LeaseAsync(after, Scratch.Start.AddSeconds(10))).Single();
        Assert.Equal(2, again.AttemptNumber);

        // The same a third time, and never later than the schedule says.
        await after.SettleAsync(again, Scratch.Settlement(Scratch.Deferred) with { RetryAt = Scratch.Start }, [], _cancel);
        Assert.Equal(3, (await Scratch.LeaseAsync(after, Scratch.Start)).Single().AttemptNumber);
    }

    [Fact]
    public async Task An_attempt_that_outlasts_its_delay_is_not_leased_again_while_it_runs()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "one@example.com"), _cancel);
        await store.AddAsync(_scratch.Message("y", "two@example.net"), _cancel);
        var slow = (await Scratch.LeaseAsync(store, Scratch.Start, limit: 1)).Single();
        var later = Scratch.Start.AddHours(9);

        Assert.Equal("example.net", (await Scratch.LeaseAsync(store, later, limit: 1)).Single().Domain);
        Assert.Empty(await Scratch.LeaseAsync(store, later));
        await store.SettleAsync(slow, Scratch.Settlement(Scratch.Deferred), [], _cancel);
        Assert.Equal(2, (await Scratch.LeaseAsync(store, later)).Single().AttemptNumber);
    }

    [Fact]
    public async Task A_lease_that_is_given_back_counts_as_no_attempt()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "one@example.com"), _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        await store.ReturnAsync([lease], _cancel);
        await store.ReturnAsync([lease], _cancel);

        Assert.Equal(1, (await Scratch.LeaseAsync(store, Scratch.Start)).Single().AttemptNumber);
    }

    [Fact]
    public async Task The_longest_due_are_leased_first_up_to_the_limit()
    {
        await using var store = _scratch.Open();
        foreach (var i in (int[])[3, 1, 2])
        {
            await store.AddAsync(
                _scratch.Message("x", $"user@d{i}.example") with { ReceivedAt = Scratch.Start.AddSeconds(i) }, _cancel);
        }

        var now = Scratch.Start.AddMinutes(1);
        Assert.Equal(["d1.example", "d2.example"], (await Scratch.LeaseAsync(store, now, limit: 2)).Select(lease => lease.Domain));
        Assert.Equal(["d3.example"], (await Scratch.LeaseAsync(store, now, limit: 2)).Select(lease => lease.Domain));
    }

    [Fact]
    public async Task Each_domain_is_an_entry_of_its_own_and_the_message_goes_with_the_last()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "a@one.example", "b@two.example", "c@one.example", "d@[192.0.2.1]");
        await store.AddAsync(message, _cancel);
        var leases = (await Scratch.LeaseAsync(store, Scratch.Start)).ToDictionary(lease => lease.Domain);
        Assert.Equal(["[192.0.2.1]", "one.example", "two.example"], leases.Keys.Order());
        Assert.Equal(["a@one.example", "c@one.example"], leases["one.example"].Pending.Recipients.Select(one => one.ToString()));

        await store.SettleAsync(leases["one.example"], Scratch.Settlement(Scratch.Delivered, Scratch.Bounced), [], _cancel);
        await store.SettleAsync(leases["[192.0.2.1]"], Scratch.Settlement(Scratch.Delivered), [], _cancel);
        Assert.Equal(1, await store.CountAsync(_cancel));
        Assert.Equal("x", await Scratch.ReadAsync(store, message.Id));

        await store.SettleAsync(leases["two.example"], Scratch.Settlement(Scratch.Bounced), [], _cancel);
        Assert.Equal(0, await store.CountAsync(_cancel));
        await Assert.ThrowsAsync<QueueStoreException>(async () => await store.OpenContentAsync(message.Id, _cancel));
    }

    [Fact]
    public async Task Only_the_deferred_recipients_are_tried_again()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@one.example", "b@one.example", "c@one.example"), _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        var settlement = Scratch.Settlement(Scratch.Delivered, Scratch.Deferred, Scratch.Bounced) with { TlsFailed = true };
        await store.SettleAsync(lease, settlement, [], _cancel);

        Assert.Equal(Scratch.Start.AddMinutes(5), await Scratch.NextDueAsync(store, Scratch.Start));
        var again = (await Scratch.LeaseAsync(store, Scratch.Start.AddMinutes(5))).Single();
        Assert.Equal(["b@one.example"], again.Pending.Recipients.Select(one => one.ToString()));
        Assert.Equal(2, again.AttemptNumber);
        Assert.True(again.EarlierTlsFailure);

        // A handshake that failed once is remembered over attempts that met none.
        await store.SettleAsync(
            again, Scratch.Settlement(Scratch.Deferred) with { RetryAt = Scratch.Start.AddHours(2) }, [], _cancel);
        Assert.Equal(Scratch.Start.AddHours(2), await Scratch.NextDueAsync(store, Scratch.Start));
        Assert.True((await Scratch.LeaseAsync(store, Scratch.Start.AddHours(2))).Single().EarlierTlsFailure);
    }

    [Fact]
    public async Task A_mailbox_named_twice_is_settled_twice()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@one.example", "a@one.example"), _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred, Scratch.Delivered), [], _cancel);
        Assert.Single((await Scratch.LeaseAsync(store, Scratch.Start.AddMinutes(5))).Single().Pending.Recipients);
    }

    [Fact]
    public async Task A_bounce_report_comes_with_the_settlement_that_caused_it()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@one.example"), _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        var report = _scratch.Message("report", "sender@example.org");
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Bounced), [report], _cancel);

        await using var after = _scratch.OpenWhatACrashLeaves();
        Assert.Equal(1, await after.CountAsync(_cancel));
        Assert.Equal(report.Id, (await Scratch.LeaseAsync(after, Scratch.Start)).Single().Id);
    }

    [Fact]
    public async Task Adding_or_settling_twice_does_it_once()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "a@one.example", "b@two.example");
        var report = _scratch.Message("report", "sender@example.org");
        await store.AddAsync(message, _cancel);
        await store.AddAsync(message, _cancel);
        var leases = await Scratch.LeaseAsync(store, Scratch.Start);
        Assert.Equal(2, leases.Length);
        for (var i = 0; i < 2; i++)
        {
            await store.SettleAsync(leases[0], Scratch.Settlement(Scratch.Bounced), [report], _cancel);
        }

        Assert.Equal(2, await store.CountAsync(_cancel));
        await store.SettleAsync(leases[1], Scratch.Settlement(Scratch.Delivered), [], _cancel);
        await store.SettleAsync(leases[1], Scratch.Settlement(Scratch.Delivered), [], _cancel);
        Assert.Equal(report.Id, (await Scratch.LeaseAsync(store, Scratch.Start)).Single().Id);
    }

    [Fact]
    public async Task What_would_never_leave_the_queue_is_refused()
    {
        await using var store = _scratch.Open();
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AddAsync(_scratch.Message("x"), _cancel));
        var unreadable = _scratch.Message("x", "a@one.example") with
        {
            Envelope = new Envelope(null, [new Mailbox("a", null, DomainText: "no domain")]),
        };
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AddAsync(unreadable, _cancel));
        await store.AddAsync(_scratch.Message("x", "a@one.example", "b@one.example"), _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.SettleAsync(lease, Scratch.Settlement(Scratch.Delivered), [], _cancel));
    }

    [Fact]
    public async Task Closing_keeps_everything_and_frees_the_directory()
    {
        var message = _scratch.Message("x", "a@one.example");
        await using (var store = _scratch.Open())
        {
            await store.AddAsync(message, _cancel);
        }

        await using var again = _scratch.Open();
        Assert.Equal("x", await Scratch.ReadAsync(again, message.Id));
        await again.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await again.AddAsync(message, _cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await again.CountAsync(_cancel));
    }

    [Fact]
    public async Task Only_this_user_may_read_the_mail()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("modes are POSIX");
            return;
        }

        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@one.example"), _cancel);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(_scratch.Data));
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(_scratch.Data, "spool", "tmp")));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(_scratch.Data, "queue.db")));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(_scratch.Data, "queue.db-wal")));
    }
}
