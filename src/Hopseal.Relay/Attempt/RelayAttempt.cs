using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>One attempt under way: what its sessions share.</summary>
sealed class RelayAttempt(
    DelivererOptions options,
    ISessionSink sink,
    QueueLease lease,
    DeliveryPlan.Relay plan,
    Func<CancellationToken, ValueTask<Stream>> openContent)
{
    readonly DateTimeOffset _startedAt = options.Client.Clock.GetUtcNow();
    readonly long _started = options.Client.Clock.GetTimestamp();
    readonly ImmutableArray<SessionRecord.Outbound>.Builder _sessions = ImmutableArray.CreateBuilder<SessionRecord.Outbound>();

    public QueueLease Lease => lease;

    public DelivererOptions Options => options;

    public RecipientLedger Ledger { get; } = new(lease.Pending.Recipients);

    public bool TlsFailed { get; set; }

    public TimeSpan Elapsed => options.Client.Clock.GetElapsedTime(_started);

    /// <summary>The plan with what was learnt since it was made: a host that has completed TLS is held to it at once.</summary>
    public HostPlan AsOfNow(HostPlan host) =>
        host.Floor is SecurityFloor.Plaintext && options.LastProven?.Invoke(host.Host) is { } last
            ? host with { Policies = host.Policies.Add(new TransportPolicy.ProvenTls(last)) }
            : host;

    public ValueTask<Stream> OpenContentAsync(CancellationToken cancel) => openContent(cancel);

    public ClientOptions ClientOptions(Transcript? transcript) => options.Client with
    {
        Credentials = plan.Credentials ? options.Credentials : null,
        Transcript = transcript,
    };

    public void Record(SessionRecord.Outbound session)
    {
        _sessions.Add(session);
        sink.TryRecord(session);
    }

    public DeliveryAttempt Close() => new(
        lease,
        _startedAt,
        Elapsed,
        plan,
        _sessions.ToImmutable(),
        Ledger.Close(ReplyVerdict.OfUntriedHosts()),
        TlsFailed);
}
