namespace Hopseal.Audit.Tests.Probes;

/// <summary>OpenSSL 3.5, which has the groups of tomorrow.</summary>
public sealed class TlsProbePostQuantumTests : IDisposable
{
    readonly Keys _keys = new();

    [Theory]
    [InlineData("", true, "X25519MLKEM768")]
    [InlineData("X25519:P-256", false, "")]
    [InlineData("P-256:SecP256r1MLKEM768:SecP384r1MLKEM1024:MLKEM768", null, "MLKEM768 SecP256r1MLKEM768 SecP384r1MLKEM1024")]
    public async Task Hybrids_are_found_and_whether_they_are_preferred(string groups, bool? preferred, string expected)
    {
        var cancel = TestContext.Current.CancellationToken;
        Assert.SkipWhen(PostQuantumServer.Missing is not null, PostQuantumServer.Missing ?? "");
        using var server = await PostQuantumServer.StartAsync(_keys.Rsa, groups, cancel);

        var quick = (await Probing.QuickAsync(server.Port)).Facts;
        var deep = (await Probing.DeepAsync(server.Port)).Facts;

        Assert.Equal(expected, string.Join(' ', deep.Groups.Where(IsPostQuantum).Order(StringComparer.Ordinal)));
        Assert.Equal(expected.Length > 0, quick.Groups.Any(IsPostQuantum));
        Assert.True(quick.GroupsKnown && deep.GroupsKnown && deep.AllGroups, string.Join('\n', deep.Problems));
        Assert.Equal(quick.PostQuantumPreferred, deep.PostQuantumPreferred);
        if (preferred is not null)
        {
            Assert.Equal(preferred, deep.PostQuantumPreferred);
        }
    }

    public void Dispose() => _keys.Dispose();

    static bool IsPostQuantum(string group) => group.Contains("MLKEM", StringComparison.Ordinal) || group.Contains("Kyber", StringComparison.Ordinal);
}
