using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Tests.Queue;

public sealed class SpooledContentTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(0, 1, false)]
    [InlineData(1, 1, false)]
    [InlineData(100_000, 777, false)]
    [InlineData(Spool.MemoryOctets, 4096, false)]
    [InlineData(Spool.MemoryOctets, Spool.MemoryOctets, false)]
    [InlineData(Spool.MemoryOctets + 1, 4096, true)]
    [InlineData(Spool.MemoryOctets + 1, Spool.MemoryOctets + 1, true)]
    [InlineData(Spool.MemoryOctets * 2, Spool.MemoryOctets, true)]
    [InlineData(1_000_003, 65_521, true)]
    [InlineData(3_000_000, 3_000_000, true)]
    public async Task Content_is_whole_whatever_its_size_and_pieces(int size, int piece, bool inFile)
    {
        var spool = new Spool(_scratch.Data);
        var octets = new byte[size];
        new Random(size).NextBytes(octets);
        await using var content = spool.Begin(QueueId.Next(_scratch.Clock));
        foreach (var chunk in octets.Chunk(piece))
        {
            await content.WriteAsync(chunk, _cancel);
        }

        var (memory, file) = await content.FinishAsync(_cancel);
        Assert.Equal(size, content.Length);
        Assert.Equal(inFile, file is not null);
        if (file is null)
        {
            Assert.Equal(octets, memory.ToArray());
            return;
        }

        await using var stream = spool.Open(file);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read, _cancel);
        Assert.Equal(octets, read.ToArray());
        spool.Delete(file);
        spool.Delete(file);
        Assert.Empty(Directory.GetFiles(_scratch.Data, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_finished_file_is_not_discarded_with_its_writer()
    {
        var spool = new Spool(_scratch.Data);
        string? file;
        await using (var content = spool.Begin(QueueId.Next(_scratch.Clock)))
        {
            await content.WriteAsync(new byte[Spool.MemoryOctets + 1], _cancel);
            (_, file) = await content.FinishAsync(_cancel);
        }

        await using var stream = spool.Open(file!);
        Assert.Equal(Spool.MemoryOctets + 1, stream.Length);
    }
}
