using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Tests.Store;

public sealed class RecordsDatabaseTests : IDisposable
{
    static readonly SchemaPart s_numbers = new("numbers", ["CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE) STRICT"]);

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-records-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_work_that_fails_does_not_fail_the_others_of_its_group()
    {
        await using var database = Open([s_numbers]);
        var gate = new TaskCompletionSource();
        var held = database.WriteAsync(_ => gate.Task.Wait(Cancel), Cancel);
        var good = database.WriteAsync(Insert(1), Cancel);
        var twice = database.WriteAsync(Insert(1), Cancel);
        Assert.True(database.TryPost(Insert(1)));
        var other = database.WriteAsync(Insert(2), Cancel);
        gate.SetResult();

        await Task.WhenAll(held, good, other);
        await Assert.ThrowsAsync<SqliteException>(() => twice);
        Assert.Equal([1, 2], Numbers(database));
        Assert.Equal(1, database.Lost);
    }

    [Fact]
    public async Task Parts_grow_on_their_own_and_what_was_written_stays()
    {
        await using (var database = Open([s_numbers]))
        {
            await database.WriteAsync(Insert(7), Cancel);
        }

        var grown = s_numbers with { Steps = [.. s_numbers.Steps, "INSERT INTO numbers SELECT number + 1 FROM numbers"] };
        for (var start = 0; start < 2; start++)
        {
            await using var database = Open([new SchemaPart("other", ["CREATE TABLE other (a TEXT) STRICT"]), grown]);
            Assert.Equal([7, 8], Numbers(database));
        }

        Assert.Throws<InvalidDataException>(() => Open([s_numbers]));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_put_aside()
    {
        var text = new string('x', 5000);
        File.WriteAllText(Path.Combine(_directory, RecordsDatabase.FileName), text);

        await using var database = Open([s_numbers]);

        await database.WriteAsync(Insert(1), Cancel);
        Assert.Equal([1], Numbers(database));
        Assert.Equal(text, File.ReadAllText(Assert.Single(Directory.GetFiles(_directory, "*.damaged-*"))));
    }

    [Fact]
    public async Task What_is_posted_before_the_end_is_written()
    {
        await using (var database = Open([s_numbers]))
        {
            Assert.All(Enumerable.Range(0, 5000), number => Assert.True(database.TryPost(Insert(number))));
        }

        await using var again = Open([s_numbers]);
        Assert.Equal(5000, Numbers(again).Length);
    }

    [Fact]
    public async Task A_defect_that_ends_the_writer_keeps_nobody_from_closing_the_rest()
    {
        var database = Open([s_numbers]);
        Assert.True(database.TryPost(Insert(1), _ => throw new InvalidOperationException("a defect")));
        while (database.TryPost(Insert(2)))
        {
            await Task.Yield();
            Cancel.ThrowIfCancellationRequested();
        }

        await database.DisposeAsync();
        await using var again = Open([s_numbers]);
        Assert.Equal(1, Numbers(again)[0]);
    }

    [Fact]
    public async Task Only_what_asks_for_it_is_flushed()
    {
        await using var database = Open([s_numbers]);
        var levels = new List<long>();
        foreach (var flushed in (bool[])[false, true, false])
        {
            await database.WriteAsync(connection => levels.Add(Synchronous(connection)), Cancel, flushed);
        }

        // NORMAL is 1, FULL is 2.
        Assert.Equal([1, 2, 1], levels);

        static long Synchronous(SqliteConnection connection)
        {
            using var ask = connection.CreateCommand();
            ask.CommandText = "PRAGMA synchronous";
            return (long)ask.ExecuteScalar()!;
        }
    }

    [Fact]
    public async Task What_another_process_locks_out_fails_at_once_and_is_told_and_the_next_is_written()
    {
        await using var database = Open([s_numbers], TimeSpan.FromSeconds(1));
        var settled = new ConcurrentQueue<bool>();
        using (var other = new SqliteConnection($"Data Source={database.File};Pooling=false"))
        {
            other.Open();
            using var held = other.BeginTransaction(deferred: false);
            for (var i = 0; i < 500; i++)
            {
                Assert.True(database.TryPost(Insert(i), settled.Enqueue));
            }

            await Assert.ThrowsAsync<SqliteException>(() => database.WriteAsync(Insert(1000), Cancel));
        }

        // Held up once, not once for each: that would have been more than eight minutes.
        Assert.True(database.TryPost(Insert(2000), settled.Enqueue));
        await database.WriteAsync(Insert(2001), Cancel);
        Assert.Equal([2000, 2001], Numbers(database));
        Assert.Equal(0, database.Lost);
        Assert.Equal((500, 1), (settled.Count(written => !written), settled.Count(written => written)));
    }

    /// <summary>Twice the usual patience would be a minute.</summary>
    [Fact(Timeout = 25_000)]
    public async Task Near_the_end_nobody_waits_long_for_another_process()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var database = Open([s_numbers]);
        using var other = new SqliteConnection($"Data Source={database.File};Pooling=false");
        other.Open();
        using var held = other.BeginTransaction(deferred: false);
        database.Hasten();
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<SqliteException>(() => database.WriteAsync(Insert(i), cancel));
        }
    }

    [Fact]
    public async Task What_is_lost_is_counted_here_or_by_whoever_is_told_and_not_by_both()
    {
        await using var database = Open([s_numbers]);
        var told = 0;
        using var gate = new ManualResetEventSlim();
        Assert.True(database.TryPost(_ => gate.Wait(Cancel)));
        Assert.True(database.TryPost(Fail));
        Assert.True(database.TryPost(Fail, written => told += written ? 0 : 1));

        // Until there is no room, then once with and once without somebody who is told.
        while (database.TryPost(Insert(1), _ => { }))
        {
        }

        Assert.Equal(0, database.Lost);
        Assert.False(database.TryPost(Insert(1)));
        Assert.Equal(1, database.Lost);
        gate.Set();
        await database.WriteAsync(_ => { }, Cancel);
        Assert.Equal((2, 1), (database.Lost, told));

        static void Fail(SqliteConnection connection) => throw new InvalidOperationException("a defect");
    }

    [Fact]
    public async Task A_reader_cannot_write()
    {
        await using var database = Open([s_numbers]);
        using var reader = database.OpenReader();
        Assert.Throws<SqliteException>(() => Insert(1)(reader));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    RecordsDatabase Open(ImmutableArray<SchemaPart> parts, TimeSpan? patience = null) =>
        RecordsDatabase.Open(_directory, parts, NullLogger<RecordsDatabase>.Instance, patience);

    static Action<SqliteConnection> Insert(int number) => connection =>
    {
        using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO numbers VALUES ($number)";
        insert.Parameters.AddWithValue("$number", number);
        insert.ExecuteNonQuery();
    };

    static int[] Numbers(RecordsDatabase database)
    {
        using var reader = database.OpenReader();
        using var ask = reader.CreateCommand();
        ask.CommandText = "SELECT number FROM numbers ORDER BY number";
        using var rows = ask.ExecuteReader();
        var numbers = new List<int>();
        while (rows.Read())
        {
            numbers.Add(rows.GetInt32(0));
        }

        return [.. numbers];
    }
}
