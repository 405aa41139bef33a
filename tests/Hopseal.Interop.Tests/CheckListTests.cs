using System.Diagnostics;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary><c>hopseal check --file</c> over a list, beside a world that counts how it is asked.</summary>
public sealed class CheckListTests
{
    const int Domains = 300;

    /// <summary>Of a quick look at one address.</summary>
    const int MostConnections = 10;

    [Fact(Timeout = 300_000)]
    public async Task A_list_that_is_killed_and_resumed_has_every_domain_once_and_asks_nobody_twice_in_a_run()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("check-list");
        await using var world = await SimulatedWorld.StartAsync(directory, Domains, cancel);
        var output = directory["out.jsonl"];
        string[] arguments = Arguments(directory, world, output);

        await KillMidwayAsync(arguments, output, cancel);
        var killed = await world.TallyAsync(cancel);
        var torn = Tear(output);
        var resumed = await RunAsync([.. arguments, "--resume"], cancel);
        var tally = await world.TallyAsync(cancel);

        Assert.True(resumed.ExitCode is 1 or 3, resumed.ToString());
        var reports = File.ReadAllLines(output).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var targets = reports.Select(report => report.GetProperty("target").GetString()!).ToArray();
        Assert.Contains(torn, targets);
        Assert.Equal(world.Domains.Order(StringComparer.Ordinal), targets.Order(StringComparer.Ordinal));

        // A host that sixty domains share would have been asked sixty times.
        Assert.InRange(tally.MostToAnAddress, 2, MostConnections);
        Assert.InRange(killed.MostToAnAddress, 2, MostConnections);
        Assert.Equal((1, 1), (killed.MostAtOnceToANetwork, tally.MostAtOnceToANetwork));
        Assert.InRange(tally.Connections, 1, tally.Addresses * MostConnections);
        Assert.True(tally.Addresses < AddressesOf(reports), "the whole list was asked again");
    }

    /// <summary>Runs until some are judged, and ends it as nothing else does: SIGKILL.</summary>
    static async Task KillMidwayAsync(string[] arguments, string output, CancellationToken cancel)
    {
        using var process = new Process { StartInfo = Command.StartInfo(Executable.Path, arguments) };
        process.Start();
        try
        {
            await Eventually.TrueAsync(
                "a third of the list", TimeSpan.FromSeconds(120), () => process.HasExited || (File.Exists(output) && File.ReadLines(output).Count() > Domains / 3),
                () => "see the output", cancel);
            Assert.False(process.HasExited, "it was over before it could be killed");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(cancel);
        }
    }

    /// <summary>Cuts the last line where a disk might have; returns the domain that is lost with it.</summary>
    static string Tear(string output)
    {
        var lines = File.ReadAllText(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var whole = lines.Last(line => line.EndsWith('}'));
        var before = lines.TakeWhile(line => line != whole).ToArray();
        File.WriteAllText(output, string.Concat(before.Select(line => line + "\n")) + whole[..(whole.Length / 2)]);
        Assert.InRange(before.Length, Domains / 4, Domains - 10);
        return JsonDocument.Parse(whole).RootElement.GetProperty("target").GetString()!;
    }

    static int AddressesOf(JsonElement[] reports) => reports
        .SelectMany(report => report.GetProperty("facts").GetProperty("hosts").EnumerateArray())
        .SelectMany(host => host.GetProperty("endpoints").EnumerateArray())
        .Where(endpoint => endpoint.GetProperty("dialogue").GetProperty("reach").GetString() != "unreachable")
        .Select(endpoint => endpoint.GetProperty("address").GetString())
        .Distinct().Count();

    static async Task<CommandResult> RunAsync(string[] arguments, CancellationToken cancel)
    {
        using var process = new Process { StartInfo = Command.StartInfo(Executable.Path, arguments) };
        process.Start();
        try
        {
            var said = process.StandardOutput.ReadToEndAsync(cancel);
            var error = await process.StandardError.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            return new CommandResult(process.ExitCode, await said, error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    static string[] Arguments(TestDirectory directory, SimulatedWorld world, string output)
    {
        using var authority = new TestAuthority(directory);
        var own = authority.Issue("audit.test");
        var configuration = JsonSerializer.Serialize(new
        {
            Hostname = "audit.test",
            DataDirectory = directory.MakeDirectory("data"),
            Listeners = new[] { new { Name = "mx", Endpoint = "127.0.0.1:2525", Mode = "StartTls" } },
            Certificates = new[] { new { own.Chain, own.Key } },
            Domains = new Dictionary<string, object> { ["audit.test"] = new { Maildir = directory["maildir"] } },
            Outbound = new { Port = world.MailPort },
            Dns = new { Servers = new[] { $"127.0.0.1:{world.DnsPort}" }, HealthMinutes = 0 },
            Trust = new { Roots = new[] { world.Root } },
        });
        return
        [
            "check", "--file", world.List, "--format", "jsonlines", "--output", output, "--config", directory.Write("hopseal.json", configuration),
            "--parallel", "8", "--patience", "2",
        ];
    }
}
