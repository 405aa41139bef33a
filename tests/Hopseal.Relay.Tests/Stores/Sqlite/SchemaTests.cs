using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class SchemaTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_queue_of_the_first_schema_goes_on_where_it_was()
    {
        Directory.CreateDirectory(_scratch.Data);
        using (var old = new SqliteConnection($"Data Source={Path.Combine(_scratch.Data, "queue.db")};Pooling=False"))
        {
            old.Open();
            using var command = old.CreateCommand();
            command.CommandText = First;
            command.ExecuteNonQuery();
        }

        await using var store = _scratch.Open();
        var now = DateTimeOffset.FromUnixTimeMilliseconds(2_000_000);
        Assert.Equal(2, await store.CountAsync(TestContext.Current.CancellationToken));
        var leases = await Scratch.LeaseAsync(store, now);

        Assert.Equal(["late.example", "one.example"], leases.Select(lease => lease.Domain).Order());
        var one = leases.Single(lease => lease.Domain == "one.example");
        Assert.Equal((4, true, "a@one.example"), (one.AttemptNumber, one.EarlierTlsFailure, Assert.Single(one.Pending.Recipients).ToString()));
        Assert.Equal(MessageTls.Unspecified, one.Pending.Tls);
        Assert.Equal("hello", await Scratch.ReadAsync(store, one.Id));
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(9_000_000), await Scratch.NextDueAsync(store, now));
    }

    /// <summary>As the first version made it, with two messages: one for two domains, one in a file.</summary>
    const string First =
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
        INSERT INTO messages VALUES (7, '01jn8f3k6c0000000000000001', 1000000, 's@example.org', 0, 0, NULL, 5, NULL, CAST('hello' AS BLOB));
        INSERT INTO messages VALUES (8, '01jn8f3k6c0000000000000002', 1000000, NULL, 0, 0, NULL, 5, 'xx/gone', NULL);
        INSERT INTO entries VALUES (7, 'one.example', 3, 1500000, 1), (7, 'two.example', 1, 9000000, 0), (8, 'late.example', 0, 1000000, 0);
        INSERT INTO recipients (message, position, domain, address) VALUES
            (7, 0, 'one.example', 'a@one.example'), (7, 1, 'two.example', 'b@two.example'), (8, 0, 'late.example', 'c@late.example');
        PRAGMA user_version = 1;
        """;
}
