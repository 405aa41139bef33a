using System.Threading.Channels;
using Hopseal.Relay;

namespace Hopseal.Commands.Demo;

/// <summary>The gateway's own records of what it did, in the order they were written: the demo shows these, and asks nobody else.</summary>
sealed class DemoRecords : ISessionSink
{
    readonly Channel<SessionRecord.Inbound> _inbound = Channel.CreateUnbounded<SessionRecord.Inbound>();
    readonly Channel<DeliveryAttempt> _attempts = Channel.CreateUnbounded<DeliveryAttempt>();

    public bool TryRecord(SessionRecord record) => record is not SessionRecord.Inbound inbound || _inbound.Writer.TryWrite(inbound);

    public bool TryRecord(DeliveryAttempt attempt) => _attempts.Writer.TryWrite(attempt);

    public ValueTask<SessionRecord.Inbound> NextInboundAsync(CancellationToken cancel) => _inbound.Reader.ReadAsync(cancel);

    public ValueTask<DeliveryAttempt> NextAttemptAsync(CancellationToken cancel) => _attempts.Reader.ReadAsync(cancel);
}
