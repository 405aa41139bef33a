using Hopseal.Reports.Store;

namespace Hopseal.Reports.Sessions;

/// <summary>Sessions and attempts one by one, for some days; and sums of them, which every overview is made of, so that it costs the same
/// whether there are thousands of sessions or millions.</summary>
static class SessionTables
{
    public static SchemaPart Part { get; } = new("sessions",
    [
        // direction: 0 in, 1 out. level, wanted: TransportLevel. id grows with ended. traffic.hour and the days are UNIX hours and days.
        """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            session TEXT NOT NULL,
            ended INTEGER NOT NULL,
            elapsed INTEGER NOT NULL,
            direction INTEGER NOT NULL,
            peer TEXT NOT NULL,
            port INTEGER NOT NULL,
            name TEXT,
            listener TEXT,
            user TEXT,
            domain TEXT,
            message TEXT,
            level INTEGER NOT NULL,
            wanted INTEGER,
            wanted_by TEXT,
            version TEXT,
            cipher TEXT,
            identity TEXT,
            fingerprint TEXT,
            names TEXT,
            failure TEXT,
            reason TEXT,
            detail TEXT,
            fault TEXT,
            accepted INTEGER NOT NULL,
            deferred INTEGER NOT NULL,
            refused INTEGER NOT NULL,
            trouble INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX sessions_ended ON sessions (ended);
        CREATE INDEX sessions_domain ON sessions (domain, id) WHERE domain IS NOT NULL;
        CREATE INDEX sessions_peer ON sessions (peer, id);
        CREATE INDEX sessions_trouble ON sessions (id) WHERE trouble = 1;
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY,
            ended INTEGER NOT NULL,
            elapsed INTEGER NOT NULL,
            message TEXT NOT NULL,
            domain TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            plan TEXT NOT NULL,
            wanted INTEGER,
            wanted_by TEXT,
            reached INTEGER,
            host TEXT,
            peer TEXT,
            sessions TEXT,
            delivered INTEGER NOT NULL,
            deferred INTEGER NOT NULL,
            bounced INTEGER NOT NULL,
            status TEXT,
            reason TEXT,
            failure TEXT,
            retry_at INTEGER
        ) STRICT;
        CREATE INDEX attempts_ended ON attempts (ended);
        CREATE INDEX attempts_domain ON attempts (domain, id);
        CREATE INDEX attempts_message ON attempts (message);
        CREATE TABLE traffic (
            hour INTEGER NOT NULL,
            direction INTEGER NOT NULL,
            level INTEGER NOT NULL,
            version TEXT NOT NULL,
            sessions INTEGER NOT NULL,
            messages INTEGER NOT NULL,
            PRIMARY KEY (hour, direction, level, version)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE destination_days (
            domain TEXT NOT NULL,
            day INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            plaintext INTEGER NOT NULL,
            authenticated INTEGER NOT NULL,
            deferred INTEGER NOT NULL,
            bounced INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            PRIMARY KEY (domain, day)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX destination_days_day ON destination_days (day);
        CREATE TABLE destinations (
            domain TEXT PRIMARY KEY,
            last_at INTEGER NOT NULL,
            last_level INTEGER,
            last_failure_at INTEGER,
            last_failure TEXT,
            last_failure_type TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX destinations_last ON destinations (last_at);
        CREATE TABLE peers (
            peer TEXT PRIMARY KEY,
            name TEXT,
            first_at INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            last_level INTEGER NOT NULL,
            sessions INTEGER NOT NULL,
            plaintext INTEGER NOT NULL,
            authenticated INTEGER NOT NULL,
            trouble INTEGER NOT NULL,
            messages INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX peers_last ON peers (last_at);
        """,

        // Who still has no TLS is asked often, and few are.
        "CREATE INDEX sessions_plaintext ON sessions (id) WHERE level = 0",
    ]);
}
