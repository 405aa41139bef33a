using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay;

/// <summary>Step 12: tell. One structured line per session and per outcome of an attempt; others may rely on the event
/// ids. A reader of <see cref="SessionFanout"/>.</summary>
public sealed partial class SessionLog(ILogger<SessionLog> log) : ISessionSink
{
    /// <summary>Somebody on the path put plaintext behind STARTTLS (RFC 3207 §6), in a session where we were the server.</summary>
    public const int InboundInjectionEvent = 1901;

    /// <summary>The same where we were the client.</summary>
    public const int OutboundInjectionEvent = 1902;

    const int InboundEvent = 1001;
    const int OutboundEvent = 1002;
    const int DeliveredEvent = 1101;
    const int DeferredEvent = 1102;
    const int BouncedEvent = 1103;
    const int MaxCharacters = 500;

    public bool TryRecord(SessionRecord record)
    {
        switch (record)
        {
            case SessionRecord.Inbound inbound:
                Write(inbound);
                break;
            case SessionRecord.Outbound outbound:
                Write(outbound);
                break;
        }

        return true;
    }

    /// <summary>A line for each outcome, with the recipients it happened to.</summary>
    public bool TryRecord(DeliveryAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var lease = attempt.Lease;
        var elapsed = (long)attempt.Elapsed.TotalMilliseconds;
        var sessions = string.Join(", ", attempt.Sessions.Select(use => use.SessionId));
        foreach (var same in attempt.Recipients.GroupBy(recipient => recipient.Outcome))
        {
            var recipients = OneLine.Of(string.Join(", ", same.Select(recipient => recipient.Recipient)), MaxCharacters);
            var hop = DecidingHop.Of(attempt, same.Key);
            var (floor, source, tls) = (hop.Wanted is { } wanted ? TlsWords.Of(wanted) : null, Clip(hop.WantedBy), TlsWords.Of(hop.Use));
            switch (same.Key)
            {
                case RecipientOutcome.Delivered delivered:
                    Write(attempt, delivered, recipients, hop.Use, floor, source, elapsed);
                    break;
                case RecipientOutcome.Deferred deferred:
                    LogDeferred(
                        lease.Id,
                        lease.Domain,
                        recipients,
                        lease.AttemptNumber,
                        deferred.Status.ToString(),
                        Clip(deferred.Reason),
                        floor,
                        source,
                        tls?.Level,
                        Clip(tls?.Failures),
                        sessions,
                        attempt.RetryAt,
                        elapsed);
                    break;
                case RecipientOutcome.Bounced bounced:
                    LogBounced(
                        lease.Id,
                        lease.Domain,
                        recipients,
                        lease.AttemptNumber,
                        bounced.Status.ToString(),
                        Clip(bounced.Reason),
                        floor,
                        source,
                        tls?.Level,
                        Clip(tls?.Failures),
                        sessions,
                        elapsed);
                    break;
            }
        }

        return true;
    }

    /// <summary>With the session that it went over: its own line comes only when it is closed.</summary>
    void Write(
        DeliveryAttempt attempt, RecipientOutcome.Delivered delivered, string recipients, SessionUse? last, string? floor, string? source, long elapsed)
    {
        var lease = attempt.Lease;
        var tls = TlsWords.Of(last);
        LogDelivered(
            lease.Id,
            lease.Domain,
            recipients,
            lease.AttemptNumber,
            string.Join(", ", attempt.Sessions.Where(use => use.Delivered > 0).Select(use => use.SessionId)),
            attempt.Plan is DeliveryPlan.Keep keep ? keep.Maildir : last?.Plan.Host.ToString(),
            last?.Peer.ToString(),
            floor,
            source,
            tls?.Level,
            Clip(tls?.Failures),
            RequireTlsWord(last),
            Clip(delivered.Reply.ToString()),
            elapsed);
    }

    /// <summary>Never empty: a line that says "REQUIRETLS" and nothing after it reads as if it had been said.</summary>
    static string RequireTlsWord(SessionUse? use) => use?.RequireTlsSaid switch
    {
        null => "not asked",
        true => "said",
        false when use.Plan.Policies.OfType<TransportPolicy.RequireTls>().FirstOrDefault()?.RelaxedBy is { } rule => $"not offered, relaxed by {rule}",
        false => "not said, for a report",
    };

    void Write(SessionRecord.Inbound record)
    {
        var summary = record.Summary;
        var elapsed = (long)record.Elapsed.TotalMilliseconds;
        if (summary.End == SessionEnd.InjectedPlaintext)
        {
            LogInboundInjection(
                record.SessionId, record.Peer.ToString(), summary.Listener, Clip(summary.Hello), Clip(summary.Detail), elapsed);
            return;
        }

        var tls = TlsWords.Of(record.Tls);
        LogInbound(
            record.SessionId,
            record.Peer.ToString(),
            summary.Listener,
            Clip(summary.Hello),
            Clip(summary.User),
            tls.Level,
            tls.Version,
            tls.Cipher,
            tls.Identity,
            Clip(tls.Names),
            tls.Fingerprint,
            Clip(tls.Failures),
            summary.Accepted,
            summary.RejectedSenders,
            summary.RejectedRecipients,
            summary.RejectedMessages,
            summary.AuthenticationFailures,
            summary.End.ToString(),
            Clip(summary.Detail),
            elapsed);
    }

