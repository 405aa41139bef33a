using System.Text.RegularExpressions;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>What the documents tell an operator to write, <c>hopseal config check</c> accepts.</summary>
public sealed partial class DocumentedConfigurationTests
{
    const string PlaceForHash = "<output of hopseal config hash-password>";

    [Fact(Timeout = 60_000)]
    public async Task The_configurations_in_the_README_are_complete()
    {
        var cancel = TestContext.Current.CancellationToken;
        var blocks = JsonBlock().Matches(await File.ReadAllTextAsync(Path.Combine(Executable.Root, "README.md"), cancel));

        Assert.Equal(2, blocks.Count);
        foreach (Match block in blocks)
        {
            await CheckAsync(block.Groups["json"].Value, cancel);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task The_packaged_example_is_complete() =>
        await CheckAsync(
            await File.ReadAllTextAsync(Path.Combine(Executable.Root, "packaging", "hopseal.json"), TestContext.Current.CancellationToken),
            TestContext.Current.CancellationToken);

    static async Task CheckAsync(string configuration, CancellationToken cancel)
    {
        using var directory = new TestDirectory("documented");
        using var authority = new TestAuthority(directory);
        var hostname = Hostname().Match(configuration).Groups["name"].Value;
        var certificate = authority.Issue(hostname);
        File.Copy(certificate.Chain, directory["fullchain.pem"]);
        File.Copy(certificate.Key, directory["privkey.pem"]);
        File.Copy(authority.RootPath, directory["internal-ca.pem"]);
        var hash = (await Command.RunAsync(Executable.Path, ["config", "hash-password"], cancel, "secret\n")).Succeeded("hash-password").Output.Trim();
        var file = directory.Write("hopseal.json", configuration.Replace(PlaceForHash, hash, StringComparison.Ordinal));

        var result = await Command.RunAsync(
            "env", ["HOPSEAL__Dns__HealthMinutes=0", Executable.Path, "config", "check", "--config", file], cancel);

        Assert.True(result.ExitCode == 0, $"{configuration}\n{result}");
    }

    [GeneratedRegex("^```json\n(?<json>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex JsonBlock();

    [GeneratedRegex("\"Hostname\": \"(?<name>[^\"]+)\"")]
    private static partial Regex Hostname();
}
