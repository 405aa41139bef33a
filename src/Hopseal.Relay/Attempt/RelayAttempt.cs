using System.Collections.Immutable;
using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>One attempt under way: what its sessions share.</summary>
sealed class RelayAttempt(
    DelivererOptions options,
    IdleSessions? idle,
    ISessionSink sink,
    QueueLease lease,
    DeliveryPlan.Relay plan,
    Func<CancellationToken, ValueTask<Stream>> openContent)
{
    readonly DateTimeOffset _startedAt = options.Client.Clock.GetUtcNow();
    readonly long _started = options.Client.Clock.GetTimestamp();
    readonly ImmutableArray<SessionUse>.Builder _sessions = ImmutableArray.CreateBuilder<SessionUse>(1);

    public QueueLease Lease => lease;

    public DelivererOptions Options => options;

    public RecipientLedger Ledger { get; } = new(lease.Pending.Recipients);

    public bool TlsFailed { get; set; }

    public TimeSpan Elapsed => options.Client.Clock.GetElapsedTime(_started);

    /// <summary>The plan with what was learnt since it was made: a host that has completed TLS is held to it at once; by everybody but a
    /// sender who would rather have his message delivered.</summary>
    public HostPlan AsOfNow(HostPlan host) =>
        host.Floor is SecurityFloor.Plaintext
        && lease.Pending.Tls is not MessageTls.Optional
        && options.LastProven?.Invoke(host.Host) is { } last
            ? host.With(last)
            : host;

    public ValueTask<Stream> OpenContentAsync(CancellationToken cancel) => openContent(cancel);

    /// <summary>A session that another attempt left, cleared for this very demand.</summary>
    public OutboundSession? TakeIdle(HostPlan host, IPEndPoint peer, TlsStart start) => idle?.Take(host, peer, start, plan.Credentials);

    /// <summary>A session that is still to be opened.</summary>
    public OutboundSession NewSession(HostPlan host, IPEndPoint peer, TlsStart start)
    {
        var client = options.Client with
        {
            Credentials = plan.Credentials ? options.Credentials : null,
            Transcript = options.KeepTranscripts ? new Transcript() : null,
        };
        var session = new OutboundSession(options, client, sink, lease, host, peer, start);
        idle?.Opening(session);
        return session;
    }

    /// <param name="fit">Whether the session may serve another attempt.</param>
    public async ValueTask EndUseAsync(OutboundSession session, SessionUse use, bool fit)
    {
        _sessions.Add(use);
        session.EndUse(use);
        if (idle is null)
        {
            await session.CloseAsync();
        }
        else
        {
            idle.Return(session, fit);
        }
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
