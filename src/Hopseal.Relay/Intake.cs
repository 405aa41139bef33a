using System.Collections.Immutable;
using System.Net;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay;

/// <summary>What the intake needs to know.</summary>
public sealed record IntakeOptions
{
    /// <summary>The name in the Received header.</summary>
    public required string Hostname { get; init; }

    public required AcceptedDomains AcceptedDomains { get; init; }

    /// <summary>Clients that may send anywhere.</summary>
    public ImmutableArray<IPNetwork> RelayFrom { get; init; } = [];

    /// <summary>What mail must have come by.</summary>
    public InboundRules Rules { get; init; } = new([]);

    /// <summary>Whether there is room for one more message; <see cref="FreeSpace"/> in production.</summary>
    public Func<bool> HasRoom { get; init; } = static () => true;

    /// <summary>Told of each message that is taken, before its client is. Does not wait.</summary>
    public Action<AcceptedMessage>? Accepted { get; init; }

    /// <summary>A message with more hops than this is in a loop; at least 100 (RFC 5321 §6.3).</summary>
    public int MaxReceivedFields { get; init; } = 100;
}

/// <summary>Step 4: takes mail from server sessions into the queue: decides who may send where, writes the trace header, and says 250 once
/// content and envelope are on stable storage.</summary>
public sealed class Intake : ITransactionHandler
{
    readonly IntakeOptions _options;
    readonly RelayPermission _permission;
    readonly MessageQueue _queue;
    readonly Spool _spool;
    readonly TimeProvider _clock;
    readonly ILogger _log;

    /// <param name="spool">The one that the queue's store reads.</param>
    public Intake(IntakeOptions options, MessageQueue queue, Spool spool, TimeProvider clock, ILogger<Intake>? log = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _permission = new RelayPermission(options.AcceptedDomains, options.RelayFrom);
        _queue = queue;
        _spool = spool;
        _clock = clock;
        _log = log ?? NullLogger<Intake>.Instance;
    }

    public SmtpReply? RefusalOf(SessionContext session, Mailbox? sender)
    {
        ArgumentNullException.ThrowIfNull(session);
        return _options.Rules.RefusalOf(session.Peer.Address, session.Tls, sender);
    }

    public ValueTask<SmtpReply> RecipientAsync(
        SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(session);
        var decision = _permission.Decide(session.Peer.Address, session.User, recipient);
        return ValueTask.FromResult(decision switch
        {
            // Before the content is sent for nothing (RFC 3463 §3.4).
            RelayDecision.Accepted when !_options.HasRoom() =>
                new SmtpReply(452, new EnhancedStatus(4, 3, 1), "no space for mail, try again later"),
            RelayDecision.Accepted => new SmtpReply(250, new EnhancedStatus(2, 1, 5), "recipient ok"),
            RelayDecision.RelayDenied => new SmtpReply(550, new EnhancedStatus(5, 7, 1), "relay access denied"),
            RelayDecision.RoutedLocalPart =>
                new SmtpReply(550, new EnhancedStatus(5, 7, 1), "relay access denied: a route in the local part"),
        });
    }

    public IMessageWriter BeginMessage(SessionContext session, Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(envelope);
        var id = QueueId.Next(_clock);
        var receivedAt = _clock.GetUtcNow();
        var header = ReceivedHeader.Format(session, envelope, _options.Hostname, id, receivedAt);
        var content = _spool.Begin(id);
        return new IntakeMessage(id, receivedAt, envelope, header, content, _queue, _options.MaxReceivedFields, Told, _log);

        void Told(Envelope taken) =>
            _options.Accepted?.Invoke(new AcceptedMessage(id, _clock.GetUtcNow(), session, taken, content.Length));
    }
}
