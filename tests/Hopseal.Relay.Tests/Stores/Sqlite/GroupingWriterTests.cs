using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class GroupingWriterTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Callers_who_wait_together_share_a_transaction()
    {
        await using var store = _scratch.Open();
        using var hold = new Hold(store);
        var adds = Enumerable.Range(0, 200).Select(i => AddAsync(store, $"user@d{i}.example")).ToList();
        var before = store.Transactions;
        hold.Release();
        await Task.WhenAll(adds);

        // The one that held the writer up, and one for all the others.
        Assert.Equal(before + 2, store.Transactions);
        Assert.Equal(200, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task Many_producers_need_far_fewer_transactions_than_messages()
    {
        await using var store = _scratch.Open();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 1000),
            new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = _cancel },
            async (i, _) => await AddAsync(store, $"user@d{i}.example"));

        Assert.Equal(1000, await store.CountAsync(_cancel));
        Assert.InRange(store.Transactions, 1, 500);
    }

    [Fact]
    public async Task One_that_fails_does_not_fail_its_neighbours()
    {
        await using var store = _scratch.Open();
        using var hold = new Hold(store);
        var first = AddAsync(store, "a@one.example");
        var defect = store.DoAsync<bool>(_ => throw new FormatException("a defect"), _cancel).AsTask();
        var half = store.DoAsync<bool>(
            rows =>
            {
                rows.Add(_scratch.Message("half", "never@kept.example"));
                throw new SqliteException("constraint", 19);
            },
            _cancel).AsTask();
        var last = AddAsync(store, "b@two.example");
        hold.Release();

        await first;
        await last;
        Assert.IsType<FormatException>((await Assert.ThrowsAsync<QueueStoreException>(() => defect)).InnerException);
        Assert.False((await Assert.ThrowsAsync<QueueStoreException>(() => half)).MayBeKept);
        Assert.Equal(
            ["one.example", "two.example"],
            (await Scratch.LeaseAsync(store, Scratch.Start)).Select(lease => lease.Domain).Order());
    }

    [Fact]
    public async Task A_disk_error_spoils_the_connection_and_a_new_one_goes_on()
    {
        await using var store = _scratch.Open();
        await AddAsync(store, "a@one.example");
        SqliteConnection? spoilt = null;
        await Assert.ThrowsAsync<QueueStoreException>(async () => await store.DoAsync<bool>(
            rows =>
            {
                spoilt = rows.Connection;
                throw new SqliteException("disk I/O error", 10);
            },
            _cancel));
        await AddAsync(store, "b@two.example");

        Assert.Equal(System.Data.ConnectionState.Closed, spoilt!.State);
        Assert.Equal(2, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task Cancelling_before_the_write_began_keeps_nothing()
    {
        await using var store = _scratch.Open();
        using var hold = new Hold(store);
        using var gone = new CancellationTokenSource();
        var add = store.AddAsync(_scratch.Message("x", "a@one.example"), gone.Token).AsTask();
        await gone.CancelAsync();
        hold.Release();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => add);
        Assert.Equal(0, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task A_lease_whose_transaction_was_undone_is_free_again()
    {
        await using var store = _scratch.Open();
        await AddAsync(store, "a@one.example");
        using var hold = new Hold(store);
        var lease = Scratch.LeaseAsync(store, Scratch.Start);
        var defect = store.DoAsync<bool>(_ => throw new FormatException("a defect"), _cancel).AsTask();
        hold.Release();

        await Assert.ThrowsAsync<QueueStoreException>(() => defect);
        Assert.Equal(1, (await lease).Single().AttemptNumber);
    }

    [Fact]
    public async Task Closing_finishes_what_waits()
    {
        var store = _scratch.Open();
        using var hold = new Hold(store);
        var adds = Enumerable.Range(0, 50).Select(i => AddAsync(store, $"user@d{i}.example")).ToList();
        var closing = store.DisposeAsync();
        hold.Release();
        await closing;
        await Task.WhenAll(adds);

        await using var again = _scratch.Open();
        Assert.Equal(50, await again.CountAsync(_cancel));
    }

    [Fact]
    public async Task What_a_large_backlog_leaves_goes_back_to_the_disk_bit_by_bit()
    {
        await using var store = _scratch.Open();
        var messages = Enumerable.Range(0, 400).Select(i => _scratch.Message(new string('x', 250_000), $"user{i}@d.example")).ToList();
        await Task.WhenAll(messages.Select(message => store.AddAsync(message, _cancel).AsTask()));
        var leases = await Scratch.LeaseAsync(store, Scratch.Start, limit: 1000);
        await Task.WhenAll(leases.Select(lease => store.SettleAsync(lease, Scratch.Settlement(Scratch.Delivered), [], _cancel).AsTask()));

        var free = await FreePagesAsync(store);
        Assert.True(free > 0);
        await store.DoAsync(rows => new Statement(rows.Connection, QueueDatabase.GiveBack).Run(), _cancel);
        Assert.True(await FreePagesAsync(store) < free);
    }

    async Task<long> FreePagesAsync(SqliteQueueStore store) =>
        await store.DoAsync(rows => new Statement(rows.Connection, "PRAGMA freelist_count").Ask() ?? 0, _cancel);

    Task AddAsync(SqliteQueueStore store, string recipient) =>
        store.AddAsync(_scratch.Message("x", recipient), _cancel).AsTask();

    /// <summary>Keeps the writer busy until released.</summary>
    sealed class Hold : IDisposable
    {
        readonly ManualResetEventSlim _released = new();

        public Hold(SqliteQueueStore store)
        {
            using var begun = new ManualResetEventSlim();
            _ = store.DoAsync(
                _ =>
                {
                    begun.Set();
                    return _released.Wait(TimeSpan.FromSeconds(30));
                },
                CancellationToken.None).AsTask();
            begun.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }

        public void Release() => _released.Set();

        public void Dispose() => _released.Set();
    }
}
