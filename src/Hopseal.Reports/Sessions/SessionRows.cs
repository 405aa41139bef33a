using System.Diagnostics.CodeAnalysis;
using Hopseal.Relay;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Server;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Writes records as rows and adds them to the sums, over the database's one writing connection.</summary>
sealed class SessionRows(SqliteConnection connection) : IDisposable
{
    const int MostCharacters = 500;

    readonly SessionSums _sums = new(connection);

    readonly Statement _session = new(connection,
        """
        INSERT INTO sessions (session, ended, elapsed, direction, peer, port, name, listener, user, domain, message, level, wanted, wanted_by, version,
            cipher, identity, fingerprint, names, failure, reason, detail, fault, accepted, deferred, refused, trouble)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)
        """);

    readonly Statement _attempt = new(connection,
        """
        INSERT INTO attempts (ended, elapsed, message, domain, attempt, plan, wanted, wanted_by, reached, host, peer, sessions, delivered, deferred, bounced,
            status, reason, failure, retry_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
        """);

    /// <summary>Once for all records of a batch.</summary>
    public void WriteSums() => _sums.Write();

    /// <summary>After a rollback, or when rows were deleted.</summary>
    public void Forget() => _sums.Forget();

    public void Dispose()
    {
        _session.Dispose();
        _attempt.Dispose();
        _sums.Dispose();
    }

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
        var (domain, reason) = (Clip(attempt.Lease.Domain), Clip(summary.Reason));
        _attempt.Run(
            ended, (long)attempt.Elapsed.TotalMilliseconds, attempt.Lease.Id.ToString(), domain, attempt.Lease.AttemptNumber, summary.Plan,
            (long?)summary.Wanted, Clip(summary.WantedBy), (long?)summary.Reached, Clip(summary.Host), summary.Peer, Clip(summary.Sessions),
            summary.Delivered, summary.Deferred, summary.Bounced, summary.Status, reason, summary.FailureType, attempt.RetryAt?.ToUnixTimeMilliseconds());
        _sums.CountAttempt(domain, ended, summary, reason);
    }

    void Write(SessionRecord.Inbound record)
    {
        var summary = record.Summary;
        var tls = Transport.Of(record.Tls);
        var refused = summary.RejectedMessages + summary.RejectedRecipients + summary.RejectedSenders;
        var trouble = tls.Level is TransportLevel.Refused || summary.End is SessionEnd.InjectedPlaintext or SessionEnd.HandshakeFailed or SessionEnd.InternalError;
        var ended = (record.StartedAt + record.Elapsed).ToUnixTimeMilliseconds();
        var (peer, hello) = (record.Peer.Address.ToString(), Clip(summary.Hello));
        _session.Run(
            record.SessionId, ended, (long)record.Elapsed.TotalMilliseconds, 0L, peer, record.Peer.Port, hello, summary.Listener, Clip(summary.User),
            (string?)null, (string?)null, (long)tls.Level, (long?)null, (string?)null, tls.Version, tls.Cipher, tls.Identity, tls.Fingerprint, Clip(tls.Names), tls.Type, tls.Reason, Clip(tls.Detail),
            Clip(summary.Detail is null ? summary.End.ToString() : $"{summary.End}: {summary.Detail}"), summary.Accepted, 0L, refused, trouble ? 1 : 0);
        _sums.Count(ended, Direction.In, tls, summary.Accepted);
        _sums.CountPeer(peer, hello, ended, tls.Level, trouble, summary.Accepted);
    }

    void Write(SessionRecord.Outbound record)
    {
        var tls = Transport.Of(record.Tls);
        var trouble = record.Fault is not null || tls.Level is TransportLevel.Refused;
        var ended = (record.StartedAt + record.Elapsed).ToUnixTimeMilliseconds();
        _session.Run(
            record.SessionId, ended, (long)record.Elapsed.TotalMilliseconds, 1L, record.Peer.Address.ToString(), record.Peer.Port, record.Plan.Host.ToString(), (string?)null, (string?)null,
            Clip(record.Domain), record.Message.ToString(), (long)tls.Level, (long)Transport.Of(record.Plan.Floor), Clip(SecurityWords.Source(record.Plan, internally: true)),
            tls.Version, tls.Cipher, tls.Identity, tls.Fingerprint, Clip(tls.Names), tls.Type, tls.Reason, Clip(tls.Detail),
            record.Fault is { } fault ? Clip($"{fault.Phase} {fault.Kind}: {fault.Detail}") : null, record.Delivered, record.Deferred, record.Bounced, trouble ? 1 : 0);
        _sums.Count(ended, Direction.Out, tls, record.Delivered);
    }

    [return: NotNullIfNotNull(nameof(text))]
    static string? Clip(string? text) => text is null ? null : OneLine.Of(text, MostCharacters);
}

/// <summary>Units of time in milliseconds.</summary>
static class Times
{
    public const long Hour = 3_600_000;
    public const long Day = 24 * Hour;
}
