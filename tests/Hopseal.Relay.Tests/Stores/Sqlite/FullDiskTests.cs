using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Queue;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

/// <summary>A disk without space, played by SQLite's own limit on the pages of a database.</summary>
public sealed class FullDiskTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task What_does_not_fit_is_refused_and_the_queue_works_again_when_space_returns()
    {
        await using var store = _scratch.Open();
        await store.AddAsync(_scratch.Message("kept", "a@one.example"), _cancel);
        await store.LimitPagesAsync(20);
        var large = _scratch.Message(new string('x', 200_000), "b@two.example");

        var failure = await Assert.ThrowsAsync<QueueStoreException>(async () => await store.AddAsync(large, _cancel));
        Assert.True(failure.IsFull);
        Assert.False(failure.MayBeKept);
        Assert.Equal(1, await store.CountAsync(_cancel));
        await using (var after = _scratch.OpenWhatACrashLeaves())
        {
            Assert.Equal("one.example", (await Scratch.LeaseAsync(after, Scratch.Start)).Single().Domain);
        }

        await store.LimitPagesAsync(PageLimit.None);
        await store.AddAsync(large, _cancel);
        Assert.Equal(2, await store.CountAsync(_cancel));
        Assert.Equal(200_000, (await Scratch.ReadAsync(store, large.Id)).Length);
    }

    [Fact]
    public async Task What_fits_is_kept_though_its_neighbour_does_not()
    {
        await using var store = _scratch.Open();
        await store.LimitPagesAsync(24);
        var adds = Enumerable.Range(0, 8).Select(async i =>
        {
            var text = i % 2 == 0 ? "small" : new string('x', 250_000);
            try
            {
                await store.AddAsync(_scratch.Message(text, $"user@d{i}.example"), _cancel);
                return true;
            }
            catch (QueueStoreException e) when (e.IsFull)
            {
                return false;
            }
        });

        var kept = await Task.WhenAll(adds);
        Assert.Equal([true, false, true, false, true, false, true, false], kept);
        Assert.Equal(4, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task The_file_of_a_large_content_that_was_refused_is_not_left()
    {
        await using var store = _scratch.Open();
        await store.LimitPagesAsync(1);
        var id = QueueId.Next(_scratch.Clock);
        await using var content = store.Spool.Begin(id);
        await content.WriteAsync(new byte[Spool.MemoryOctets + 1], _cancel);
        var (_, file) = await content.FinishAsync(_cancel);
        Assert.NotNull(file);

        // 2 KiB of recipients: more than the pages in use have room for.
        var recipients = Enumerable.Range(0, 500).Select(i => $"user{i}@d{i}.example").ToArray();
        var message = new StoredMessage(
            id, Scratch.Start, Scratch.Envelope(recipients), content.Length, ReadOnlyMemory<byte>.Empty, file);
        Assert.True((await Assert.ThrowsAsync<QueueStoreException>(async () => await store.AddAsync(message, _cancel))).IsFull);
        Assert.False(File.Exists(Path.Combine(_scratch.Data, "spool", file)));
    }
}
