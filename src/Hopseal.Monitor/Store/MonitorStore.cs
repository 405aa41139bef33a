using System.Collections.Immutable;
using Hopseal.Audit.Findings;
using Hopseal.Monitor.Looks;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

/// <summary>How what is seen stands to what is expected, <see cref="DomainHistory.Reference"/>.</summary>
public enum Standing
{
    /// <summary>It lacks nothing: from now on it is what is expected.</summary>
    AsExpected,

    /// <summary>Whether it lacks something cannot be known.</summary>
    NotKnown,

    /// <summary>It lacks something. The reference stays until that is back, or an operator accepts it.</summary>
    Lost,
}

/// <summary>Writes down what looks found out. Each call may throw <see cref="SqliteException"/>, and completes when what it wrote is committed.</summary>
public sealed class MonitorStore(RecordsDatabase database)
{
    /// <summary>Of one domain; the oldest are forgotten.</summary>
    const int MostObservations = 400;

    /// <summary>Findings of one domain that are closed.</summary>
    const int MostClosed = 1000;

    const int MostCharacters = 500;

    /// <summary>Makes these the watched ones. What is known of others stays, for when they come back.</summary>
    /// <param name="first">When a domain that was not watched yet is looked at, by its place in the list.</param>
    public Task SyncAsync(ImmutableArray<WatchedDomain> domains, Func<int, DateTimeOffset> first, CancellationToken cancel) => database.WriteAsync(
        connection =>
        {
            connection.Run("UPDATE monitor_domains SET watched = 0 WHERE watched = 1");
            for (var i = 0; i < domains.Length; i++)
            {
                connection.Run(
                    """
                    INSERT INTO monitor_domains (name, kind, watched, next_at) VALUES ($name, $kind, 1, $next)
                    ON CONFLICT (name) DO UPDATE SET watched = 1, kind = excluded.kind
                    """,
                    ("$name", domains[i].Name.Ascii), ("$kind", (long)domains[i].As), ("$next", Rows.Number(first(i))));
            }
        },
        cancel);

    /// <summary>Of a look that found nothing out, whatever the reason.</summary>
    public Task WriteAsync(WatchedDomain domain, LookState looks, CancellationToken cancel) => database.WriteAsync(connection => Write(connection, domain, looks), cancel);

    public Task WriteAsync(WatchedDomain domain, LookState looks, PendingLook pending, CancellationToken cancel)
    {
        var packed = FactsBlob.Write(pending.Facts);
        return database.WriteAsync(
            connection =>
            {
                Write(connection, domain, looks);
                connection.Run(
                    """
                    INSERT INTO monitor_pending (domain, seen_at, rounds, facts) VALUES ($domain, $seen, $rounds, $facts)
                    ON CONFLICT (domain) DO UPDATE SET seen_at = excluded.seen_at, rounds = excluded.rounds, facts = excluded.facts
                    """,
                    ("$domain", domain.Name.Ascii), ("$seen", Rows.Number(pending.SeenAt)), ("$rounds", pending.Rounds), ("$facts", packed));
            },
            cancel);
    }

    /// <summary>Of a look that found what is known.</summary>
    /// <param name="report">Of this look.</param>
    public Task WriteAsync(WatchedDomain domain, LookState looks, long current, AuditReport report, Standing standing, CancellationToken cancel) => database.WriteAsync(
        connection =>
        {
            Write(connection, domain, looks);
            connection.Run("DELETE FROM monitor_pending WHERE domain = $domain", ("$domain", domain.Name.Ascii));
            connection.Run(
                "UPDATE monitor_observations SET last_seen_at = $now WHERE id = $id", ("$id", current), ("$now", Rows.Number(report.Facts.At)));
            Settle(connection, domain, current, report, standing);
        },
        cancel);

