using System.Runtime.InteropServices;
using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Sums of sessions and attempts. They are added up for a batch of records and then written, because records of one batch mostly have the
/// same hour, destinations and peers.</summary>
sealed class SessionSums(SqliteConnection connection) : IDisposable
{
    const int MostPeers = 100_000;
    const int MostDestinations = 100_000;
    const int MostDestinationsADay = 10_000;

    readonly Dictionary<(long Hour, Direction Direction, TransportLevel Level, string Version), (long Sessions, long Messages)> _traffic = [];
    readonly Dictionary<(string Domain, long Day), DaySums> _days = [];
    readonly Dictionary<string, DestinationNews> _destinations = [];
    readonly Dictionary<string, PeerSums> _peers = [];

    readonly RowRoom _roomForDays = new(connection, "destination_days", "domain", MostDestinationsADay, daily: true);
    readonly RowRoom _roomForDestinations = new(connection, "destinations", "domain", MostDestinations);
    readonly RowRoom _roomForPeers = new(connection, "peers", "peer", MostPeers);

    readonly Statement _addTraffic = new(connection,
        """
        INSERT INTO traffic VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET sessions = sessions + excluded.sessions, messages = messages + excluded.messages
        """);

    readonly Statement _addDay = new(connection,
        """
        INSERT INTO destination_days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered, plaintext = plaintext + excluded.plaintext,
            authenticated = authenticated + excluded.authenticated, deferred = deferred + excluded.deferred, bounced = bounced + excluded.bounced,
            attempts = attempts + excluded.attempts, failures = failures + excluded.failures
        """);

    readonly Statement _addDestination = new(connection,
        """
        INSERT INTO destinations VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET last_at = excluded.last_at, last_level = coalesce(excluded.last_level, last_level),
            last_failure_at = coalesce(excluded.last_failure_at, last_failure_at), last_failure = coalesce(excluded.last_failure, last_failure),
            last_failure_type = CASE WHEN excluded.last_failure_at IS NULL THEN last_failure_type ELSE excluded.last_failure_type END
        """);

    readonly Statement _addPeer = new(connection,
        """
        INSERT INTO peers VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT DO UPDATE SET name = coalesce(excluded.name, name), last_at = excluded.last_at, last_level = excluded.last_level,
            sessions = sessions + excluded.sessions, plaintext = plaintext + excluded.plaintext, authenticated = authenticated + excluded.authenticated,
            trouble = trouble + excluded.trouble, messages = messages + excluded.messages
        """);

    public void Count(long ended, Direction direction, Transport tls, long messages)
    {
        ref var sums = ref CollectionsMarshal.GetValueRefOrAddDefault(_traffic, (ended / Times.Hour, direction, tls.Level, tls.Version ?? ""), out _);
        sums = (sums.Sessions + 1, sums.Messages + messages);
    }

    public void CountPeer(string peer, string? name, long ended, TransportLevel level, bool trouble, long messages)
    {
        ref var sums = ref CollectionsMarshal.GetValueRefOrAddDefault(_peers, peer, out _);
        sums.Name = name ?? sums.Name;
        sums.LastAt = ended;
        sums.LastLevel = level;
        sums.Sessions++;
        sums.Plaintext += level is TransportLevel.Plaintext ? 1 : 0;
        sums.Authenticated += level is TransportLevel.Authenticated ? 1 : 0;
        sums.Trouble += trouble ? 1 : 0;
        sums.Messages += messages;
    }

    /// <param name="reason">As it is stored.</param>
    public void CountAttempt(string domain, long ended, AttemptSummary summary, string? reason)
    {
        var failed = summary.Delivered == 0;
        ref var sums = ref CollectionsMarshal.GetValueRefOrAddDefault(_days, (domain, ended / Times.Day), out _);
        sums.Delivered += summary.Delivered;
        sums.Plaintext += summary.Reached is TransportLevel.Plaintext ? summary.Delivered : 0;
        sums.Authenticated += summary.Reached is TransportLevel.Authenticated ? summary.Delivered : 0;
        sums.Deferred += summary.Deferred;
        sums.Bounced += summary.Bounced;
        sums.Attempts++;
        sums.Failures += failed ? 1 : 0;

        ref var news = ref CollectionsMarshal.GetValueRefOrAddDefault(_destinations, domain, out _);
        news.LastAt = ended;
        if (failed)
        {
            (news.FailureAt, news.Failure, news.FailureType) = (ended, reason, summary.FailureType);
        }
        else
        {
            news.Level = summary.Reached ?? news.Level;
        }
    }

    /// <summary>Writes what was added up since the last time.</summary>
    public void Write()
    {
        foreach (var ((hour, direction, level, version), sums) in _traffic)
        {
            _addTraffic.Run(hour, (long)direction, (long)level, version, sums.Sessions, sums.Messages);
        }

        foreach (var ((domain, day), sums) in _days)
        {
            _addDay.Run(
                _roomForDays.RowFor(domain, day), day, sums.Delivered, sums.Plaintext, sums.Authenticated, sums.Deferred, sums.Bounced, sums.Attempts, sums.Failures);
        }

        foreach (var (domain, news) in _destinations)
        {
            _addDestination.Run(_roomForDestinations.RowFor(domain), news.LastAt, (long?)news.Level, news.FailureAt, news.Failure, news.FailureType);
        }

        foreach (var (peer, sums) in _peers)
        {
            _addPeer.Run(
                _roomForPeers.RowFor(peer), sums.Name, sums.LastAt, (long)sums.LastLevel, sums.Sessions, sums.Plaintext, sums.Authenticated, sums.Trouble, sums.Messages);
        }

        Clear();
    }

    /// <summary>Forgets what was added up, and what is known of the tables: after a rollback, or when rows were deleted.</summary>
    public void Forget()
    {
        Clear();
        _roomForDays.Forget();
        _roomForDestinations.Forget();
        _roomForPeers.Forget();
    }

    public void Dispose()
    {
        foreach (var statement in (IDisposable[])[_addTraffic, _addDay, _addDestination, _addPeer, _roomForDays, _roomForDestinations, _roomForPeers])
        {
            statement.Dispose();
        }
    }

    void Clear()
    {
        _traffic.Clear();
        _days.Clear();
        _destinations.Clear();
        _peers.Clear();
    }

    struct DaySums
    {
        public long Delivered, Plaintext, Authenticated, Deferred, Bounced, Attempts, Failures;
    }

    struct PeerSums
    {
        public string? Name;
        public long LastAt, Sessions, Plaintext, Authenticated, Trouble, Messages;
        public TransportLevel LastLevel;
    }

    struct DestinationNews
    {
        public long LastAt;
        public TransportLevel? Level;
        public long? FailureAt;
        public string? Failure, FailureType;
    }
}
