using Hopseal.Reports.Store;

namespace Hopseal.Records;

/// <summary>Thirty days of a busy gateway: 60 % inbound from 50,000 peers, 40 % outbound to 20,000 domains of which one gets a fifth; 2 % plaintext,
/// 3 % refused. Not random, so that every run has the same rows.</summary>
static class Filling
{
    /// <summary>The end of the last session: 2026-11-30, noon.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    const long Step = 50_000;
    const long Month = 30L * 24 * 3_600_000;

    public static async Task FillAsync(RecordsDatabase database, long sessions)
    {
        for (var from = 0L; from < sessions; from += Step)
        {
            var (first, last) = (from + 1, Math.Min(from + Step, sessions));
            await RunAsync(database, Sessions, first, last, sessions);
            await RunAsync(database, Attempts, first, last, sessions);
        }

        await RunAsync(database, Sums, 1, 1, sessions);
    }

    static Task RunAsync(RecordsDatabase database, string sql, long first, long last, long sessions) => database.WriteAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.Parameters.AddWithValue("$first", first);
            command.Parameters.AddWithValue("$last", last);
            command.Parameters.AddWithValue("$start", Now.ToUnixTimeMilliseconds() - Month);
            command.Parameters.AddWithValue("$step", (double)Month / sessions);
            command.ExecuteNonQuery();
        },
        CancellationToken.None);

    /// <summary>A number that looks random and is not: the multiplier is prime to its modulus.</summary>
    const string Sessions = """
        WITH RECURSIVE n(i) AS (SELECT $first UNION ALL SELECT i + 1 FROM n WHERE i < $last),
        r AS (SELECT i, (i * 7368787) % 1000003 AS a, (i * 4256249) % 999983 AS b, $start + CAST(i * $step AS INTEGER) AS at FROM n)
        INSERT INTO sessions
        SELECT i, printf('%012x', i * 2654435761), at, 120 + a % 900, CASE WHEN a % 10 < 6 THEN 0 ELSE 1 END,
            CASE WHEN a % 10 < 6 THEN printf('203.%d.%d.%d', b % 4, b / 4 % 125, b / 500 % 100) ELSE printf('192.0.%d.%d', b % 20, b / 20 % 250) END, 25,
            CASE WHEN a % 10 < 6 THEN printf('mail%d.sender.example', b % 50000) ELSE printf('mx1.d%d.example:25', b % 20000) END,
            CASE WHEN a % 10 < 6 THEN 'mx' END, NULL,
            CASE WHEN a % 10 >= 6 THEN CASE WHEN b % 5 = 0 THEN 'large.example' ELSE printf('d%d.example', b % 20000) END END,
            CASE WHEN a % 10 >= 6 THEN printf('%016x', i * 40503) END,
            CASE WHEN b % 100 < 2 THEN 0 WHEN b % 100 < 5 THEN 3 WHEN b % 100 < 40 THEN 2 ELSE 1 END,
            CASE WHEN a % 10 >= 6 THEN 1 END, CASE WHEN a % 10 >= 6 THEN 'configured: Outbound.Rules[0]' END,
            CASE WHEN b % 100 >= 5 THEN 'TLSv1.3' END, CASE WHEN b % 100 >= 5 THEN 'TLS_AES_256_GCM_SHA384' END, CASE WHEN b % 100 >= 5 THEN 'unauthenticated' END,
            CASE WHEN b % 100 >= 5 THEN printf('%064x', b) END, CASE WHEN b % 100 >= 5 THEN printf('mx1.d%d.example', b % 20000) END,
            CASE WHEN b % 100 < 5 THEN 'starttls-not-supported' END, CASE WHEN b % 100 < 5 THEN 'starttls-not-offered' END, NULL,
            CASE WHEN a % 10 < 6 THEN 'Quit' END, 1, 0, 0, CASE WHEN b % 100 IN (2, 3, 4) THEN 1 ELSE 0 END
        FROM r
        """;

    const string Attempts = """
        WITH RECURSIVE n(i) AS (SELECT $first UNION ALL SELECT i + 1 FROM n WHERE i < $last),
        r AS (SELECT i, (i * 7368787) % 1000003 AS a, (i * 4256249) % 999983 AS b, $start + CAST(i * $step AS INTEGER) AS at FROM n)
        INSERT INTO attempts
        SELECT i, at, 120 + a % 900, printf('%016x', i * 40503), CASE WHEN b % 5 = 0 THEN 'large.example' ELSE printf('d%d.example', b % 20000) END, 1, 'relay',
            1, 'configured: Outbound.Rules[0]', CASE WHEN b % 100 < 5 THEN 3 ELSE 1 END, printf('mx1.d%d.example:25', b % 20000), printf('192.0.%d.%d', b % 20, b / 20 % 250),
            printf('%012x', i * 2654435761), 1, 0, 0, NULL, NULL, NULL, NULL
        FROM r WHERE a % 10 >= 6
        """;

    const string Sums = """
        INSERT INTO traffic
        SELECT ended / 3600000, direction, level, coalesce(version, ''), count(*), sum(accepted) FROM sessions GROUP BY 1, 2, 3, 4;
        INSERT INTO destination_days
        SELECT domain, ended / 86400000, count(*), count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 2), 0, 0, count(*), count(*) FILTER (WHERE level = 3)
        FROM sessions WHERE domain IS NOT NULL GROUP BY 1, 2;
        INSERT INTO destinations SELECT domain, max(ended), 1, NULL, NULL, NULL FROM sessions WHERE domain IS NOT NULL GROUP BY 1;
        INSERT INTO peers
        SELECT peer, max(name), min(ended), max(ended), 1, count(*), count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 2), sum(trouble), sum(accepted)
        FROM sessions WHERE direction = 0 GROUP BY 1;
        """;
}