    void Write(SessionRecord.Outbound record)
    {
        var elapsed = (long)record.Elapsed.TotalMilliseconds;
        var host = record.Plan.Host.ToString();
        if (record.Fault is { Kind: FaultKind.InjectedPlaintext } attack)
        {
            LogOutboundInjection(
                record.SessionId, record.Peer.ToString(), host, record.Message, record.Domain, Clip(attack.Detail), elapsed);
            return;
        }

        var tls = TlsWords.Of(record.Tls);
        LogOutbound(
            record.SessionId,
            record.Peer.ToString(),
            host,
            record.Message,
            record.Domain,
            TlsWords.Of(record.Plan.Floor),
            SecurityWords.Source(record.Plan, internally: true),
            record.Start == TlsStart.None,
            tls.Level,
            tls.Version,
            tls.Cipher,
            tls.Identity,
            Clip(tls.Names),
            tls.Fingerprint,
            Clip(tls.Failures),
            record.Attempts,
            record.Transactions,
            record.Delivered,
            record.Deferred,
            record.Bounced,
            record.MayBeDelivered,
            record.Fault is { } fault ? Clip($"{fault.Phase} {fault.Kind}: {fault.Detail}") : null,
            elapsed);
    }

    static string? Clip(string? text) => text is null ? null : OneLine.Of(text, MaxCharacters);

    [LoggerMessage(
        InboundEvent, LogLevel.Information,
        "Inbound {Session} from {Peer} on {Listener}: helo {Hello}, user {User}, "
        + "{Level} {Version} {Cipher}, peer {Identity} {Names} {Sha256}, TLS failures {TlsFailures}; accepted {Accepted}, "
        + "rejected senders {RejectedSenders}, rejected recipients {RejectedRecipients}, rejected messages {RejectedMessages}, "
        + "failed logins {AuthenticationFailures}; ended {End} {Detail} after {ElapsedMs} ms")]
    partial void LogInbound(
        string session, string peer, string listener, string? hello, string? user, string level, string? version, string? cipher,
        string? identity, string? names, string? sha256, string? tlsFailures, int accepted, int rejectedSenders, int rejectedRecipients, int rejectedMessages, int authenticationFailures,
        string end, string? detail, long elapsedMs);

    [LoggerMessage(
        OutboundEvent, LogLevel.Information,
        "Outbound {Session} to {Peer}, {Host}, opened for message {Message} for {Domain}: "
        + "wanted {Floor} ({Source}), fallback {Fallback}, {Level} {Version} {Cipher}, peer {Identity} {Names} {Sha256}, "
        + "TLS failures {TlsFailures}; attempts {Attempts}, transactions {Transactions}, delivered {Delivered}, deferred {Deferred}, "
        + "bounced {Bounced}, maybe delivered {MayBeDelivered}; fault {Fault} after {ElapsedMs} ms")]
    partial void LogOutbound(
        string session, string peer, string host, QueueId message, string domain, string floor, string source, bool fallback, string level,
        string? version, string? cipher, string? identity, string? names, string? sha256, string? tlsFailures, int attempts, int transactions,
        int delivered, int deferred, int bounced, int mayBeDelivered, string? fault, long elapsedMs);

    [LoggerMessage(
        InboundInjectionEvent, LogLevel.Warning,
        "ATTACK: plaintext injected behind STARTTLS in inbound {Session} from {Peer} on {Listener}, "
        + "helo {Hello}: {Detail}; closed after {ElapsedMs} ms")]
    partial void LogInboundInjection(
        string session, string peer, string listener, string? hello, string? detail, long elapsedMs);

    [LoggerMessage(
        OutboundInjectionEvent, LogLevel.Warning,
        "ATTACK: plaintext injected behind the answer to STARTTLS in outbound {Session} to {Peer}, "
        + "{Host}, message {Message} for {Domain}: {Detail}; closed after {ElapsedMs} ms")]
    partial void LogOutboundInjection(
        string session, string peer, string host, QueueId message, string domain, string? detail, long elapsedMs);

    [LoggerMessage(
        DeliveredEvent, LogLevel.Information,
        "Delivered {Message} for {Domain} to {Recipients} in attempt {Attempt} over {Session} to {Host}, {Peer}: "
        + "wanted {Floor} ({Source}), {Level}, TLS failures {TlsFailures}, REQUIRETLS {RequireTls}: {Reply}, {ElapsedMs} ms")]
    partial void LogDelivered(
        QueueId message, string domain, string recipients, int attempt, string session, string? host, string? peer, string? floor,
        string? source, string? level, string? tlsFailures, string requireTls, string? reply, long elapsedMs);

    [LoggerMessage(
        DeferredEvent, LogLevel.Information,
        "Deferred {Message} for {Domain} to {Recipients} in attempt {Attempt}: {Status} {Reason}; "
        + "wanted {Floor} ({Source}), {Level}, TLS failures {TlsFailures}; sessions {Session}; again at {RetryAt}, {ElapsedMs} ms")]
    partial void LogDeferred(
        QueueId message, string domain, string recipients, int attempt, string status, string? reason, string? floor, string? source,
        string? level, string? tlsFailures, string session, LogTime? retryAt, long elapsedMs);

    [LoggerMessage(
        BouncedEvent, LogLevel.Warning,
        "Bounced {Message} for {Domain} to {Recipients} in attempt {Attempt}: {Status} {Reason}; "
        + "wanted {Floor} ({Source}), {Level}, TLS failures {TlsFailures}; sessions {Session}; {ElapsedMs} ms")]
    partial void LogBounced(
        QueueId message, string domain, string recipients, int attempt, string status, string? reason, string? floor, string? source,
        string? level, string? tlsFailures, string session, long elapsedMs);
}
