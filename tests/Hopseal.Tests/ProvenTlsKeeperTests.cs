using Hopseal.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests;

public sealed class ProvenTlsKeeperTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void What_was_saved_is_loaded()
    {
        ProvenTlsHost[] hosts =
        [
            new("mx.example.org", 25, DateTimeOffset.FromUnixTimeSeconds(1_790_000_000)),
            new("2001:db8::1", 465, DateTimeOffset.FromUnixTimeSeconds(1_790_000_001), DateTimeOffset.FromUnixTimeSeconds(1_780_000_000)),
        ];
        var file = new ProvenTlsFile(_workspace.PathOf("proven-tls"));
        Assert.Empty(file.Load());
        file.Save([.. hosts, .. hosts]);
        file.Save(hosts);
        Assert.Equal(hosts, file.Load());
        Assert.Equal([_workspace.PathOf("proven-tls")], Directory.GetFiles(_workspace.Directory));
    }

    [Fact]
    public void What_could_not_be_saved_is_saved_when_the_file_can_be_written_again()
    {
        var memory = new ProvenTlsMemory(TimeProvider.System);
        var path = _workspace.PathOf("later/proven-tls");
        var keeper = new ProvenTlsKeeper(memory, new ProvenTlsFile(path), NullLogger<ProvenTlsKeeper>.Instance);
        memory.Prove("mx.example.org", 25, TimeProvider.System.GetUtcNow());
        keeper.Save();
        Assert.False(File.Exists(path));

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        keeper.Save();
        Assert.Equal("mx.example.org", Assert.Single(new ProvenTlsFile(path).Load()).Host);
    }

    [Fact]
    public void A_host_that_is_let_go_is_not_known_after_a_restart()
    {
        var memory = new ProvenTlsMemory(TimeProvider.System);
        var path = _workspace.PathOf("proven-tls");
        var keeper = new ProvenTlsKeeper(memory, new ProvenTlsFile(path), NullLogger<ProvenTlsKeeper>.Instance);
        memory.Prove("a.example", 25, TimeProvider.System.GetUtcNow());
        memory.Prove("b.example", 25, TimeProvider.System.GetUtcNow());
        keeper.Save();

        Assert.True(keeper.Forget("a.example", 25));
        Assert.False(keeper.Forget("a.example", 25));
        Assert.Equal("b.example", Assert.Single(new ProvenTlsFile(path).Load()).Host);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("host 25")]
    [InlineData("host x 1")]
    [InlineData("host 25 1 x")]
    [InlineData("host 25 1 1 1")]
    [InlineData("host 25 99999999999999999999")]
    [InlineData("host 25 999999999999999")]
    [InlineData(" 25 1")]
    public void A_damaged_line_costs_one_host(string damaged)
    {
        var path = _workspace.Write("proven-tls", $"a.example 25 1\n{damaged}\nb.example 25 2\n");
        Assert.Equal(["a.example", "b.example"], new ProvenTlsFile(path).Load().Select(host => host.Host));
    }
}
