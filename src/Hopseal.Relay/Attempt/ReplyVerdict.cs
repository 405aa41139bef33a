using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>Step 10: judge. The one place that does: what a plan, a session or a reply means for the recipients, and
/// where the attempt goes on. Pure and total.</summary>
/// <remarks>
/// <para>Of a session that never got to mail:</para>
/// <list type="bullet">
/// <item>No connection, time-out, a broken dialogue, 4xx: the next address, then the next host; in the end deferred.</item>
/// <item>5xx in the greeting: the same. It tells us to go away, not that the mail is wrong; the next host may take it
/// (RFC 5321 §3.1, RFC 7504 §3).</item>
/// <item>5xx to EHLO: the next host; returned to the sender only when every host of the plan says so.</item>
/// <item>5xx to AUTH: deferred. A wrong password is ours to mend and must not cost mail.</item>
/// <item>Not as secure as the floor: the next address, in the end deferred, never less secure (RFC 7672 §2.1). A message that requires TLS
/// is returned, once no host is left (RFC 8689 §4.2.1).</item>
/// </list>
/// <para>Of a transaction: 4xx goes to the next host (RFC 5321 §5.1), 5xx is final. Replies to RCPT and to the content count
/// for their recipient alone. 4xx to the content waits for the next attempt: the hosts of a domain judge it alike, and it may be large. 421 and
/// a lost connection end the session, not the mail; but what broke after the final dot is not tried again at once, because the peer
/// may have the message (RFC 5321 §6.1).</para>
/// </remarks>
public static class ReplyVerdict
{
    const int MaxReplyCharacters = 400;

    /// <summary>See <see cref="TlsFailure.ReasonCode"/>: STARTTLS was offered, and then answered with 4xx or 5xx.</summary>
    const string StartTlsRefused = "starttls-refused";

    static readonly EnhancedStatus s_badConnection = new(4, 4, 2);
    static readonly EnhancedStatus s_encryptionNeeded = new(5, 7, 10);

    /// <summary>A plan that opens no connection; null for one that does.</summary>
    public static RecipientOutcome? OfPlan(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Defer defer => new RecipientOutcome.Deferred(defer.Status, defer.Reason),
        DeliveryPlan.Bounce bounce => new RecipientOutcome.Bounced(bounce.Status, bounce.Reason),
        _ => null,
    };

    /// <summary>A host without a known address is skipped (RFC 7672 §2.1.2).</summary>
    public static Verdict OfMissingAddress(HostPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var host = plan.Host.Name?.Ascii ?? "the next hop";
        return new Verdict(
            new RecipientOutcome.Deferred(
                new EnhancedStatus(4, 4, 4),
                $"{host} was skipped, its address is not known: {plan.Host.AddressFailure ?? "none was found"}",
                new RemoteWord(host, null)),
            NextStep.NextHost);
    }

    /// <summary>A connection that did not become a channel.</summary>
    /// <param name="clearance">Denied or Unavailable.</param>
    /// <param name="earlierTlsFailure">See <see cref="QueueLease.EarlierTlsFailure"/>.</param>
    public static Verdict OfSession(HostPlan plan, IPAddress peer, TlsStart start, Clearance clearance, bool earlierTlsFailure)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(clearance);
        var verdict = clearance switch
        {
            Clearance.Denied denied => OfDenial(plan, peer, denied.Tls),
            Clearance.Unavailable unavailable => OfFault(plan, peer, unavailable.Fault, unavailable.Tls),
            _ => throw new ArgumentException($"not a failure: {clearance}", nameof(clearance)),
        };
        if (plan.Floor != SecurityFloor.Plaintext || start != TlsStart.StartTls || !IsHandshakeFailure(clearance))
        {
            return verdict;
        }

