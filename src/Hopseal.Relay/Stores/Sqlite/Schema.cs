using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The tables, as the list of steps that made them: <c>PRAGMA user_version</c> counts the steps a database has
/// taken. Steps are added at the end and never changed. Times are UNIX milliseconds.</summary>
static class Schema
{
    static readonly ImmutableArray<string> s_steps =
    [
        // 1: the queue. One row of entries per message and recipient domain: the unit that is leased and attempted.
        // state: 0 pending, 1 delivered, 2 bounced. body: the members of BodyType, in their order.
        """
        CREATE TABLE messages (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            received_at INTEGER NOT NULL,
            return_path TEXT,
            body INTEGER NOT NULL,
            smtputf8 INTEGER NOT NULL,
            declared_size INTEGER,
            size INTEGER NOT NULL,
            content_file TEXT,
            content BLOB
        ) STRICT;
        CREATE TABLE entries (
            message INTEGER NOT NULL,
            domain TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            due_at INTEGER NOT NULL,
            tls_failed INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (message, domain)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX entries_due ON entries (due_at);
        CREATE TABLE recipients (
            message INTEGER NOT NULL,
            position INTEGER NOT NULL,
            domain TEXT NOT NULL,
            address TEXT NOT NULL,
            state INTEGER NOT NULL DEFAULT 0,
            status TEXT,
            reason TEXT,
            PRIMARY KEY (message, position)
        ) STRICT, WITHOUT ROWID;
        """,

        // 2: what senders want to be told (RFC 3461): ret holds the members of DsnReturn, notify the flags of DsnNotify; null
        // where nothing was said. warned: its delay was reported.
        // Content has a table of its own, which lists of the queue never read.
        // An entry waits, or is held (an operator keeps it back), or is leased (its attempt is under way). domains: those of
        // waiting entries; due_at is never later than the first of them may be leased, which is not before not_before.
        """
        ALTER TABLE messages ADD COLUMN ret INTEGER;
        ALTER TABLE messages ADD COLUMN envelope_id TEXT;
        ALTER TABLE recipients ADD COLUMN notify INTEGER;
        ALTER TABLE recipients ADD COLUMN original_type TEXT;
        ALTER TABLE recipients ADD COLUMN original TEXT;
        ALTER TABLE entries ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE entries ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE entries ADD COLUMN leased INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE contents (
            message INTEGER PRIMARY KEY,
            content BLOB NOT NULL
        ) STRICT;
        INSERT INTO contents SELECT number, content FROM messages WHERE content_file IS NULL AND content IS NOT NULL;
        ALTER TABLE messages DROP COLUMN content;
        DROP INDEX entries_due;
        CREATE INDEX entries_waiting ON entries (domain, due_at) WHERE held = 0 AND leased = 0;
        CREATE INDEX entries_leased ON entries (message) WHERE leased = 1;
        CREATE TABLE domains (
            domain TEXT PRIMARY KEY,
            due_at INTEGER NOT NULL,
            not_before INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX domains_due ON domains (due_at, domain);
        INSERT INTO domains (domain, due_at) SELECT domain, min(due_at) FROM entries GROUP BY domain;
        """,

        // 3: why the last attempt failed, as far as a report on the delay needs more than status and reason: the host that had a
        // say, and the security floor that was missed.
        """
        ALTER TABLE recipients ADD COLUMN remote TEXT;
        ALTER TABLE recipients ADD COLUMN security TEXT;
        """,

        // 4: what the sender said about TLS (RFC 8689): the members of MessageTls, in their order.
        """
        ALTER TABLE messages ADD COLUMN tls INTEGER NOT NULL DEFAULT 0;
        """,
    ];

    /// <summary>Takes the steps that are missing, each in a transaction of its own.</summary>
    /// <exception cref="QueueStoreException">A newer program has been here.</exception>
    public static void BringUpToDate(SqliteConnection connection)
    {
        using var ask = connection.CreateCommand();
        ask.CommandText = "PRAGMA user_version";
        var version = Convert.ToInt32(ask.ExecuteScalar(), CultureInfo.InvariantCulture);
        if (version > s_steps.Length)
        {
            throw new QueueStoreException(
                $"{connection.DataSource} has schema version {version}, this program knows {s_steps.Length}");
        }

        for (; version < s_steps.Length; version++)
        {
            using var step = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file and a number
            step.CommandText = $"BEGIN IMMEDIATE; {s_steps[version]} PRAGMA user_version = {version + 1}; COMMIT;";
#pragma warning restore CA2100
            step.ExecuteNonQuery();
        }
    }
}
