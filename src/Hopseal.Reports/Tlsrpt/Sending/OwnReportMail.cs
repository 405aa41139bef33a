using System.Collections.Concurrent;
using Hopseal.Relay.Queue;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>The messages in our queue that carry reports of ours: their sessions are not reported (RFC 8460 §3). A session may be recorded some time
/// after its message is settled, so each is known for two days after it was made, which is longer than it is tried.</summary>
/// <remarks>Any thread may use it.</remarks>
public sealed class OwnReportMail(TimeProvider clock)
{
    internal static readonly TimeSpan Remembered = TimeSpan.FromDays(2);

    readonly ConcurrentDictionary<QueueId, DateTimeOffset> _messages = new();

    public bool Holds(QueueId message) => _messages.ContainsKey(message);

    internal void Add(QueueId message) => Add(message, clock.GetUtcNow());

    internal void Add(QueueId message, DateTimeOffset madeAt) => _messages[message] = madeAt;

    internal void ForgetOld()
    {
        var oldest = clock.GetUtcNow() - Remembered;
        foreach (var (message, madeAt) in _messages)
        {
            if (madeAt < oldest)
            {
                _messages.TryRemove(message, out _);
            }
        }
    }
}
