using Hopseal.Reports.Store;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>What is counted until a day is over, and the reports that were made of it. Days are counted from 1970-01-01, UTC.</summary>
public static class SendingTables
{
    public static SchemaPart Part { get; } = new("tlsrpt-out",
    [
        """
        CREATE TABLE tlsrpt_tally (
            id INTEGER PRIMARY KEY,
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            key BLOB NOT NULL,
            policy TEXT NOT NULL,
            successful INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            UNIQUE (day, domain, key)
        ) STRICT;
        CREATE TABLE tlsrpt_tally_failures (
            policy INTEGER NOT NULL,
            key BLOB NOT NULL,
            failure TEXT NOT NULL,
            sessions INTEGER NOT NULL,
            PRIMARY KEY (policy, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tlsrpt_sent (
            id INTEGER PRIMARY KEY,
            report TEXT NOT NULL UNIQUE,
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            gives_up_at INTEGER NOT NULL,
            successful INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            state INTEGER NOT NULL,
            why TEXT,
            content BLOB NOT NULL
        ) STRICT;
        CREATE INDEX tlsrpt_sent_day ON tlsrpt_sent (day);
        CREATE INDEX tlsrpt_sent_domain ON tlsrpt_sent (domain, id);
        CREATE INDEX tlsrpt_sent_state ON tlsrpt_sent (state, id);
        CREATE TABLE tlsrpt_targets (
            id INTEGER PRIMARY KEY,
            report INTEGER NOT NULL,
            uri TEXT NOT NULL,
            state INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            settled_at INTEGER,
            message TEXT,
            why TEXT
        ) STRICT;
        CREATE INDEX tlsrpt_targets_report ON tlsrpt_targets (report);
        CREATE INDEX tlsrpt_targets_due ON tlsrpt_targets (due_at) WHERE state IN (0, 1);
        CREATE INDEX tlsrpt_targets_message ON tlsrpt_targets (message) WHERE message IS NOT NULL;
        """,
    ]);
}
