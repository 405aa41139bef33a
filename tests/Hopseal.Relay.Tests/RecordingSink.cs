using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Hopseal.Relay.Tests;

/// <summary>Keeps what it is given; attempts can be awaited one by one.</summary>
sealed class RecordingSink : ISessionSink
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    readonly Channel<DeliveryAttempt> _attempts = Channel.CreateUnbounded<DeliveryAttempt>();

    readonly Channel<SessionRecord> _sessions = Channel.CreateUnbounded<SessionRecord>();

    public ConcurrentQueue<SessionRecord> Sessions { get; } = [];

    public bool TryRecord(SessionRecord record)
    {
        Sessions.Enqueue(record);
        return _sessions.Writer.TryWrite(record);
    }

    public bool TryRecord(DeliveryAttempt attempt) => _attempts.Writer.TryWrite(attempt);

    /// <summary>Waits for the next record of a session.</summary>
    public async Task<SessionRecord.Outbound> NextOutboundAsync() => Assert.IsType<SessionRecord.Outbound>(
        await _sessions.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_longest, TestContext.Current.CancellationToken));

    public async Task<DeliveryAttempt> NextAttemptAsync() =>
        await _attempts.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_longest, TestContext.Current.CancellationToken);

    public bool TryTakeAttempt(out DeliveryAttempt? attempt) => _attempts.Reader.TryRead(out attempt);
}
