using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class DueScanTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_destination_with_thousands_does_not_delay_one_with_one()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 3000, _ => "many.example");
        await FillAsync(store, 10, i => $"one{i}.example");
        var taken = 0;
        var taker = new ListTaker
        {
            Answer = (domain, _) => domain == "many.example" && ++taken > 100 ? LeaseAnswer.Full.Instance : LeaseAnswer.Yes.Instance,
        };

        var leases = new List<QueueLease>();
        for (var looks = 1; looks <= 3; looks++)
        {
            var scan = await Scratch.ScanAsync(store, Scratch.Start, taker, limit: 64);
            leases.AddRange(scan.Leases);
            Assert.Equal(looks < 2, scan.More);
        }

        Assert.Equal(100, leases.Count(lease => lease.Domain == "many.example"));
        Assert.Equal(10, leases.Count(lease => lease.Domain != "many.example"));
    }

    [Fact]
    public async Task A_look_costs_what_is_due_and_not_what_waits()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 20_000, i => $"d{i % 1000}.example");
        var failing = new ListTaker { Answer = (_, _) => new LeaseAnswer.NotBefore(Scratch.Start.AddMinutes(10)) };
        LeaseScan scan;
        do
        {
            scan = await Scratch.ScanAsync(store, Scratch.Start, failing);
            Assert.Empty(scan.Leases);
        }
        while (scan.More);

        // Each domain was asked for once, whatever waits for it, and is left alone from then on.
        Assert.Equal(1000, failing.Asked.Count);
        Assert.Equal(Scratch.Start.AddMinutes(10), scan.NextDue);
        await store.AddAsync(_scratch.Message("x", "a@d7.example"), _cancel);
        await store.AddAsync(_scratch.Message("x", "a@new.example"), _cancel);

        var visited = await VisitedAsync(store);
        var taker = new ListTaker();
        Assert.Equal("new.example", Assert.Single((await Scratch.ScanAsync(store, Scratch.Start.AddMinutes(1), taker)).Leases).Domain);
        Assert.Equal(1, await VisitedAsync(store) - visited);
        Assert.Equal(1000, (await Scratch.ScanAsync(store, Scratch.Start.AddMinutes(10), taker, limit: 1000)).Leases.Length);
    }

    [Fact]
    public async Task Domains_that_have_to_wait_do_not_hide_the_others_however_many_they_are()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, DueScan.MaxDomains * 3, i => $"full{i}.example");
        await store.AddAsync(_scratch.Message("x", "a@live.example") with { ReceivedAt = Scratch.Start.AddSeconds(1) }, _cancel);
        var taker = new ListTaker
        {
            Answer = (domain, _) => domain == "live.example" ? LeaseAnswer.Yes.Instance : LeaseAnswer.Full.Instance,
        };

        var looks = 0;
        var found = new List<QueueLease>();
        LeaseScan scan;
        do
        {
            var visited = await VisitedAsync(store);
            scan = await Scratch.ScanAsync(store, Scratch.Start.AddSeconds(1), taker);
            Assert.InRange(await VisitedAsync(store) - visited, 1, DueScan.MaxDomains);
            found.AddRange(scan.Leases);
            looks++;
        }
        while (scan.More);

        Assert.Equal(4, looks);
        Assert.Equal("live.example", Assert.Single(found).Domain);
    }

    [Fact]
    public async Task A_look_that_came_to_nothing_is_made_again_from_where_it_began()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 10, i => $"d{i}.example");
        var taker = new ListTaker();
        await store.DoAsync(
            rows => new Statement(
                rows.Connection,
                "CREATE TEMP TRIGGER full BEFORE UPDATE OF leased ON entries WHEN OLD.domain = 'd3.example' BEGIN SELECT RAISE(ABORT, 'full'); END").Run(),
            _cancel);
        await Assert.ThrowsAsync<QueueStoreException>(() => Scratch.ScanAsync(store, Scratch.Start, taker, limit: 5));
        await store.DoAsync(rows => new Statement(rows.Connection, "DROP TRIGGER full").Run(), _cancel);

        var leases = new List<QueueLease>();
        LeaseScan scan;
        do
        {
            scan = await Scratch.ScanAsync(store, Scratch.Start, taker, limit: 5);
            leases.AddRange(scan.Leases);
        }
        while (scan.More);

        Assert.Equal(10, leases.Count);
    }

    [Fact]
    public async Task What_is_over_its_time_is_leased_though_its_domain_has_to_wait()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 100, i => $"d{i % 2}.example");
        await store.AddAsync(_scratch.Message("x", "a@d0.example") with { ReceivedAt = Scratch.Start.AddHours(1) }, _cancel);
        var held = await store.DoAsync(
            rows => new Statement(rows.Connection, "UPDATE entries SET held = 1 WHERE message = 3").Run(), _cancel);
        Assert.Equal(1, held);
        var taker = new ListTaker { Answer = (_, _) => new LeaseAnswer.NotBefore(Scratch.Start.AddHours(130)) };
        var scan = await Scratch.ScanAsync(store, Scratch.Start.AddHours(119), taker);
        Assert.Empty(scan.Leases);
        Assert.Equal(Scratch.Start.AddHours(120), scan.NextDue);

        var leases = new List<QueueLease>();
        do
        {
            scan = await Scratch.ScanAsync(store, Scratch.Start.AddHours(120), taker);
            leases.AddRange(scan.Leases);
        }
        while (scan.More);

        Assert.Equal(99, leases.Count);
        Assert.All(leases, lease => Assert.Equal((true, 0), (lease.Suspended, lease.AttemptNumber)));
        Assert.Equal(Scratch.Start.AddHours(121), scan.NextDue);
        Assert.Empty((await Scratch.ScanAsync(store, Scratch.Start.AddHours(120), taker)).Leases);
    }

    [Fact]
    public async Task Without_room_for_what_is_over_its_time_it_waits_for_room()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 3, _ => "d.example");
        var wait = new LeaseAnswer.NotBefore(Scratch.Start.AddHours(130));
        var scan = await Scratch.ScanAsync(
            store, Scratch.Start.AddHours(120), new ListTaker { Answer = (_, _) => wait, TakesSuspended = false });
        Assert.Empty(scan.Leases);
        Assert.False(scan.More);
        Assert.Equal(Scratch.Start.AddHours(130), scan.NextDue);
        Assert.Equal(3, (await Scratch.ScanAsync(store, Scratch.Start.AddHours(120), new ListTaker { Answer = (_, _) => wait })).Leases.Length);
    }

    [Fact]
    public async Task A_reserved_place_is_given_back_when_the_lease_is_undone()
    {
        await using var store = _scratch.Open();
        await FillAsync(store, 3, _ => "d.example");
        var asked = 0;
        var taker = new ListTaker { Answer = (_, _) => ++asked == 3 ? throw new InvalidOperationException("a defect") : LeaseAnswer.Yes.Instance };
        await Assert.ThrowsAsync<QueueStoreException>(() => Scratch.ScanAsync(store, Scratch.Start, taker));
        Assert.Equal(0, taker.Reserved);
        Assert.Equal(3, (await Scratch.ScanAsync(store, Scratch.Start, taker)).Leases.Length);
    }

    [Fact]
    public async Task A_row_of_a_domain_goes_with_its_last_waiting_entry()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@d.example"), _cancel);
        var lease = Assert.Single(await Scratch.LeaseAsync(store, Scratch.Start));
        Assert.Equal(0, await AskAsync(store, "SELECT count(*) FROM domains"));
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], _cancel);
        Assert.Equal(1, await AskAsync(store, "SELECT count(*) FROM domains"));
        Assert.Equal(
            Scratch.Start.AddMinutes(5).ToUnixTimeMilliseconds(), await AskAsync(store, "SELECT due_at FROM domains"));
    }

    async Task FillAsync(SqliteQueueStore store, int count, Func<int, string> domain) => await Task.WhenAll(
        Enumerable.Range(0, count).Select(i => store.AddAsync(_scratch.Message("x", $"user{i}@{domain(i)}"), _cancel).AsTask()));

    ValueTask<long> VisitedAsync(SqliteQueueStore store) => store.DoAsync(rows => rows.Due.Visited, _cancel);

    ValueTask<long> AskAsync(SqliteQueueStore store, string sql) => store.DoAsync(
        rows =>
        {
            using var statement = new Statement(rows.Connection, sql);
            return statement.Ask() ?? -1;
        },
        _cancel);
}
