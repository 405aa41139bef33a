using System.Collections.Concurrent;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;
using SQLitePCL;

namespace Hopseal.Reports.Tests.Sessions;

public sealed class SessionQueryTests : IAsyncLifetime
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-query-").FullName;
    readonly RecordsDatabase _database;
    readonly ConcurrentQueue<string> _asked = [];
    readonly SessionQuery _query;

    public SessionQueryTests()
    {
        _database = RecordsDatabase.Open(_directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
        _query = new SessionQuery(() =>
        {
            var reader = _database.OpenReader();
            raw.sqlite3_trace(reader.Handle, (_, sql) => _asked.Enqueue(sql), null);
            return reader;
        });
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Whatever it is asked, and as it was really asked of SQLite.</summary>
    [Fact]
    public async Task No_question_reads_all_sessions_or_sorts_what_it_finds()
    {
        // Questions about a time that has nothing end early.
        var store = new SessionStore(_database, new RecordsOptions(), TimeProvider.System, NullLogger<SessionStore>.Instance);
        store.TryRecord(Records.Inbound(Records.Tls()));
        store.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered));
        store.Write();
        await _database.WriteAsync(_ => { }, TestContext.Current.CancellationToken);

        Direction?[] directions = [null, Direction.In, Direction.Out];
        TransportLevel?[] levels = [null, TransportLevel.Plaintext];
        foreach (var direction in directions)
        {
            foreach (var level in levels)
            {
                foreach (var bits in Enumerable.Range(0, 16))
                {
                    _query.Sessions(
                        new SessionFilter
                        {
                            Direction = direction,
                            Level = level,
                            Domain = (bits & 1) > 0 ? "a.example" : null,
                            Peer = (bits & 2) > 0 ? "192.0.2.1" : null,
                            Trouble = (bits & 4) > 0,
                            From = (bits & 8) > 0 ? Records.Noon : null,
                            To = (bits & 8) > 0 ? Records.Noon.AddHours(1) : null,
                        },
                        100,
                        10);
                }
            }
        }

        _query.Session(7);
        _query.Attempts(null, null, null, null, null, 10);
        _query.Attempts("a.example", null, Records.Noon, null, 100, 10);
        _query.Attempts(null, "01jn8f3k6c0000000000000001", null, null, null, 10);
        _query.Traffic(Records.Noon.AddDays(-1), Records.Noon, TimeSpan.FromHours(1));
        _query.Destinations(Records.Noon, "a", "b", 10);
        _query.Destination("a.example", Records.Noon);
        _query.DestinationDays("a.example", Records.Noon);
        _query.DestinationDays(null, Records.Noon);
        _query.Peers(null, null, 10);

        var asked = _asked.Where(sql => sql.StartsWith("SELECT", StringComparison.Ordinal)).Distinct().ToArray();
        Assert.True(asked.Length > 50, string.Join('\n', asked));
        Assert.All(asked, sql => Assert.DoesNotContain(Steps(sql), step =>
            step.StartsWith("SCAN sessions", StringComparison.Ordinal) || step.StartsWith("SCAN attempts", StringComparison.Ordinal)
            || step.StartsWith("SCAN destination_days", StringComparison.Ordinal) || (step == "USE TEMP B-TREE FOR ORDER BY")));
    }

    [Theory]
    [InlineData("sessions_domain", "a.example", null, false, null)]
    [InlineData("sessions_domain", "a.example", null, true, TransportLevel.Plaintext)]
    [InlineData("sessions_peer", null, "192.0.2.1", false, null)]
    [InlineData("sessions_trouble", null, null, true, null)]
    [InlineData("sessions_plaintext", null, null, false, TransportLevel.Plaintext)]
    public void Pages_follow_the_index_of_what_is_asked_for(string index, string? domain, string? peer, bool trouble, TransportLevel? level)
    {
        _query.Sessions(new SessionFilter { Domain = domain, Peer = peer, Trouble = trouble, Level = level }, null, 10);
        Assert.Contains(_asked.SelectMany(Steps), step => step.Contains(index, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("large.example")]
    [InlineData(null)]
    public async Task A_page_looks_at_so_many_rows_and_says_where_to_go_on(string? domain)
    {
        // One session that is looked for, and behind it more than a page looks at.
        await _database.WriteAsync(
            connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130000)
                    INSERT INTO sessions (session, ended, elapsed, direction, peer, port, domain, level, accepted, deferred, refused, trouble)
                    SELECT 's', i, 0, 1, '192.0.2.1', 25, 'large.example', CASE WHEN i = 5 THEN 4 ELSE 1 END, 1, 0, 0, 0 FROM n
                    """;
                command.ExecuteNonQuery();
            },
            TestContext.Current.CancellationToken);
        var filter = new SessionFilter { Domain = domain, Level = TransportLevel.Undecided };

        var pages = new List<SessionPage> { _query.Page(filter, null, 10) };
        while (pages[^1].Next is { } next)
        {
            pages.Add(_query.Page(filter, next, 10));
        }

        Assert.Equal(domain is null ? 2 : 7, pages.Count);
        Assert.Equal(5, Assert.Single(pages.SelectMany(page => page.Rows)).Id);
        Assert.Equal(5, Assert.Single(pages[^1].Rows).Id);
        Assert.Equal(5, Assert.Single(_query.Sessions(filter, null, 10)).Id);
        Assert.Null(_query.Page(filter with { Domain = "nowhere.example" }, null, 10).Next);
        Assert.Equal(new SessionPage([], null), _query.Page(filter with { From = DateTimeOffset.UnixEpoch.AddDays(1) }, null, 10));
    }

    List<string> Steps(string sql)
    {
        using var connection = _database.OpenReader();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // what the program itself asked
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
#pragma warning restore CA2100
        using var rows = command.ExecuteReader();
        var steps = new List<string>();
        while (rows.Read())
        {
            steps.Add(rows.GetString(3));
        }

        return steps;
    }
}
