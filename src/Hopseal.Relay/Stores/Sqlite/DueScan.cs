using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>Looks for what is due, in rounds: every domain that is due is asked for once in a round, in the order of their times. A
/// look is bounded, and the next one goes on where it stopped, so that no number of domains that have to wait hides
/// those that need not.</summary>
sealed class DueScan(SqliteConnection connection, LeaseRows leases, DomainRows domains, InFlight inFlight) : IDisposable
{
    /// <summary>Domains visited by one look.</summary>
    public const int MaxDomains = 256;

    /// <summary>Entries visited by one look for those whose time is over.</summary>
    const int MaxExpired = 64;

    static readonly (long, string) s_start = (long.MinValue, "");

    /// <summary>Entries that were passed by, because they were held or under way, get another look.</summary>
    static readonly TimeSpan s_expiryRound = TimeSpan.FromHours(1);

    // Numbers are given in the order of arrival, so that the oldest stand first.
    readonly Statement _oldest = new(
        connection,
        """
        SELECT e.message, e.domain, e.held OR e.leased, m.received_at, m.id FROM entries e CROSS JOIN messages m ON m.number = e.message
            WHERE (e.message, e.domain) > (?1, ?2) ORDER BY e.message, e.domain LIMIT ?3
        """);

    (long DueAt, string Domain) _place = s_start;
    (long Message, string Domain) _expiryPlace = s_start;
    long _nextExpiry;
    long _expiryRestart;
    ((long, string) Place, (long, string) ExpiryPlace, long NextExpiry, long ExpiryRestart) _kept = (s_start, s_start, 0, 0);

    /// <summary>Rows of <c>domains</c> looked at so far.</summary>
    public long Visited { get; private set; }

    /// <summary>One look. Until <see cref="Keep"/>, the next one begins where this one began.</summary>
    public LeaseScan Lease(LeaseTerms terms, int limit, Reservations reservations)
    {
        (_place, _expiryPlace, _nextExpiry, _expiryRestart) = _kept;
        var now = terms.Now.ToUnixTimeMilliseconds();
        var found = ImmutableArray.CreateBuilder<QueueLease>();
        var more = LeaseExpired(terms, now, reservations, found);
        more |= LeaseDue(terms, now, limit, reservations, found);
        var nextDue = domains.NextDue(now);
        if (_nextExpiry > now && (nextDue is null || nextDue > _nextExpiry))
        {
            nextDue = _nextExpiry;
        }

        return new LeaseScan(
            found.DrainToImmutable(), more, nextDue is { } next ? DateTimeOffset.FromUnixTimeMilliseconds(next) : null);
    }

    /// <summary>What the last look leased is on stable storage. Were its place kept without that, nobody would come back to those that it
    /// leased in vain before something else wakes the queue.</summary>
    public void Keep() => _kept = (_place, _expiryPlace, _nextExpiry, _expiryRestart);

    public void Dispose() => _oldest.Dispose();

    /// <summary>True when the round goes on.</summary>
    bool LeaseDue(
        LeaseTerms terms, long now, int limit, Reservations reservations, ImmutableArray<QueueLease>.Builder found)
    {
        var due = domains.Due(now, _place, MaxDomains);
        foreach (var place in due)
        {
            if (found.Count >= limit)
            {
                return true;
            }

            Visited++;
            if (!LeaseDomain(place.Domain, terms, now, limit, reservations, found))
            {
                return true;
            }

            _place = place;
        }

        if (due.Count < MaxDomains)
        {
            _place = s_start;
            return false;
        }

        return true;
    }

    /// <summary>False when the limit cut it short.</summary>
    bool LeaseDomain(
        string domain, LeaseTerms terms, long now, int limit, Reservations reservations, ImmutableArray<QueueLease>.Builder found)
    {
        LeaseAnswer? answer = null;
        var room = limit - found.Count;
        leases.LeaseWaiting(
            domain,
            terms,
            () => room-- > 0 && (answer = reservations.Ask(domain, arriving: false)) is LeaseAnswer.Yes,
            found);
        if (answer is LeaseAnswer.NotBefore wait)
        {
            domains.Postpone(domain, wait.Time.ToUnixTimeMilliseconds());
        }
        else if (room >= 0 && answer is not LeaseAnswer.Full)
        {
            domains.Settle(domain, now);
        }

        return room >= 0;
    }

    /// <summary>A domain that is not attempted for a while must not keep mail longer than its time: such entries are leased
    /// to be given up. True when there may be more of them.</summary>
    bool LeaseExpired(LeaseTerms terms, long now, Reservations reservations, ImmutableArray<QueueLease>.Builder found)
    {
        if (now >= _expiryRestart)
        {
            _expiryRestart = now + (long)s_expiryRound.TotalMilliseconds;
            _expiryPlace = s_start;
            _nextExpiry = 0;
        }

        if (now < _nextExpiry)
        {
            return false;
        }

        var oldest = ReadOldest();
        foreach (var (message, domain, waits, receivedAt) in oldest)
        {
            var expiry = receivedAt + (long)terms.Schedule.GiveUpAfter.TotalMilliseconds;
            if (expiry > now)
            {
                _nextExpiry = expiry;
                return false;
            }

            if (waits)
            {
                var answer = reservations.Ask(domain, arriving: false);
                if (answer is LeaseAnswer.NotBefore && !reservations.AskSuspended(domain))
                {
                    return false;
                }

                if (answer is not LeaseAnswer.Full)
                {
                    found.Add(leases.Lease(message, domain, answer is LeaseAnswer.NotBefore, terms));
                }
            }

            _expiryPlace = (message, domain);
        }

        if (oldest.Count == MaxExpired)
        {
            return true;
        }

        // Whatever comes from now on has all its time before it.
        _nextExpiry = now + (long)terms.Schedule.GiveUpAfter.TotalMilliseconds;
        return false;
    }

    List<(long Message, string Domain, bool Waits, long ReceivedAt)> ReadOldest()
    {
        var oldest = new List<(long, string, bool, long)>(MaxExpired);
        using var rows = _oldest.Read(_expiryPlace.Message, _expiryPlace.Domain, (long)MaxExpired);
        while (rows.Read())
        {
            var domain = rows.GetString(1);
            var waits = rows.GetInt64(2) == 0 && !inFlight.Contains(new QueueId(rows.GetString(4)), domain);
            oldest.Add((rows.GetInt64(0), domain, waits, rows.GetInt64(3)));
        }

        return oldest;
    }
}
