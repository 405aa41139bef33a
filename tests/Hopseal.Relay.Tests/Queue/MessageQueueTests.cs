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
    public async Task What_is_added_is_due_at_once_even_to_one_who_waits_already()
    {
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        var waiting = _clock.ArmedAsync();
        var next = due.MoveNextAsync().AsTask();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), _stop.Token);
        Assert.False(next.IsCompleted);

        var message = _scratch.Message("x", "a@one.example");
        await _queue.AddAsync(message, _stop.Token);
        Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(30), _stop.Token));
        Assert.Equal(message.Id, due.Current.Id);
        Assert.Equal(1, await _queue.CountAsync(_stop.Token));
    }

    [Fact]
    public async Task A_deferred_message_comes_back_as_the_schedule_says_and_gives_up_when_it_says()
    {
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        var at = new List<TimeSpan>();
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            var next = due.MoveNextAsync().AsTask();
            await _clock.AdvanceUntilAsync(next, _stop.Token);
            at.Add(_clock.GetUtcNow() - Scratch.Start);
            Assert.Equal(attempt, due.Current.AttemptNumber);
            Assert.Equal(Scratch.Start.AddHours(120), due.Current.GivesUpAt);
            await _queue.SettleAsync(due.Current, Scratch.Settlement(Scratch.Deferred), [], _stop.Token);
        }

        // After 5, 10, 30 and again 30 minutes, to the minute that this test moves the clock by.
        Assert.Equal([0, 5, 15, 45, 75], at.Select(time => (int)time.TotalMinutes));
    }

    [Fact]
    public async Task A_settlement_may_call_for_an_earlier_attempt()
    {
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        Assert.True(await due.MoveNextAsync());
        var lease = due.Current;
        var next = due.MoveNextAsync().AsTask();
        await _queue.SettleAsync(
            lease, Scratch.Settlement(Scratch.Deferred) with { RetryAt = _clock.GetUtcNow() }, [], _stop.Token);
        Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(30), _stop.Token));
        Assert.Equal(2, due.Current.AttemptNumber);
    }

    [Fact]
    public async Task A_report_is_due_at_once()
    {
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        Assert.True(await due.MoveNextAsync());
        var lease = due.Current;
        var next = due.MoveNextAsync().AsTask();
        var report = _scratch.Message("report", "sender@example.org");
        await _queue.SettleAsync(lease, Scratch.Settlement(Scratch.Bounced), [report], _stop.Token);
        Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(30), _stop.Token));
        Assert.Equal(report.Id, due.Current.Id);
    }

    [Fact]
    public async Task A_store_that_fails_is_asked_again_later()
    {
        await _queue.AddAsync(_scratch.Message("x", "a@one.example"), _stop.Token);
        _store.Failures = 3;
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        var next = due.MoveNextAsync().AsTask();
        await _clock.AdvanceUntilAsync(next, _stop.Token);
        Assert.Equal(0, _store.Failures);
        Assert.Equal(1, due.Current.AttemptNumber);

        // A settlement is not given up either: the peer may have the message.
        _store.Failures = 3;
        var settle = _queue.SettleAsync(due.Current, Scratch.Settlement(Scratch.Delivered), [], _stop.Token).AsTask();
        await _clock.AdvanceUntilAsync(settle, _stop.Token);
        Assert.Equal(0, await _queue.CountAsync(_stop.Token));
    }

    [Fact]
    public async Task Leases_that_nobody_attempted_are_due_again_at_once()
    {
        for (var i = 0; i < 10; i++)
        {
            await _queue.AddAsync(_scratch.Message("x", $"a@d{i}.example"), _stop.Token);
        }

        await foreach (var lease in _queue.DueAsync(_stop.Token))
        {
            Assert.Equal("d0.example", lease.Domain);
            break;
        }

        var left = await Scratch.LeaseAsync(_sqlite, _clock.GetUtcNow());
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"d{i}.example"), left.Select(lease => lease.Domain).Order());
    }

    [Fact]
    public async Task Stopping_ends_the_wait()
    {
        await using var due = _queue.DueAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        var waiting = _clock.ArmedAsync();
        var next = due.MoveNextAsync().AsTask();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), _stop.Token);
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }
}
