using Hopseal.Policy;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Sessions;

public sealed class SessionStoreTests : IAsyncLifetime
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-sessions-").FullName;
    readonly FakeTimeProvider _clock = new(Records.Noon);
    readonly RecordsDatabase _database;
    readonly SessionQuery _query;

    public SessionStoreTests()
    {
        _database = RecordsDatabase.Open(_directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
        _query = new SessionQuery(_database);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_session_comes_back_with_what_was_wanted_and_what_was_reached()
    {
        var store = Store();
        var plan = Records.Plan("mx1.example.net", new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]"));
        store.TryRecord(Records.Outbound(new TlsOutcome.Refused([Records.NotOffered]), plan: plan, delivered: 0));
        store.TryRecord(Records.Inbound(Records.Tls()));
        await WriteAsync(store);

        var rows = _query.Sessions(new SessionFilter(), null, 10);

        Assert.Equal([Direction.In, Direction.Out], rows.Select(row => row.Direction));
        var refused = rows[1];
        Assert.Equal((TransportLevel.Encrypted, TransportLevel.Refused, true), (refused.Wanted, refused.Level, refused.Trouble));
        Assert.Equal(("starttls-not-supported", "starttls-not-offered"), (refused.Failure, refused.Reason));
        Assert.Contains("Outbound.Rules[0]", refused.WantedBy, StringComparison.Ordinal);
        Assert.Equal(("TLSv1.3", "TLS_AES_256_GCM_SHA384", new string('a', 64)), (rows[0].Version, rows[0].Cipher, rows[0].Fingerprint));
        Assert.Equal(refused, _query.Session(refused.Id));
    }

    [Fact]
    public async Task Every_filter_leaves_out_what_does_not_fit_and_pages_follow_each_other()
    {
        var store = Store();
        for (var i = 0; i < 30; i++)
        {
            store.TryRecord(Records.Outbound(i % 3 == 0 ? new TlsOutcome.Refused([Records.NotOffered]) : Records.Tls(), domain: i % 2 == 0 ? "even.example" : "odd.example", at: Records.Noon.AddMinutes(i)));
            store.TryRecord(Records.Inbound(Records.Tls(), peer: $"203.0.113.{i % 5}", at: Records.Noon.AddMinutes(i)));
        }

        await WriteAsync(store);

        Assert.Equal(15, Count(new SessionFilter { Domain = "even.example" }));
        Assert.Equal(6, Count(new SessionFilter { Peer = "203.0.113.2" }));
        Assert.Equal(10, Count(new SessionFilter { Trouble = true }));
        Assert.Equal(10, Count(new SessionFilter { Level = TransportLevel.Refused }));
        Assert.Equal(30, Count(new SessionFilter { Direction = Direction.In }));
        Assert.Equal(10, Count(new SessionFilter { From = Records.Noon.AddMinutes(10).AddSeconds(1.5), To = Records.Noon.AddMinutes(15).AddSeconds(1.5) }));
        Assert.Equal(0, Count(new SessionFilter { From = Records.Noon.AddDays(1) }));

        var first = _query.Sessions(new SessionFilter(), null, 40);
        var second = _query.Sessions(new SessionFilter(), first[^1].Id, 40);
        Assert.Equal(60, first.Concat(second).Select(row => row.Id).Distinct().Count());

        int Count(SessionFilter filter) => _query.Sessions(filter, null, 100).Length;
    }

    [Fact]
    public async Task Sums_say_how_much_was_encrypted_and_to_whom_it_failed()
    {
        var store = Store();
        store.TryRecord(Records.Outbound(Records.Tls(PeerIdentity.Pkix)));
        store.TryRecord(Records.Outbound(new TlsOutcome.Plaintext(Records.NotOffered)));
        store.TryRecord(Records.Inbound(Records.Tls()));
        store.TryRecord(Records.Attempt(Records.Tls(PeerIdentity.Pkix), Records.Delivered));
        store.TryRecord(Records.Attempt(new TlsOutcome.Plaintext(Records.NotOffered), Records.Delivered));
        store.TryRecord(Records.Attempt(new TlsOutcome.Refused([Records.NotOffered]), Records.MissedFloor, at: Records.Noon.AddHours(1)));
        store.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered, domain: "other.example"));
        await WriteAsync(store);

        var traffic = _query.Traffic(Records.Noon.AddHours(-1), Records.Noon.AddHours(1), TimeSpan.FromHours(1));
        Assert.Equal(
            ["In Encrypted 1", "Out Plaintext 1", "Out Authenticated 1"], traffic.Select(point => $"{point.Direction} {point.Level} {point.Sessions}"));
        var destinations = _query.Destinations(Records.Noon.AddDays(-1), null, null, 10);
        Assert.Equal(["example.org", "other.example"], destinations.Select(row => row.Domain));
        var (encrypted, authenticated) = (destinations[0].EncryptedShare, destinations[0].AuthenticatedShare);
        Assert.Equal((0.5, 0.5, 2, 1), (encrypted, authenticated, destinations[0].Delivered, destinations[0].Failures));
        Assert.Equal(("starttls-not-supported", TransportLevel.Plaintext), (destinations[0].LastFailureType, destinations[0].LastLevel));
        Assert.Equal(["other.example"], _query.Destinations(Records.Noon, "OTHER", null, 10).Select(row => row.Domain));
        Assert.Equal(["other.example"], _query.Destinations(Records.Noon, null, "example.org", 10).Select(row => row.Domain));
        Assert.Equal(3, _query.DestinationDays("example.org", Records.Noon.AddDays(-1)).Sum(day => day.Attempts));
        Assert.Equal(4, _query.DestinationDays(null, Records.Noon.AddDays(-1)).Sum(day => day.Attempts));
        var failed = _query.Attempts("example.org", null, null, null, null, 1)[0];
        Assert.Equal((TransportLevel.Plaintext, TransportLevel.Refused, 1), (failed.Wanted, failed.Reached, failed.Deferred));
        Assert.Equal(failed, _query.Attempts(null, failed.Message, null, null, null, 1)[0]);
    }

    [Fact]
    public async Task Peers_are_told_by_what_they_did_last()
    {
        var store = Store();
        store.TryRecord(Records.Inbound(Records.Tls(), peer: "203.0.113.1"));
        store.TryRecord(Records.Inbound(new TlsOutcome.Plaintext(Records.NotOffered), peer: "203.0.113.2", at: Records.Noon.AddMinutes(1), hello: "Two.example"));
        store.TryRecord(Records.Inbound(Records.Tls(), peer: "203.0.113.1", at: Records.Noon.AddMinutes(2), end: SessionEnd.InjectedPlaintext));
        await WriteAsync(store);

        var peers = _query.Peers(null, null, 10);

        Assert.Equal(["203.0.113.1 2 1", "203.0.113.2 1 0"], peers.Select(peer => $"{peer.Peer} {peer.Sessions} {peer.Trouble}"));
        Assert.Equal(["203.0.113.2"], _query.Peers("two", null, 10).Select(peer => peer.Peer));
        Assert.Equal(["203.0.113.2"], _query.Peers(null, peers[0], 10).Select(peer => peer.Peer));
    }

    [Fact]
    public async Task What_is_too_old_or_too_much_is_deleted()
    {
        var store = Store(new RecordsOptions { Days = 2, MostSessions = 1000 });
        for (var i = 0; i < 3000; i++)
        {
            store.TryRecord(Records.Inbound(Records.Tls(), at: Records.Noon.AddDays(i < 500 ? -3 : 0)));
        }

        await WriteAsync(store);
        await store.CleanAsync(Cancel);

        Assert.Equal(1000, _query.Sessions(new SessionFilter(), null, 5000).Length);
        Assert.NotEmpty(_query.Traffic(Records.Noon.AddDays(-4), Records.Noon.AddDays(-2), TimeSpan.FromHours(1)));
        using var reader = _database.OpenReader();
        using var free = reader.CreateCommand();
        free.CommandText = "PRAGMA freelist_count";
        Assert.Equal(0L, free.ExecuteScalar());
    }

    [Fact]
    public async Task A_clock_that_is_years_ahead_for_a_moment_costs_nothing()
    {
        var store = Store(new RecordsOptions { Days = 2 });
        store.TryRecord(Records.Inbound(Records.Tls(), at: Records.Noon.AddDays(-5)));
        store.TryRecord(Records.Inbound(Records.Tls(), at: Records.Noon));
        await WriteAsync(store);
        _clock.SetUtcNow(Records.Noon.AddYears(10));
        var ahead = Store(new RecordsOptions { Days = 2 });
        ahead.TryRecord(Records.Inbound(Records.Tls(), at: Records.Noon.AddYears(10)));
        await WriteAsync(ahead);
        await ahead.CleanAsync(Cancel);
        Assert.Equal([2036, 2026], _query.Sessions(new SessionFilter(), null, 10).Select(session => session.Ended.Year));

        // It says so still.
        _clock.Advance(TimeSpan.FromDays(1));
        await ahead.CleanAsync(Cancel);
        Assert.Single(_query.Sessions(new SessionFilter(), null, 10));
    }

    [Fact]
    public async Task A_batch_that_is_rolled_back_with_its_group_is_counted_once()
    {
        var store = Store();
        using var gate = new ManualResetEventSlim();
        _database.TryPost(_ => gate.Wait(Cancel));
        store.TryRecord(Records.Inbound(Records.Tls()));
        store.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered));
        Assert.True(store.Write());
        var failing = _database.WriteAsync(_ => throw new InvalidOperationException("a defect"), Cancel);
        gate.Set();
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await WriteAsync(store);

        Assert.Equal(1, Assert.Single(_query.Traffic(Records.Noon, Records.Noon.AddHours(1), TimeSpan.FromHours(1))).Sessions);
        Assert.Equal(1, Assert.Single(_query.Destinations(Records.Noon.AddDays(-1), null, null, 10)).Delivered);
        Assert.Equal(1, Assert.Single(_query.Peers(null, null, 10)).Sessions);
        Assert.Equal(0, store.Dropped);
    }

    [Fact]
    public async Task What_is_recorded_before_the_end_is_kept_and_the_file_is_closed_whole()
    {
        await using (var database = RecordsDatabase.Open(_directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance))
        {
            var store = new SessionStore(database, new RecordsOptions(), _clock, NullLogger<SessionStore>.Instance);
            store.TryRecord(Records.Inbound(Records.Tls()));
            store.Close();
        }

        Assert.Single(_query.Sessions(new SessionFilter(), null, 10));
    }

    [Fact]
    public async Task With_no_days_nothing_is_recorded()
    {
        var store = Store(new RecordsOptions { Days = 0 });
        Assert.True(store.TryRecord(Records.Inbound(Records.Tls())));
        await WriteAsync(store);
        Assert.Empty(_query.Sessions(new SessionFilter(), null, 10));
    }

    [Fact]
    public async Task A_database_that_is_stuck_holds_nobody_up_and_what_is_lost_is_counted()
    {
        var store = Store();
        using var gate = new ManualResetEventSlim();
        _database.TryPost(_ => gate.Wait(Cancel));
        var taken = 0;
        while (store.Dropped == 0)
        {
            taken += store.TryRecord(Records.Inbound(Records.Tls())) ? 1 : 0;
            Assert.True(taken < 100_000);
        }

        Assert.Equal(250, store.Dropped);
        gate.Set();
        await WriteAsync(store);
        Assert.Equal(taken + 1 - 250, _query.Sessions(new SessionFilter(), null, 100_000).Length);
    }

    [Fact]
    public async Task A_database_that_another_process_locks_is_written_again_when_it_lets_go()
    {
        await using var database = RecordsDatabase.Open(_directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance, TimeSpan.FromSeconds(1));
        var store = new SessionStore(database, new RecordsOptions(), _clock, NullLogger<SessionStore>.Instance);
        using (var other = new SqliteConnection($"Data Source={database.File};Pooling=false"))
        {
            other.Open();
            using var held = other.BeginTransaction(deferred: false);

            // More than may wait, so that places that are not given back would be missed below.
            for (var i = 0; i < 100_000; i++)
            {
                store.TryRecord(Records.Inbound(Records.Tls()));
            }

            await Assert.ThrowsAsync<SqliteException>(() => database.WriteAsync(_ => { }, Cancel));
            Assert.Equal(100_000, store.Dropped);

            // Not a second time: both numbers are added up.
            Assert.Equal(0, database.Lost);

            // Who cleans up periodically must not fail with it: that would end the gateway.
            await store.CleanAsync(Cancel);
        }

        store.TryRecord(Records.Inbound(Records.Tls()));
        Assert.True(store.Write());
        await database.WriteAsync(_ => { }, Cancel);
        Assert.Single(_query.Sessions(new SessionFilter(), null, 10));
        Assert.Equal(100_000, store.Dropped);
    }

    SessionStore Store(RecordsOptions? options = null) => new(_database, options ?? new RecordsOptions(), _clock, NullLogger<SessionStore>.Instance);

    async Task WriteAsync(SessionStore store)
    {
        Assert.True(store.Write());
        await _database.WriteAsync(_ => { }, Cancel);
        Assert.Equal(0, _database.Lost);
    }
}
