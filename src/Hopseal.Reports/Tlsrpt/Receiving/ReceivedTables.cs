using Hopseal.Reports.Store;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>The tables of reports that came in. Days are day numbers (<see cref="DateOnly.DayNumber"/>).</summary>
public static class ReceivedTables
{
    /// <remarks><c>signer</c> is empty where nobody stands for the report; <c>identity</c> is what its author names it by
    /// (<see cref="ReportIdentity"/>). A row of <c>tlsrpt_received_sums</c> with an empty <c>type</c> has the summaries, the others have the sessions of the
    /// failure details.</remarks>
    public static SchemaPart Part { get; } = new("tlsrpt-in",
    [
        """
        CREATE TABLE tlsrpt_received (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            identity BLOB NOT NULL,
            signer TEXT NOT NULL,
            received INTEGER NOT NULL,
            received_day INTEGER NOT NULL,
            origin TEXT NOT NULL,
            sender TEXT,
            proof TEXT NOT NULL,
            proof_detail TEXT,
            organization TEXT,
            contact TEXT,
            report_id TEXT,
            begins INTEGER NOT NULL,
            ends INTEGER NOT NULL,
            first_day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            successful INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            details INTEGER NOT NULL,
            warnings TEXT NOT NULL,
            UNIQUE (identity, signer)
        ) STRICT;
        CREATE INDEX tlsrpt_received_flood ON tlsrpt_received (received_day, domain, signer, details);
        CREATE INDEX tlsrpt_received_signers ON tlsrpt_received (signer, received_day);
        CREATE INDEX tlsrpt_received_days ON tlsrpt_received (first_day);
        CREATE TABLE tlsrpt_received_policies (
            report INTEGER NOT NULL,
            place INTEGER NOT NULL,
            kind TEXT NOT NULL,
            domain TEXT,
            lines TEXT NOT NULL,
            hosts TEXT NOT NULL,
            successful INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            PRIMARY KEY (report, place)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tlsrpt_received_failures (
            report INTEGER NOT NULL,
            policy INTEGER NOT NULL,
            place INTEGER NOT NULL,
            type TEXT NOT NULL,
            sessions INTEGER NOT NULL,
            sending TEXT,
            host TEXT,
            helo TEXT,
            receiving TEXT,
            more TEXT,
            reason TEXT,
            PRIMARY KEY (report, policy, place)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tlsrpt_received_sums (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            organization TEXT NOT NULL,
            signer TEXT NOT NULL,
            type TEXT NOT NULL,
            reports INTEGER NOT NULL,
            successful INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            PRIMARY KEY (day, domain, organization, signer, type)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tlsrpt_aside (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest BLOB NOT NULL UNIQUE,
            received INTEGER NOT NULL,
            origin TEXT NOT NULL,
            sender TEXT,
            proof TEXT NOT NULL,
            proof_detail TEXT,
            reason TEXT NOT NULL,
            octets INTEGER NOT NULL,
            content BLOB
        ) STRICT;
        CREATE INDEX tlsrpt_aside_origins ON tlsrpt_aside (origin, id, octets);
        """,
    ]);
}
