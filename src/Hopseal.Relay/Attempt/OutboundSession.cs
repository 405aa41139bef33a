using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>One outbound session from connect to close, over all the attempts that use it, and its one record. In the hands of one
/// attempt, or idle.</summary>
/// <param name="opener">The lease it is opened for.</param>
/// <param name="client">How to connect; with credentials, if the plan says so.</param>
sealed class OutboundSession(
    DelivererOptions options, ClientOptions client, ISessionSink sink, QueueLease opener, HostPlan plan, IPEndPoint peer, TlsStart start)
{
    readonly QueueId _message = opener.Id;
    readonly string _domain = opener.Domain;
    readonly DateTimeOffset _startedAt = client.Clock.GetUtcNow();
    readonly long _started = client.Clock.GetTimestamp();
    TransactionChannel? _channel;
    IPAddress? _local;
    SessionFault? _fault;
    int _attempts;
    int _delivered;
    int _deferred;
    int _bounced;
    int _mayBeDelivered;
    bool _closed;

    public string Id { get; } = QueueId.Next(client.Clock).Text;

    /// <summary>What was asked of it when it was opened.</summary>
    public HostPlan Plan => plan;

    public IPEndPoint Peer => peer;

    public TlsStart Start => start;

    /// <summary>What shares a limit of connections with it.</summary>
    public string Destination { get; } = options.Reuse?.DestinationOf(opener.Domain) ?? opener.Domain;

    public TlsOutcome? Tls { get; private set; }

    /// <summary>Once the clearance is granted.</summary>
    public TransactionChannel Channel => _channel ?? throw new InvalidOperationException("the session was not cleared");

    public int Transactions { get; private set; }

    public Transcript? Transcript => client.Transcript;

    public TimeSpan Age => client.Clock.GetElapsedTime(_started);

    /// <summary>Whether it was cleared for exactly what this plan demands, at this address.</summary>
    public bool Serves(HostPlan wanted, IPEndPoint address, TlsStart how, bool authenticated) =>
        start == how
        && client.Credentials is not null == authenticated
        && peer.Equals(address)
        && ReuseRule.MayBeKept(Tls)
        && ReuseRule.Allows(plan, wanted);

    /// <summary>Step 8: secure. Once.</summary>
    /// <exception cref="OperationCanceledException">The attempt was broken off.</exception>
    public async ValueTask<Clearance> OpenAsync(CancellationToken cancel)
    {
        var demand = new TlsDemand(plan.Floor, plan.ServerName, options.Verify(plan), start)
        {
            MinimumVersion = plan.MinimumVersion,
            Certificate = plan.Certificate is { } shown ? options.Certificate?.Invoke(shown.Files) : null,
        };
        var clearance = await SmtpClientConnection.OpenAsync(peer, demand, client, cancel);
        _local = clearance.Local;
        switch (clearance)
        {
            case Clearance.Granted granted:
                _channel = granted.Channel;
                Tls = granted.Tls;
                break;
            case Clearance.Denied denied:
                Tls = denied.Tls;
                break;
            case Clearance.Unavailable unavailable:
                Tls = unavailable.Tls;
                _fault = unavailable.Fault;
                break;
        }

        return clearance;
    }

    public void BeginTransaction() => Transactions++;

    /// <summary>An attempt is done with it.</summary>
    public void EndUse(SessionUse use)
    {
        _attempts++;
        _fault = use.Fault;
        _delivered += use.Delivered;
        _deferred += use.Deferred;
        _bounced += use.Bounced;
        _mayBeDelivered += use.MayBeDelivered;
    }

    /// <summary>Takes leave of the peer where it still listens, and records the session. Never waits long and never throws.</summary>
    /// <param name="withoutWord">The peer broke the silence: it gets no QUIT, and what it said is not read.</param>
    public async ValueTask CloseAsync(bool withoutWord = false)
    {
        if (_closed)
        {
            throw new InvalidOperationException("a session is closed once");
        }

        _closed = true;
        if (_channel is not null)
        {
            await (withoutWord ? _channel.DiscardAsync() : _channel.DisposeAsync());
        }

        sink.TryRecord(new SessionRecord.Outbound(
            _message,
            _domain,
            plan,
            start,
            _fault,
            _attempts,
            Transactions,
            _delivered,
            _deferred,
            _bounced,
            _mayBeDelivered,
            client.Transcript)
        {
            SessionId = Id,
            StartedAt = _startedAt,
            Elapsed = Age,
            Peer = peer,
            Local = _local,
            Tls = Tls,
        });
    }
}
