using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;

namespace Hopseal.Relay.Tests.Queue;

public sealed class MessageQueueTests : IAsyncDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationTokenSource _stop =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    readonly WatchedClock _clock = new(Scratch.Start);
    readonly SqliteQueueStore _sqlite;
    readonly FaultyStore _store;
    readonly MessageQueue _queue;

    public MessageQueueTests()
    {
        _sqlite = _scratch.Open();
        _store = new FaultyStore(_sqlite);
        _queue = new MessageQueue(_store, Scratch.Schedule, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Dispose();
        _stop.Dispose();
        await _sqlite.DisposeAsync();
        _scratch.Dispose();
    }

    [Fact]
    public async Task What_is_added_is_taken_in_the_same_transaction()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        var before = _sqlite.Transactions;
        var message = _scratch.Message("x", "a@one.example", "b@two.example");
        await _queue.AddAsync(message, _stop.Token);

        Assert.Equal(["one.example", "two.example"], taker.Taken.Select(lease => lease.Domain));
        Assert.All(taker.Taken, lease => Assert.Equal((message.Id, 1), (lease.Id, lease.AttemptNumber)));
        Assert.Equal(before + 1, _sqlite.Transactions);
        Assert.Equal(1, await _queue.CountAsync(_stop.Token));
        await EndAsync(feeding);
    }

    [Fact]
    public async Task What_there_is_no_place_for_waits_until_there_is()
    {
        var full = true;
        var (taker, feeding) = await FeedAsync(
            new ListTaker { Answer = (_, _) => Volatile.Read(ref full) ? LeaseAnswer.Full.Instance : LeaseAnswer.Yes.Instance });
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        await taker.UntilAsync(() => taker.Rounds >= 2);
        Assert.Empty(taker.Taken);

        Volatile.Write(ref full, false);
        _queue.Wake();
        Assert.Equal("one.example", (await taker.TakenAsync(1)).Domain);
        await EndAsync(feeding);
    }

    [Fact]
    public async Task Without_a_taker_a_message_waits_for_one()
    {
        var message = _scratch.Message("x", "a@one.example");
        await _queue.AddAsync(message, _stop.Token);
        var (taker, feeding) = await FeedAsync(new ListTaker());
        Assert.Equal(message.Id, (await taker.TakenAsync(1)).Id);
        await EndAsync(feeding);
    }

    [Fact]
    public async Task The_content_of_a_message_that_goes_out_at_once_is_not_read_back()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        var message = _scratch.Message("content", "a@one.example");
        await _queue.AddAsync(message, _stop.Token);
        await _sqlite.DoAsync(rows => new Statement(rows.Connection, "DELETE FROM contents").Run(), _stop.Token);

        Assert.Equal("content", await ReadAsync(message.Id));
        await _queue.SettleAsync(taker.Taken[0], Scratch.Settlement(Scratch.Deferred), [], _stop.Token);
        Assert.Equal("", await ReadAsync(message.Id));
        await EndAsync(feeding);
    }

    [Fact]
    public async Task A_deferred_message_comes_back_as_the_schedule_says_and_gives_up_when_it_says()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        foreach (var (attempt, minutes) in ((int, int)[])[(1, 5), (2, 10), (3, 30), (4, 30), (5, 30)])
        {
            var lease = await taker.TakenAsync(attempt);
            Assert.Equal(attempt, lease.AttemptNumber);
            Assert.Equal(Scratch.Start.AddHours(120), lease.GivesUpAt);

            // What was leased and what was settled has been seen.
            var rounds = taker.Rounds;
            await _queue.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], _stop.Token);
            await taker.UntilAsync(() => taker.Rounds > rounds);
            _clock.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromMilliseconds(1));
            rounds = taker.Rounds;
            _queue.Wake();
            await taker.UntilAsync(() => taker.Rounds > rounds);
            Assert.Equal(attempt, taker.Taken.Count);
            _clock.Advance(TimeSpan.FromMilliseconds(2));
        }

        await EndAsync(feeding);
    }

    [Fact]
    public async Task A_settlement_may_call_for_an_earlier_attempt()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        await _queue.SettleAsync(
            taker.Taken[0], Scratch.Settlement(Scratch.Deferred) with { RetryAt = _clock.GetUtcNow() }, [], _stop.Token);
        Assert.Equal(2, (await taker.TakenAsync(2)).AttemptNumber);
        await EndAsync(feeding);
    }

    [Fact]
    public async Task A_report_is_due_at_once()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        var report = _scratch.Message("report", "sender@example.org");
        await _queue.SettleAsync(taker.Taken[0], Scratch.Settlement(Scratch.Bounced), [report], _stop.Token);
        Assert.Equal(report.Id, (await taker.TakenAsync(2)).Id);
        await EndAsync(feeding);
    }

    [Fact]
    public async Task A_store_that_fails_is_asked_again_later()
    {
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        _store.Failures = 3;
        var taker = new ListTaker();
        var feeding = _queue.FeedAsync(taker, _stop.Token);
        var taken = taker.TakenAsync(1);
        await _clock.AdvanceUntilAsync(taken, _stop.Token);
        Assert.Equal((0, 1), (_store.Failures, (await taken).AttemptNumber));

        // A settlement is not given up either: the peer may have the message.
        _store.Failures = 3;
        var settle = _queue.SettleAsync(await taken, Scratch.Settlement(Scratch.Delivered), [], _stop.Token).AsTask();
        await _clock.AdvanceUntilAsync(settle, _stop.Token);
        Assert.Equal(0, await _queue.CountAsync(_stop.Token));
        await EndAsync(feeding);
    }

    [Fact]
    public async Task Leases_that_are_returned_are_due_as_they_had_been()
    {
        var (taker, feeding) = await FeedAsync(new ListTaker());
        for (var i = 0; i < 10; i++)
        {
            await _queue.AddAsync(_scratch.Message("x", $"a@d{i}.example"), _stop.Token);
        }

        await EndAsync(feeding);
        await _queue.ReturnAsync([.. taker.Taken[1..]], CancellationToken.None);

        var left = await Scratch.LeaseAsync(_sqlite, _clock.GetUtcNow());
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"d{i}.example"), left.Select(lease => lease.Domain).Order());
        Assert.All(left, lease => Assert.Equal(1, lease.AttemptNumber));
    }

    [Fact]
    public async Task Stopping_ends_the_wait()
    {
        var (_, feeding) = await FeedAsync(new ListTaker());
        await EndAsync(feeding);
    }

    /// <summary>Waits until the first round is over, so that what comes then is new.</summary>
    async Task<(ListTaker Taker, Task Feeding)> FeedAsync(ListTaker taker)
    {
        var feeding = _queue.FeedAsync(taker, _stop.Token);
        await taker.UntilAsync(() => taker.Rounds > 0);
        return (taker, feeding);
    }

    async Task EndAsync(Task feeding)
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => feeding.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    async Task<string> ReadAsync(QueueId id)
    {
        await using var content = await _queue.OpenContentAsync(id, _stop.Token);
        using var reader = new StreamReader(content);
        return await reader.ReadToEndAsync(_stop.Token);
    }
}