        return verdict with { TlsFailed = true, Next = earlierTlsFailure ? NextStep.SameAddressInPlaintext : verdict.Next };
    }

    /// <summary>What one transaction did for one recipient.</summary>
    /// <param name="reached">How far the session was secured.</param>
    public static Verdict OfRecipient(HostPlan plan, IPAddress peer, TlsOutcome reached, RecipientResult result)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(result);
        return result switch
        {
            RecipientResult.Accepted accepted => new Verdict(
                new RecipientOutcome.Delivered(
                    accepted.Reply,
                    accepted.Dsn ? DeliveredTo.ReportingHost : DeliveredTo.SilentHost,
                    Remote(plan, peer, accepted.Reply)),
                NextStep.Stop),
            RecipientResult.Rejected rejected => OfRejection(plan, peer, reached, rejected),

            // Another host of the domain may offer what this one lacks.
            RecipientResult.Unsupported unsupported => new Verdict(
                Failed(
                    unsupported.Status,
                    $"{Name(plan, peer)} cannot take this message: {unsupported.Reason}",
                    Remote(plan, peer, null)),
                NextStep.NextHost),
            RecipientResult.Interrupted { MayBeDelivered: true } interrupted => new Verdict(
                new RecipientOutcome.Deferred(
                    s_badConnection,
                    $"the connection to {Name(plan, peer)} broke after the whole message had been sent "
                    + $"({Clip(interrupted.Fault.Detail)}); it may have arrived and is sent again",
                    Remote(plan, peer, interrupted.Fault.Reply)),
                NextStep.Stop),
            RecipientResult.Interrupted interrupted => OfFault(plan, peer, interrupted.Fault, null),
            _ => throw new ArgumentException($"unknown result {result}", nameof(result)),
        };
    }

    /// <summary>The first transaction in a session that was kept from another attempt: why the session was of no use, null when it was.
    /// Before the peer has taken MAIL, its silence, its farewell and its refusals may be about the session (421 after a time or a number of
    /// messages, 503 for a transaction it has lost count of) and not about this mail, which a new connection tells.</summary>
    public static SessionFault? OfKeptSession(ImmutableArray<RecipientResult> results) => results is [var first, ..]
        ? first switch
        {
            RecipientResult.Interrupted { Fault.Phase: SmtpPhase.MailFrom } interrupted => interrupted.Fault,
            RecipientResult.Rejected { Phase: SmtpPhase.MailFrom, Reply: var reply } =>
                new SessionFault(SmtpPhase.MailFrom, FaultKind.Refused, reply, reply.ToString()),
            _ => null,
        }
        : null;

    /// <summary>Whether another message may use the session after this transaction: somebody got the message, or everybody was refused for
    /// good and by name. What was said about the message or the sender as a whole may go on to hold in this session.</summary>
    public static bool LeavesSessionFit(ImmutableArray<RecipientResult> results) =>
        results.All(result => result is RecipientResult.Accepted or RecipientResult.Rejected { Phase: SmtpPhase.RcptTo })
        && (results.Any(result => result is RecipientResult.Accepted)
            || results.All(result => result is RecipientResult.Rejected { Reply.IsPermanent: true }));

    /// <summary>Whether a reply is about one recipient, and says nothing of what the session is good for.</summary>
    public static bool IsAboutRecipient(RecipientResult result) =>
        result is RecipientResult.Rejected { Phase: SmtpPhase.RcptTo, Reply.Code: not 421 };

    /// <summary>For recipients whose turn never came, because the session ended first.</summary>
    public static Verdict OfEndedSession(HostPlan plan, IPAddress peer)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(peer);
        return new Verdict(
            new RecipientOutcome.Deferred(
                s_badConnection, $"{Name(plan, peer)} ended the session before this recipient's turn", Remote(plan, peer, null)),
            NextStep.NextAddress);
    }

    /// <summary>The attempt ended before every host of the plan was tried.</summary>
    public static RecipientOutcome OfUntriedHosts() => new RecipientOutcome.Deferred(
        new EnhancedStatus(4, 4, 1), "there are more hosts and addresses than one attempt tries");

    /// <summary>There is a host that may not be tried now; what the others said is not the last word.</summary>
    public static RecipientOutcome OfExcludedHosts(DeliveryPlan.Relay plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var host = plan.Excluded.First(excluded => excluded.IsForNow);
        return new RecipientOutcome.Deferred(
            new EnhancedStatus(4, 7, 5), Clip($"{host.Plan.Host} may not be given mail now: {host.Why.Detail ?? host.Why.ReasonCode}"));
    }

    /// <summary>The attempt took longer than any may.</summary>
    public static RecipientOutcome OfLongAttempt() => new RecipientOutcome.Deferred(
        s_badConnection, "the attempt was cut off because it took too long");

    /// <summary>The gateway was stopped in the middle of the attempt.</summary>
    public static RecipientOutcome OfStop() => new RecipientOutcome.Deferred(
        new EnhancedStatus(4, 3, 2), "the gateway was stopped during the attempt");

    /// <summary>No attempt is made, because those at other messages for the destination came to nothing.</summary>
    /// <param name="last">What the last of them failed by.</param>
    public static RecipientOutcome.Deferred OfSuspension(string domain, RecipientOutcome.Deferred? last) => new(
        last?.Status ?? new EnhancedStatus(4, 4, 1),
        $"delivery to {domain} is suspended for a while: {last?.Reason ?? "it does not answer"}",
        last?.Remote,
        last?.Security);

    /// <summary>A fault of this gateway, which is in the log. It never bounces by itself.</summary>
    public static RecipientOutcome OfOwnFault(string reason) =>
        new RecipientOutcome.Deferred(new EnhancedStatus(4, 3, 0), reason);

    /// <summary>Kept in a Maildir on this machine.</summary>
    public static RecipientOutcome OfKept() =>
        new RecipientOutcome.Delivered(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "kept in a Maildir"), DeliveredTo.Mailbox);

    /// <summary>Read by this gateway itself.</summary>
    public static RecipientOutcome OfRead() =>
        new RecipientOutcome.Delivered(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "read by this gateway"), DeliveredTo.Mailbox);

    /// <summary>Which of two failures of one attempt stands for it: one that leaves hope, then one about security, then the
    /// later. So a message bounces only when every session said so, and a missed floor is not hidden by a time-out.</summary>
    public static RecipientOutcome Prefer(RecipientOutcome? earlier, RecipientOutcome later) => (earlier, later) switch
    {
        (null, _) => later,
        (RecipientOutcome.Deferred, RecipientOutcome.Bounced) => earlier,
        (RecipientOutcome.Deferred first, RecipientOutcome.Deferred second) when IsSecurity(first) && !IsSecurity(second) => earlier,
        _ => later,
    };

    /// <summary>Turns a deferral into a bounce when its time is over (RFC 5321 §4.5.4.1).</summary>
    /// <param name="now">When the attempt ended.</param>
    public static RecipientOutcome GiveUp(RecipientOutcome outcome, QueueLease lease, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return outcome is RecipientOutcome.Deferred deferred && now >= lease.GivesUpAt
            ? new RecipientOutcome.Bounced(
                new EnhancedStatus(5, 4, 7),
                $"given up after {Span(now - lease.ReceivedAt)}; the last attempt failed: {deferred.Reason}",
                deferred.Remote,
                deferred.Security)
            : outcome;
    }

    /// <summary>RFC 3463 §3.8.</summary>
    static bool IsSecurity(RecipientOutcome.Deferred deferred) => deferred.Status.Subject == 7;

    static Verdict OfDenial(HostPlan plan, IPAddress peer, TlsOutcome.Refused tls)
    {
        var reason = SecurityWords.Explain(Name(plan, peer), plan, tls.Failures);
        var (remote, missed) = (Remote(plan, peer, null), SecurityWords.Missed(plan, tls.Failures));
        return new Verdict(
            plan.Policies.Any(policy => policy is TransportPolicy.RequireTls) && IsLasting(tls.Failures)
                ? new RecipientOutcome.Bounced(s_encryptionNeeded, $"the sender requires TLS (REQUIRETLS); {reason}", remote, missed)
                : new RecipientOutcome.Deferred(SecurityWords.StatusOf(tls.Failures), reason, remote, missed),
            NextStep.NextAddress);
    }

    /// <summary>What the host offers, or who it proved to be, was not enough. A handshake that broke, or a refusal of STARTTLS that was
    /// offered, says neither.</summary>
    static bool IsLasting(ImmutableArray<TlsFailure> failures) =>
        failures.Any(failure => failure.Type is not TlsResultType.ValidationFailure)
        && !failures.Any(failure => failure.ReasonCode == StartTlsRefused);

    static Verdict OfFault(HostPlan plan, IPAddress peer, SessionFault fault, TlsOutcome? tls)
    {
        var name = Name(plan, peer);
        var remote = Remote(plan, peer, fault.Reply);
        if (fault.Kind == FaultKind.InjectedPlaintext)
        {
            // Whoever injects sits on the path to this address; the next one may have another path.
            return new Verdict(
                new RecipientOutcome.Deferred(
                    new EnhancedStatus(4, 7, 5),
                    $"somebody put plaintext into the start of TLS with {name} ({Clip(fault.Detail)}); the connection was given up",
                    remote),
                NextStep.NextHost);
        }

        if (tls is TlsOutcome.Refused refused)
        {
            return OfDenial(plan, peer, refused);
        }

        if (fault is { Kind: FaultKind.Refused, Reply: { } reply })
        {
            var reason = $"{name} said {Quote(reply)} {Place(fault.Phase)}";
            return reply.IsPermanent && fault.Phase is SmtpPhase.Hello or SmtpPhase.HelloAfterTls
                ? new Verdict(Failed(Classed(reply, 5), reason, remote), NextStep.NextHost)
                : new Verdict(Failed(Classed(reply, 4), reason, remote), NextStep.NextAddress);
        }

        var (status, what) = fault.Kind switch
        {
            FaultKind.Unreachable => (new EnhancedStatus(4, 4, 1), $"{name} cannot be reached"),
            FaultKind.TimedOut when fault.Phase == SmtpPhase.Connect =>
                (new EnhancedStatus(4, 4, 1), $"{name} cannot be reached"),
            FaultKind.TimedOut => (s_badConnection, $"{name} did not answer in time {Place(fault.Phase)}"),
            FaultKind.ConnectionLost => (s_badConnection, $"the connection to {name} was lost {Place(fault.Phase)}"),
            FaultKind.ProtocolError => (new EnhancedStatus(4, 5, 0), $"{name} did not speak SMTP {Place(fault.Phase)}"),
            FaultKind.Refused or FaultKind.InjectedPlaintext =>
                (new EnhancedStatus(4, 0, 0), $"{name} refused {Place(fault.Phase)}"),
        };
        return new Verdict(new RecipientOutcome.Deferred(status, $"{what}: {Clip(fault.Detail)}", remote), NextStep.NextAddress);
    }

    static Verdict OfRejection(HostPlan plan, IPAddress peer, TlsOutcome reached, RecipientResult.Rejected rejected)
    {
        var reply = rejected.Reply;
        var reason = $"{Name(plan, peer)} said {Quote(reply)} {Place(rejected.Phase)}";
        var remote = Remote(plan, peer, reply);
        if (reply.Code == 421 && rejected.Phase < SmtpPhase.EndOfData)
        {
            return new Verdict(Failed(Classed(reply, 4), reason, remote), NextStep.NextAddress);
        }

        // 530 in plaintext asks for the TLS that we could not make (RFC 3207 §4): no reason to return the mail.
        if (reply.Code == 530 && reached is TlsOutcome.Plaintext)
        {
            return new Verdict(
                new RecipientOutcome.Deferred(
                    new EnhancedStatus(4, 7, 4), $"{reason}: it wants TLS, which could not be started", remote),
                NextStep.NextHost);
        }

        if (reply.IsPermanent && !MeansTooManyRecipients(rejected))
        {
            return new Verdict(Failed(Classed(reply, 5), reason, remote), NextStep.Stop);
        }

        var next = rejected.Phase < SmtpPhase.Content ? NextStep.NextHost : NextStep.Stop;
        return new Verdict(Failed(Classed(reply, 4), reason, remote), next, LeavesHope: rejected.Phase == SmtpPhase.RcptTo);
    }

    /// <summary>RFC 5321 §4.5.3.1.10: servers written after RFC 821 say 552 where 452 is right.</summary>
    static bool MeansTooManyRecipients(RecipientResult.Rejected rejected) =>
        rejected is { Phase: SmtpPhase.RcptTo, Reply: { Code: 552, Status: null or { Subject: 5, Detail: 3 } } };

    /// <summary>Also one that shows only when the peer hangs up on the first command inside TLS: in TLS 1.3, that is how it
    /// refuses our side of the handshake.</summary>
    static bool IsHandshakeFailure(Clearance clearance) => clearance switch
    {
        Clearance.Denied => true,
        Clearance.Unavailable { Fault.Kind: FaultKind.InjectedPlaintext } => false,
        Clearance.Unavailable { Tls: TlsOutcome.Refused } => true,
        Clearance.Unavailable { Fault.Phase: SmtpPhase.Handshake } => true,
        Clearance.Unavailable { Fault: { Phase: SmtpPhase.HelloAfterTls, Kind: not FaultKind.Refused } } => true,
        _ => false,
    };

    static RecipientOutcome Failed(EnhancedStatus status, string reason, RemoteWord remote) => status.Class == 5
        ? new RecipientOutcome.Bounced(status, reason, remote)
        : new RecipientOutcome.Deferred(status with { Class = 4 }, reason, remote);

    /// <summary>The peer's enhanced status, with the class that we act on.</summary>
    static EnhancedStatus Classed(SmtpReply reply, byte statusClass) =>
        reply.Status is { } status ? status with { Class = statusClass } : new EnhancedStatus(statusClass, 0, 0);

    static string Name(HostPlan plan, IPAddress peer) =>
        plan.Host.Name is { } name ? $"{name}:{plan.Host.Port} ({peer})" : new IPEndPoint(peer, plan.Host.Port).ToString();

    static RemoteWord Remote(HostPlan plan, IPAddress peer, SmtpReply? reply) => new(plan.Host.Name?.Ascii ?? $"[{peer}]", reply);

    static string Quote(SmtpReply reply) => $"\"{Clip(reply.ToString())}\"";

    static string Clip(string text) => OneLine.Of(text, MaxReplyCharacters);

    static string Place(SmtpPhase phase) => phase switch
    {
        SmtpPhase.Connect => "while connecting",
        SmtpPhase.Greeting => "in its greeting",
        SmtpPhase.Hello => "in reply to EHLO",
        SmtpPhase.StartTls => "in reply to STARTTLS",
        SmtpPhase.Handshake => "during the TLS handshake",
        SmtpPhase.HelloAfterTls => "in reply to EHLO inside TLS",
        SmtpPhase.Authentication => "in reply to AUTH",
        SmtpPhase.MailFrom => "in reply to MAIL FROM",
        SmtpPhase.RcptTo => "in reply to RCPT TO",
        SmtpPhase.Data => "in reply to DATA",
        SmtpPhase.Content => "while the content was sent",
        SmtpPhase.EndOfData => "in reply to the end of the content",
    };

    static string Span(TimeSpan span) => span.TotalDays >= 2
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0.#} days")
        : span.TotalHours.ToString("0.#", CultureInfo.InvariantCulture) is "1" ? "1 hour" : string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} hours");
}
