using Hopseal.Relay;
using Hopseal.Relay.Attempt;
using Hopseal.Smtp.Server;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Writes records as rows and adds them to the sums, over the database's one writing connection.</summary>
sealed class SessionRows(SqliteConnection connection)
{
    const int MostCharacters = 500;

    readonly PreparedCommand _session = new(connection,
        """
        INSERT INTO sessions (session, ended, elapsed, direction, peer, port, name, listener, user, domain, message, level, wanted, wanted_by, version,
            cipher, identity, fingerprint, names, failure, reason, detail, fault, accepted, deferred, refused, trouble)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
        """, 27);

    readonly PreparedCommand _attempt = new(connection,
        """
        INSERT INTO attempts (ended, elapsed, message, domain, attempt, plan, wanted, wanted_by, reached, host, peer, sessions, delivered, deferred, bounced,
            status, reason, failure, retry_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        """, 19);

    readonly PreparedCommand _traffic = new(connection,
        """
        INSERT INTO traffic VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO UPDATE SET sessions = sessions + excluded.sessions, messages = messages + excluded.messages
        """, 6);

    readonly PreparedCommand _destinationDay = new(connection,
        """
        INSERT INTO destination_days VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered, plaintext = plaintext + excluded.plaintext,
            authenticated = authenticated + excluded.authenticated, deferred = deferred + excluded.deferred, bounced = bounced + excluded.bounced,
            attempts = attempts + excluded.attempts, failures = failures + excluded.failures
        """, 9);

    readonly PreparedCommand _destination = new(connection,
        """
        INSERT INTO destinations VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO UPDATE SET last_at = excluded.last_at, last_level = coalesce(excluded.last_level, last_level),
            last_failure_at = coalesce(excluded.last_failure_at, last_failure_at), last_failure = coalesce(excluded.last_failure, last_failure),
            last_failure_type = CASE WHEN excluded.last_failure_at IS NULL THEN last_failure_type ELSE excluded.last_failure_type END
        """, 6);

    readonly PreparedCommand _peer = new(connection,
        """
        INSERT INTO peers VALUES ($1, $2, $3, $3, $4, 1, $5, $6, $7, $8)
        ON CONFLICT DO UPDATE SET name = coalesce(excluded.name, name), last_at = excluded.last_at, last_level = excluded.last_level, sessions = sessions + 1,
            plaintext = plaintext + excluded.plaintext, authenticated = authenticated + excluded.authenticated, trouble = trouble + excluded.trouble,
            messages = messages + excluded.messages
        """, 8);

    readonly PreparedCommand _peerCount = new(connection, "SELECT count(*) FROM peers", 0);
    readonly PreparedCommand _knowsPeer = new(connection, "SELECT 1 FROM peers WHERE peer = $1", 1);
    long? _peers;

    /// <summary>Spammers come from everywhere: beyond so many, all others are one row, <see cref="Others"/>.</summary>
    public const int MostPeers = 100_000;

    public const string Others = "(others)";

    public SqliteConnection Connection => connection;

    public void Write(SessionRecord record)
    {
        switch (record)
        {
            case SessionRecord.Inbound inbound:
                Write(inbound);
                break;
            case SessionRecord.Outbound outbound:
                Write(outbound);
                break;
            default:
                throw new ArgumentException($"unknown record {record}", nameof(record));
        }
    }

    public void Write(DeliveryAttempt attempt)
    {
        var ended = (attempt.StartedAt + attempt.Elapsed).ToUnixTimeMilliseconds();
        var summary = AttemptSummary.Of(attempt);
        _attempt.Run(
            ended, (long)attempt.Elapsed.TotalMilliseconds, attempt.Lease.Id.ToString(), Clip(attempt.Lease.Domain), attempt.Lease.AttemptNumber, summary.Plan,
            (long?)summary.Wanted, Clip(summary.WantedBy), (long?)summary.Reached, Clip(summary.Host), summary.Peer, Clip(summary.Sessions),
            summary.Delivered, summary.Deferred, summary.Bounced, summary.Status, Clip(summary.Reason), summary.FailureType, attempt.RetryAt?.ToUnixTimeMilliseconds());
        var failed = summary.Delivered == 0;
        _destinationDay.Run(
            Clip(attempt.Lease.Domain), ended / Times.Day, summary.Delivered,
            summary.Reached is TransportLevel.Plaintext ? summary.Delivered : 0, summary.Reached is TransportLevel.Authenticated ? summary.Delivered : 0,
            summary.Deferred, summary.Bounced, 1, failed ? 1 : 0);
        _destination.Run(
            Clip(attempt.Lease.Domain), ended, failed ? null : (long?)summary.Reached, failed ? ended : null, failed ? Clip(summary.Reason) : null, failed ? summary.FailureType : null);
    }

