using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Who opened the connection. The numbers are stored.</summary>
public enum Direction
{
    In = 0,
    Out = 1,
}

/// <summary>Which sessions; everything that is given has to hold.</summary>
public sealed record SessionFilter
{
    public Direction? Direction { get; init; }

    /// <summary>The recipient domain, of outbound sessions.</summary>
    public string? Domain { get; init; }

    /// <summary>An IP address.</summary>
    public string? Peer { get; init; }

    public DateTimeOffset? From { get; init; }

    /// <summary>Not included.</summary>
    public DateTimeOffset? To { get; init; }

    public TransportLevel? Level { get; init; }

    /// <summary>Only those that failed, or that somebody attacked.</summary>
    public bool Trouble { get; init; }
}

/// <param name="Next">Where the next page begins; null when there is none.</param>
public sealed record SessionPage(ImmutableArray<SessionRow> Rows, long? Next);

/// <param name="At">The beginning of a bucket.</param>
/// <param name="Messages">Accepted (in) or delivered (out).</param>
public sealed record TrafficPoint(DateTimeOffset At, Direction Direction, TransportLevel Level, long Sessions, long Messages);

/// <param name="LastLevel">Of the last delivery.</param>
/// <param name="Delivered">Recipients since the time that was asked for; so the other numbers.</param>
/// <param name="Failures">Attempts that delivered nothing.</param>
public sealed record DestinationRow(
    string Domain, DateTimeOffset LastAt, TransportLevel? LastLevel, DateTimeOffset? LastFailureAt, string? LastFailure, string? LastFailureType,
    long Delivered, long Plaintext, long Authenticated, long Deferred, long Bounced, long Attempts, long Failures)
{
    /// <summary>0 to 1; null when nothing was delivered.</summary>
    public double? EncryptedShare => Delivered == 0 ? null : 1 - ((double)Plaintext / Delivered);

    public double? AuthenticatedShare => Delivered == 0 ? null : (double)Authenticated / Delivered;
}

public sealed record DestinationDay(
    string Domain, DateOnly Day, long Delivered, long Plaintext, long Authenticated, long Deferred, long Bounced, long Attempts, long Failures);

/// <param name="Name">What it last called itself; it proves nothing.</param>
public sealed record PeerRow(
    string Peer, string? Name, DateTimeOffset FirstAt, DateTimeOffset LastAt, TransportLevel LastLevel, long Sessions, long Plaintext, long Authenticated, long Trouble,
    long Messages);

/// <summary>One session as it is kept.</summary>
/// <param name="Id">Grows with time.</param>
/// <param name="Name">What an inbound peer called itself; the host and port of an outbound one.</param>
/// <param name="Failure">As RFC 8460 §4.3 writes it.</param>
/// <param name="Fault">How it ended, or why it failed.</param>
public sealed record SessionRow(
    long Id, string Session, DateTimeOffset Ended, TimeSpan Elapsed, Direction Direction, string Peer, int Port, string? Name, string? Listener, string? User, string? Domain,
    string? Message, TransportLevel Level, TransportLevel? Wanted, string? WantedBy, string? Version, string? Cipher, string? Identity, string? Fingerprint, string? Names,
    string? Failure, string? Reason, string? Detail, string? Fault, long Accepted, long Deferred, long Refused, bool Trouble)
{
    internal const string Columns =
        "id, session, ended, elapsed, direction, peer, port, name, listener, user, domain, message, level, wanted, wanted_by, version, cipher, identity, fingerprint, names, "
        + "failure, reason, detail, fault, accepted, deferred, refused, trouble";

    internal static SessionRow Of(SqliteDataReader row) => new(
        row.GetInt64(0), row.GetString(1), SessionQuery.Time(row, 2), TimeSpan.FromMilliseconds(row.GetInt64(3)), (Direction)row.GetInt32(4), row.GetString(5), row.GetInt32(6),
        row.TextOrNull(7), row.TextOrNull(8), row.TextOrNull(9), row.TextOrNull(10), row.TextOrNull(11), (TransportLevel)row.GetInt32(12),
        row.IsDBNull(13) ? null : (TransportLevel)row.GetInt32(13), row.TextOrNull(14), row.TextOrNull(15), row.TextOrNull(16), row.TextOrNull(17),
        row.TextOrNull(18), row.TextOrNull(19), row.TextOrNull(20), row.TextOrNull(21), row.TextOrNull(22), row.TextOrNull(23),
        row.GetInt64(24), row.GetInt64(25), row.GetInt64(26), row.GetInt64(27) == 1);
}

/// <summary>One attempt as it is kept.</summary>
public sealed record AttemptRow(
    long Id, DateTimeOffset Ended, TimeSpan Elapsed, string Message, string Domain, int Attempt, string Plan, TransportLevel? Wanted, string? WantedBy, TransportLevel? Reached,
    string? Host, string? Peer, string? Sessions, long Delivered, long Deferred, long Bounced, string? Status, string? Reason, string? Failure, DateTimeOffset? RetryAt)
{
    internal const string Columns =
        "id, ended, elapsed, message, domain, attempt, plan, wanted, wanted_by, reached, host, peer, sessions, delivered, deferred, bounced, status, reason, failure, retry_at";

    internal static AttemptRow Of(SqliteDataReader row) => new(
        row.GetInt64(0), SessionQuery.Time(row, 1), TimeSpan.FromMilliseconds(row.GetInt64(2)), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetString(6),
        row.IsDBNull(7) ? null : (TransportLevel)row.GetInt32(7), row.TextOrNull(8), row.IsDBNull(9) ? null : (TransportLevel)row.GetInt32(9),
        row.TextOrNull(10), row.TextOrNull(11), row.TextOrNull(12), row.GetInt64(13), row.GetInt64(14), row.GetInt64(15), row.TextOrNull(16),
        row.TextOrNull(17), row.TextOrNull(18), row.IsDBNull(19) ? null : SessionQuery.Time(row, 19));
}
