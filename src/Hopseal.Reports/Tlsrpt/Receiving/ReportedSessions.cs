using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Reports.Sessions;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Finds what our side recorded of a failure that somebody reports.</summary>
/// <param name="hosts">The names of this gateway.</param>
public sealed class ReportedSessions(SessionQuery sessions, ImmutableHashSet<DomainName> hosts)
{
    /// <summary>So many are looked at, the latest first; one address that has more tells no more by it.</summary>
    const int MostSessions = 2000;

    /// <exception cref="SqliteException">It cannot be read.</exception>
    public ReportedFailureView Compare(FailureDetail failure, ReportPeriod period)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return ReportedFailureView.Of(failure, period, IsOurs, sessions.Oldest() ?? DateTimeOffset.MaxValue, Find(failure.SendingIp, period));
    }

    bool IsOurs(string host) => DomainName.TryParse(host.TrimEnd('.'), out var name) && hosts.Contains(name);

    IEnumerable<SeenSession> Find(IPAddress? sender, ReportPeriod period) => sender is null ? [] :
        from address in FormsOf(sender)
        let filter = new SessionFilter
        {
            Direction = Direction.In,
            Peer = address.ToString(),
            From = period.Start - ReportedFailureView.Tolerance,

            // They are found by their end, and may last.
            To = period.End + ReportedFailureView.Tolerance + TimeSpan.FromHours(1),
        }
        from row in sessions.Sessions(filter, null, MostSessions)
        select new SeenSession(row.Ended - row.Elapsed, address, LevelOf(row.Level), row.Version, row.Level is TransportLevel.Refused ? row.Reason : null, (int)row.Accepted);

    /// <summary>A listener for both families sees an IPv4 client by its mapped address.</summary>
    static IPAddress[] FormsOf(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? [address.MapToIPv4(), address]
        : address.AddressFamily is System.Net.Sockets.AddressFamily.InterNetwork ? [address, address.MapToIPv6()]
        : [address];

    static SeenLevel LevelOf(TransportLevel level) => level switch
    {
        TransportLevel.Encrypted or TransportLevel.Authenticated => SeenLevel.Encrypted,
        TransportLevel.Refused => SeenLevel.HandshakeFailed,
        TransportLevel.Plaintext or TransportLevel.Undecided => SeenLevel.Plaintext,
    };
}