    void Write(SessionRecord.Inbound record)
    {
        var summary = record.Summary;
        var tls = Transport.Of(record.Tls);
        var refused = summary.RejectedMessages + summary.RejectedRecipients + summary.RejectedSenders;
        var trouble = tls.Level is TransportLevel.Refused || summary.End is SessionEnd.InjectedPlaintext or SessionEnd.HandshakeFailed or SessionEnd.InternalError;
        var ended = (record.StartedAt + record.Elapsed).ToUnixTimeMilliseconds();
        var peer = record.Peer.Address.ToString();
        _session.Run(
            record.SessionId, ended, (long)record.Elapsed.TotalMilliseconds, 0L, peer, record.Peer.Port, Clip(summary.Hello), summary.Listener, Clip(summary.User),
            null, null, (long)tls.Level, null, null, tls.Version, tls.Cipher, tls.Identity, tls.Fingerprint, Clip(tls.Names), tls.Type, tls.Reason, Clip(tls.Detail),
            Clip(summary.Detail is null ? summary.End.ToString() : $"{summary.End}: {summary.Detail}"), summary.Accepted, 0L, refused, trouble ? 1 : 0);
        Count(ended, 0, tls, summary.Accepted);
        _peer.Run(
            PeerKey(peer), Clip(summary.Hello), ended, (long)tls.Level, tls.Level is TransportLevel.Plaintext ? 1 : 0, tls.Level is TransportLevel.Authenticated ? 1 : 0,
            trouble ? 1 : 0, summary.Accepted);
    }

    void Write(SessionRecord.Outbound record)
    {
        var tls = Transport.Of(record.Tls);
        var trouble = record.Fault is not null || tls.Level is TransportLevel.Refused;
        var ended = (record.StartedAt + record.Elapsed).ToUnixTimeMilliseconds();
        _session.Run(
            record.SessionId, ended, (long)record.Elapsed.TotalMilliseconds, 1L, record.Peer.Address.ToString(), record.Peer.Port, record.Plan.Host.ToString(), null, null,
            Clip(record.Domain), record.Message.ToString(), (long)tls.Level, (long)Transport.Of(record.Plan.Floor), Clip(SecurityWords.Source(record.Plan, internally: true)),
            tls.Version, tls.Cipher, tls.Identity, tls.Fingerprint, Clip(tls.Names), tls.Type, tls.Reason, Clip(tls.Detail),
            record.Fault is { } fault ? Clip($"{fault.Phase} {fault.Kind}: {fault.Detail}") : null, record.Delivered, record.Deferred, record.Bounced, trouble ? 1 : 0);
        Count(ended, 1, tls, record.Delivered);
    }

    void Count(long ended, long direction, Transport tls, long messages) =>
        _traffic.Run(ended / Times.Hour, direction, (long)tls.Level, tls.Version ?? "", 1L, messages);

    string PeerKey(string peer)
    {
        _peers ??= _peerCount.Ask();
        if (_knowsPeer.Ask(peer) is not null)
        {
            return peer;
        }

        if (_peers >= MostPeers)
        {
            return Others;
        }

        _peers++;
        return peer;
    }

    /// <summary>After a rollback, or when rows were deleted, the count is read again.</summary>
    public void Forget() => _peers = null;

    static string? Clip(string? text) => text is null ? null : OneLine.Of(text, MostCharacters);
}

/// <summary>Units of time in milliseconds.</summary>
static class Times
{
    public const long Hour = 3_600_000;
    public const long Day = 24 * Hour;
}