    /// <summary>Of a look that is sure of something new.</summary>
    /// <param name="since">When it was seen first.</param>
    public Task WriteAsync(
        WatchedDomain domain, LookState looks, DateTimeOffset since, AuditReport report, Standing standing, CancellationToken cancel)
    {
        var packed = FactsBlob.Write(report.Facts);
        return database.WriteAsync(
            connection =>
            {
                Write(connection, domain, looks);
                connection.Run("DELETE FROM monitor_pending WHERE domain = $domain", ("$domain", domain.Name.Ascii));
                var id = connection.Read(
                    "INSERT INTO monitor_observations (domain, first_seen_at, last_seen_at, facts) VALUES ($domain, $first, $last, $facts) RETURNING id",
                    row => row.GetInt64(0),
                    ("$domain", domain.Name.Ascii), ("$first", Rows.Number(since)), ("$last", Rows.Number(report.Facts.At)), ("$facts", packed))[0];
                connection.Run(
                    "UPDATE monitor_domains SET changed_at = $since WHERE name = $domain", ("$domain", domain.Name.Ascii), ("$since", Rows.Number(since)));
                Settle(connection, domain, id, report, standing);
                Prune(connection, domain);
            },
            cancel);
    }

    /// <summary>What is there now is what is expected from now on.</summary>
    /// <returns>False when nothing is known of it.</returns>
    public async Task<bool> AcceptAsync(WatchedDomain domain, CancellationToken cancel)
    {
        var changed = 0;
        await database.WriteAsync(
            connection => changed = connection.Run(
                "UPDATE monitor_domains SET reference = current, lost = 0 WHERE name = $name AND current IS NOT NULL", ("$name", domain.Name.Ascii)),
            cancel);
        return changed > 0;
    }

    static void Write(SqliteConnection connection, WatchedDomain domain, LookState looks) => connection.Run(
        """
        UPDATE monitor_domains SET last_at = $last, next_at = $next, inconclusive = $inconclusive, why = $why, unanswered = $unanswered WHERE name = $name
        """,
        ("$name", domain.Name.Ascii), ("$last", Rows.Number(looks.LastAt)), ("$next", Rows.Number(looks.NextAt)), ("$inconclusive", looks.Inconclusive),
        ("$why", looks.Why is { Length: > MostCharacters } why ? $"{why[..MostCharacters]}…" : looks.Why), ("$unanswered", Rows.Write(looks.Unanswered)));

    /// <summary>The verdicts, the findings, and what is expected.</summary>
    static void Settle(SqliteConnection connection, WatchedDomain domain, long current, AuditReport report, Standing standing)
    {
        KeptFindings.Settle(connection, domain.Name.Ascii, report, MostClosed);
        connection.Run(
            """
            UPDATE monitor_domains SET current = $current, lost = $lost, reference = CASE WHEN $stays AND reference IS NOT NULL THEN reference ELSE $current END,
                overall = $overall, confidential = $confidential, authenticated = $authenticated, attended = $attended,
                failing = (SELECT count(*) FROM monitor_findings WHERE domain = $name AND closed_at IS NULL AND verdict = 3),
                warnings = (SELECT count(*) FROM monitor_findings WHERE domain = $name AND closed_at IS NULL AND verdict = 2)
            WHERE name = $name
            """,
            ("$name", domain.Name.Ascii), ("$current", current), ("$lost", standing is Standing.Lost ? 1 : 0),
            ("$stays", standing is Standing.AsExpected ? 0 : 1), ("$overall", (long)report.Overall),
            ("$confidential", (long)report.Confidential), ("$authenticated", (long)report.Authenticated), ("$attended", (long)report.Watched));
    }

    static void Prune(SqliteConnection connection, WatchedDomain domain) => connection.Run(
        """
        DELETE FROM monitor_observations WHERE domain = $name
            AND id < (SELECT id FROM monitor_observations WHERE domain = $name ORDER BY id DESC LIMIT 1 OFFSET $most)
            AND id IS NOT (SELECT reference FROM monitor_domains WHERE name = $name)
        """,
        ("$name", domain.Name.Ascii), ("$most", MostObservations - 1));
}
