using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>The evidence of the real program, when it is killed and when its disk is full: the ledger is whole, and what is not in it is said in
/// it.</summary>
public sealed class EvidenceTests
{
    const int Clients = 4;
    const int Kills = 3;
    const string Domain = "promised.test";
    const string Hostname = "gateway.test";

    static readonly TimeSpan s_longest = TimeSpan.FromMinutes(2);

    long _sequence;

    [Fact(Timeout = 240_000)]
    public async Task Killed_under_mail_it_leaves_a_whole_ledger_that_names_its_gaps()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("evidence");
        using var authority = new TestAuthority(directory);
        var (port, nextPort) = (Ports.Next(), Ports.Next());
        await using var next = Next(authority, nextPort);
        await using var gateway = new GatewayProcess(directory, Configuration(directory["data"], authority.Issue(Hostname), port, nextPort), port);
        await gateway.StartAsync(cancel);
        for (var kill = 0; kill < Kills; kill++)
        {
            await SendAsync(new MailLoad(port, authority.Root, Hostname, $"someone@{Domain}"), 30, gateway, gateway.KillAsync, cancel);
            await gateway.StartAsync(cancel);
        }

        var load = new MailLoad(port, authority.Root, Hostname, $"someone@{Domain}");
        await SendAsync(load, 30, gateway, null, cancel);
        var ledger = Path.Combine(directory["data"], "evidence");
        await UntilAsync(
            "the evidence of each delivery",
            () => Taken(LastLife(ledger)) is var taken && taken.Count == load.Promised.Count && taken.IsSubsetOf(Sent(LastLife(ledger))),
            gateway,
            cancel);
        Assert.Equal(0, await gateway.StopAsync(cancel));

        await VerifyAsync(ledger, cancel);
        var entries = Entries(ledger);
        Assert.Equal(Kills, entries.Count(entry => Kind(entry) == "gap" && entry.GetProperty("count").ValueKind == JsonValueKind.Null));
        Assert.Equal(Kills + 1, entries.Count(entry => Kind(entry) == "start"));

        // Of a life that ended in order nothing is missing: each message that came in, and, for what was still in the queue, each that went out.
        Assert.Empty(load.Unanswered);
        Assert.Equal(load.Promised.Count, Taken(LastLife(ledger)).Count);
        Assert.Empty(Taken(LastLife(ledger)).Except(Sent(LastLife(ledger))));
    }

    [Fact(Timeout = 240_000)]
    public async Task On_a_full_disk_mail_goes_on_and_the_gap_says_how_much_is_missing()
    {
        Assert.SkipWhen(SmallDisk.Unavailable is not null, SmallDisk.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var disk = await SmallDisk.MountAsync(2, cancel);
        Assert.SkipWhen(disk is null, "this machine lets nobody mount a small disk");
        using var directory = new TestDirectory("evidence-full");
        using var authority = new TestAuthority(directory);
        var (port, nextPort) = (Ports.Next(), Ports.Next());
        await using var next = Next(authority, nextPort);

        // Only the ledger is on that disk.
        directory.MakeDirectory("data");
        Directory.CreateSymbolicLink(Path.Combine(directory["data"], "evidence"), disk.Path);
        await using var gateway = new GatewayProcess(directory, Configuration(directory["data"], authority.Issue(Hostname), port, nextPort), port);
        await gateway.StartAsync(cancel);
        await gateway.LoggedAsync(3101, "head", cancel);

        // More than there is room for: it is full to the last octet.
        Assert.Throws<IOException>(() => disk.Occupy(3));
        var load = new MailLoad(port, authority.Root, Hostname, $"someone@{Domain}");
        await SendAsync(load, 20, gateway, null, cancel);
        await gateway.LoggedAsync(3102, "evidence", cancel);
        await UntilAsync("delivery", () => next.Taken.Count >= load.Promised.Count, gateway, cancel);
        disk.Release();
        await gateway.LoggedAsync(3103, "evidence", cancel);
        Assert.Equal(0, await gateway.StopAsync(cancel));

        await VerifyAsync(disk.Path, cancel);
        var entries = Entries(disk.Path);
        var missing = entries.Where(entry => Kind(entry) == "gap").Sum(entry => entry.GetProperty("count").GetInt64());
        var told = entries.Count(entry => Kind(entry) == "in") + Sent(entries).Count;
        Assert.InRange(missing, 1, long.MaxValue);
        Assert.Equal(2 * load.Promised.Count, missing + told);
    }

    RecordingServer Next(TestAuthority authority, int port)
    {
        var next = new RecordingServer(port, authority.Issue("next.test"), NumberedMail.Identify, () => Interlocked.Increment(ref _sequence));
        next.Open();
        return next;
    }

    /// <summary>Sends until so many are promised, then does <paramref name="end"/> under the load, and stops.</summary>
    static async Task SendAsync(MailLoad load, int promises, GatewayProcess gateway, Func<CancellationToken, Task>? end, CancellationToken cancel)
    {
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(() => load.RunAsync(stop.Token, cancel), cancel)).ToList();
        await UntilAsync($"{promises} promises", () => load.Promised.Count >= promises, gateway, cancel);
        if (end is not null)
        {
            await end(cancel);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }

    static Task UntilAsync(string what, Func<bool> look, GatewayProcess gateway, CancellationToken cancel) =>
        Eventually.TrueAsync(what, s_longest, look, () => gateway.Output, cancel);

    static async Task VerifyAsync(string ledger, CancellationToken cancel)
    {
        var verified = await Command.RunAsync(Executable.Path, ["evidence", "verify", ledger], cancel);
        Assert.True(verified.ExitCode == 0, verified.ToString());
    }

    static List<JsonElement> Entries(string ledger) =>
    [
        .. Directory.GetFiles(ledger, "*.jsonl").Order(StringComparer.Ordinal).SelectMany(ReadLines).Select(line =>
        {
            using var entry = JsonDocument.Parse(line);
            return entry.RootElement.Clone();
        }),
    ];

    /// <summary>Beside the gateway that writes it: the last line may not be whole yet.</summary>
    static IEnumerable<string> ReadLines(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    static List<JsonElement> LastLife(string ledger)
    {
        var entries = Entries(ledger);
        return entries[entries.FindLastIndex(entry => Kind(entry) == "start")..];
    }

    static HashSet<string> Taken(IEnumerable<JsonElement> entries) => [.. entries.Where(entry => Kind(entry) == "in").Select(Message)];

    static HashSet<string> Sent(IEnumerable<JsonElement> entries) =>
        [.. entries.Where(entry => Kind(entry) == "out" && entry.GetProperty("outcome").GetString() == "delivered").Select(Message)];

    static string Kind(JsonElement entry) => entry.GetProperty("kind").GetString()!;

    static string Message(JsonElement entry) => entry.GetProperty("message").GetString()!;

    static object Configuration(string data, CertificatePaths certificate, int port, int nextPort)
    {
        int[] retryMinutes = [1];
        return new
        {
            Hostname,
            DataDirectory = data,
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Certificates = new[] { certificate },
            Domains = new Dictionary<string, object> { [Domain] = new { NextHop = $"127.0.0.1:{nextPort}", Tls = "Encrypted" } },
            Outbound = new { RetryMinutes = retryMinutes },
        };
    }
}
