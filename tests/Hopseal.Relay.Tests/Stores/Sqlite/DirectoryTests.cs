using System.Diagnostics;
using System.Globalization;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class DirectoryTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_second_gateway_on_the_same_directory_is_refused_and_told_who_has_it()
    {
        await using var store = _scratch.Open();
        var refused = Assert.Throws<QueueStoreException>(_scratch.Open);
        Assert.Contains("in use by another gateway", refused.Message, StringComparison.Ordinal);
        Assert.Contains(
            Environment.ProcessId.ToString(CultureInfo.InvariantCulture), refused.Message, StringComparison.Ordinal);
        await store.AddAsync(_scratch.Message("x", "a@one.example"), _cancel);
    }

    [Fact]
    public async Task Another_process_sees_the_lock()
    {
        const string Flock = "/usr/bin/flock";
        Assert.SkipUnless(File.Exists(Flock), "needs flock(1)");
        await using (_scratch.Open())
        {
            Assert.Equal(1, await TryLockElsewhereAsync(Flock));
        }

        Assert.Equal(0, await TryLockElsewhereAsync(Flock));
    }

    [Fact]
    public async Task Who_had_the_lock_may_be_left_behind()
    {
        var holder = Path.Combine(_scratch.Data, "hopseal.pid");
        await using (_scratch.Open())
        {
            // Not to be deleted, as in a directory that is read-only; that would not hold root.
            File.Delete(holder);
            Directory.CreateDirectory(holder);
        }

        Directory.Delete(holder);
        await using var again = _scratch.Open();
    }

    [Fact]
    public async Task Other_programs_may_read_along()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("x", "a@one.example"), _cancel);
        using var reader = new SqliteConnection($"Data Source={Path.Combine(_scratch.Data, "queue.db")};Mode=ReadOnly;Pooling=False");
        await reader.OpenAsync(_cancel);
        using var command = reader.CreateCommand();
        command.CommandText = "SELECT address FROM recipients";
        Assert.Equal("a@one.example", await command.ExecuteScalarAsync(_cancel));
    }

    [Fact]
    public void A_database_from_a_newer_version_is_left_alone()
    {
        Directory.CreateDirectory(_scratch.Data);
        using (var newer = new SqliteConnection($"Data Source={Path.Combine(_scratch.Data, "queue.db")};Pooling=False"))
        {
            newer.Open();
            using var command = newer.CreateCommand();
            command.CommandText = "PRAGMA user_version = 9999";
            command.ExecuteNonQuery();
        }

        Assert.Contains("9999", Assert.Throws<QueueStoreException>(_scratch.Open).Message, StringComparison.Ordinal);
        Assert.Contains("9999", Assert.Throws<QueueStoreException>(_scratch.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_database_is_an_error_and_not_a_new_queue()
    {
        Directory.CreateDirectory(_scratch.Data);
        var file = Path.Combine(_scratch.Data, "queue.db");
        File.WriteAllText(file, new string('?', 9000));
        Assert.Throws<QueueStoreException>(_scratch.Open);
        Assert.Equal(9000, new FileInfo(file).Length);
    }

    [Fact]
    public void A_directory_that_cannot_be_is_an_error()
    {
        File.WriteAllText(_scratch.Data, "");
        Assert.Throws<QueueStoreException>(_scratch.Open);
    }

    [Fact]
    public async Task Large_content_lives_in_a_file_as_long_as_its_message()
    {
        await using var store = _scratch.Open();
        var id = QueueId.Next(_scratch.Clock);
        var file = await AddLargeAsync(store, id, "a@one.example", "b@two.example");
        var path = Path.Combine(_scratch.Data, "spool", file);
        Assert.True(File.Exists(path));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        await using (var after = _scratch.OpenWhatACrashLeaves())
        {
            await after.Sweep;
            Assert.Equal(new string('x', 300_000), await Scratch.ReadAsync(after, id));
        }

        var leases = await Scratch.LeaseAsync(store, Scratch.Start);
        await store.SettleAsync(leases[0], Scratch.Settlement(Scratch.Delivered), [], _cancel);
        Assert.True(File.Exists(path));
        await using var open = await store.OpenContentAsync(id, _cancel);
        await store.SettleAsync(leases[1], Scratch.Settlement(Scratch.Delivered), [], _cancel);
        Assert.False(File.Exists(path));

        // Whoever reads it still can.
        using var reader = new StreamReader(open);
        Assert.Equal(300_000, (await reader.ReadToEndAsync(_cancel)).Length);
    }

    [Fact]
    public async Task Files_that_no_message_needs_are_removed_at_the_next_start()
    {
        string kept;
        await using (var store = _scratch.Open())
        {
            kept = await AddLargeAsync(store, QueueId.Next(_scratch.Clock), "a@one.example");
        }

        var spool = Path.Combine(_scratch.Data, "spool");
        Directory.CreateDirectory(Path.Combine(spool, "zz"));
        string[] orphans = [Path.Combine(spool, "tmp", "arriving"), Path.Combine(spool, "zz", "0123456789abcdefghjkmnpqzz")];
        string[] old = [.. orphans, Path.Combine(spool, kept)];
        foreach (var orphan in orphans)
        {
            await File.WriteAllTextAsync(orphan, "x", _cancel);
        }

        foreach (var file in old)
        {
            File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        }

        await using var again = _scratch.Open();
        await again.Sweep;
        Assert.All(orphans, orphan => Assert.False(File.Exists(orphan)));
        Assert.True(File.Exists(Path.Combine(spool, kept)));
    }

    [Fact]
    public async Task A_content_file_that_vanished_is_an_error_of_its_message_only()
    {
        await using var store = _scratch.Open();
        var id = QueueId.Next(_scratch.Clock);
        File.Delete(Path.Combine(_scratch.Data, "spool", await AddLargeAsync(store, id, "a@one.example")));
        await Assert.ThrowsAsync<QueueStoreException>(async () => await store.OpenContentAsync(id, _cancel));
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Bounced), [], _cancel);
        Assert.Equal(0, await store.CountAsync(_cancel));
    }

    async Task<string> AddLargeAsync(SqliteQueueStore store, QueueId id, params string[] recipients)
    {
        await using var content = store.Spool.Begin(id);
        await content.WriteAsync(Enumerable.Repeat((byte)'x', 300_000).ToArray(), _cancel);
        var (memory, file) = await content.FinishAsync(_cancel);
        Assert.True(memory.IsEmpty);
        await store.AddAsync(
            new StoredMessage(id, Scratch.Start, Scratch.Envelope(recipients), content.Length, memory, file), _cancel);
        return file!;
    }

    async Task<int> TryLockElsewhereAsync(string flock)
    {
        using var process = Process.Start(flock, ["-n", Path.Combine(_scratch.Data, "hopseal.lock"), "true"]);
        await process.WaitForExitAsync(_cancel);
        return process.ExitCode;
    }
}
