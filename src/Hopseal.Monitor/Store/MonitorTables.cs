using Hopseal.Reports.Store;

namespace Hopseal.Monitor.Store;

/// <summary>Domains that are watched, what they looked like, and what was found wrong. Verdicts are numbers of
/// <see cref="Hopseal.Audit.Findings.Verdict"/>; facts are <see cref="FactsBlob"/>.</summary>
public static class MonitorTables
{
    public static SchemaPart Part { get; } = new("monitor",
    [
        // watched: 0 for one that was taken out of the configuration. current, reference: observations. unanswered: JSON.
        """
        CREATE TABLE monitor_domains (
            name TEXT PRIMARY KEY,
            kind INTEGER NOT NULL,
            watched INTEGER NOT NULL,
            next_at INTEGER NOT NULL,
            last_at INTEGER,
            inconclusive INTEGER NOT NULL DEFAULT 0,
            why TEXT,
            unanswered TEXT,
            current INTEGER,
            reference INTEGER,
            lost INTEGER NOT NULL DEFAULT 0,
            changed_at INTEGER,
            overall INTEGER NOT NULL DEFAULT 4,
            confidential INTEGER NOT NULL DEFAULT 4,
            authenticated INTEGER NOT NULL DEFAULT 4,
            attended INTEGER NOT NULL DEFAULT 4,
            failing INTEGER NOT NULL DEFAULT 0,
            warnings INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE monitor_observations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            domain TEXT NOT NULL,
            first_seen_at INTEGER NOT NULL,
            last_seen_at INTEGER NOT NULL,
            facts BLOB NOT NULL
        ) STRICT;
        CREATE INDEX monitor_observations_domain ON monitor_observations (domain, id);
        CREATE TABLE monitor_pending (
            domain TEXT PRIMARY KEY,
            seen_at INTEGER NOT NULL,
            rounds INTEGER NOT NULL,
            facts BLOB NOT NULL
        ) STRICT;
        CREATE TABLE monitor_findings (
            id INTEGER PRIMARY KEY,
            domain TEXT NOT NULL,
            finding TEXT NOT NULL,
            subject TEXT NOT NULL,
            question INTEGER NOT NULL,
            verdict INTEGER NOT NULL,
            title TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            seen_at INTEGER NOT NULL,
            closed_at INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX monitor_findings_open ON monitor_findings (domain, finding, subject) WHERE closed_at IS NULL;
        CREATE INDEX monitor_findings_closed ON monitor_findings (domain, id) WHERE closed_at IS NOT NULL;
        """,
    ]);
}
