using System.Globalization;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>A disk that fills up under load: senders are told to come back (RFC 5321 §4.5.3.1.10), nothing is half kept, and when there is
/// space again the gateway goes on by itself.</summary>
public sealed class FullDiskTests
{
    const int Clients = 6;
    const int DiskMegabytes = 48;
    const int OccupiedMegabytes = 24;
    const int RefusalsToSee = 60;
    const int PromisesAfterwards = 30;
    const string Domain = "promised.test";
    const string Hostname = "gateway.test";

    static readonly TimeSpan s_longest = TimeSpan.FromMinutes(2);

    // What was given back to the queue while the next hop was busy waits for its next turn.
    static readonly TimeSpan s_delivery = TimeSpan.FromMinutes(4);

    long _sequence;

    /// <param name="freeBytes">What the gateway keeps free; with 0 it runs against the wall.</param>
    [Theory(Timeout = 480_000)]
    [InlineData(0)]
    [InlineData(4 * 1024 * 1024)]
    public async Task Every_promise_outlasts_a_full_disk_and_nothing_else_is_kept(long freeBytes)
    {
        Assert.SkipWhen(SmallDisk.Unavailable is not null, SmallDisk.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var disk = await SmallDisk.MountAsync(DiskMegabytes, cancel);
        Assert.SkipWhen(disk is null, "this machine lets nobody mount a small disk");
        disk.Occupy(OccupiedMegabytes);

        using var directory = new TestDirectory("full");
        using var authority = new TestAuthority(directory);
        var (port, nextPort) = (Ports.Next(), Ports.Next());
        await using var next = new RecordingServer(
            nextPort, authority.Issue("next.test"), NumberedMail.Identify, () => Interlocked.Increment(ref _sequence));
        var configuration = Configuration(Path.Combine(disk.Path, "data"), authority.Issue(Hostname), port, nextPort, freeBytes);
        await using var gateway = new GatewayProcess(directory, configuration, port);
        await gateway.StartAsync(cancel);

        var load = new MailLoad(port, authority.Root, Hostname, $"someone@{Domain}");
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(() => load.RunAsync(stop.Token, cancel), cancel)).ToList();

        // The next hop says nothing yet, so what comes in stays; then there is no space, and then there is.
        await UntilAsync($"{RefusalsToSee} refusals", () => load.Refused.Count >= RefusalsToSee);
        disk.Release();
        var before = load.Promised.Count;
        await UntilAsync("mail that is taken again", () => load.Promised.Count >= before + PromisesAfterwards);
        next.Open();
        await stop.CancelAsync();
        await Task.WhenAll(clients);

        await Eventually.TrueAsync("delivery of everything that was promised", s_delivery, () => !Missing(load, next).Any(), Story, cancel);
        await Eventually.TrueAsync("an empty spool", s_longest, () => Spooled(disk).Count == 0, () => string.Join('\n', Spooled(disk)), cancel);
        Assert.Equal(0, await gateway.StopAsync(cancel));
        Judge(load, next);

        Task UntilAsync(string what, Func<bool> look) => Eventually.TrueAsync(what, s_longest, look, Story, cancel);
        string Story() => string.Create(
            CultureInfo.InvariantCulture,
            $"{load.Promised.Count} promised, {load.Refused.Count} refused, missing: {string.Join(", ", Missing(load, next).Take(50))}\n{gateway.Output}");
    }

    static void Judge(MailLoad load, RecordingServer next)
    {
        Assert.Equal(0, load.Broken);
        Assert.Empty(load.Unanswered);
        Assert.Empty(load.Refused.Values.Except([451, 452]));
        Assert.Contains(452, load.Refused.Values);
        Assert.Empty(next.Damaged);
        Assert.Equal(load.Promised.Keys.Order(), next.Taken.Select(taken => taken.Number).Order());
    }

    static object Configuration(string data, CertificatePaths certificate, int port, int nextPort, long freeBytes)
    {
        int[] retryMinutes = [1];
        return new
        {
            Hostname,
            DataDirectory = data,
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Certificates = new[] { certificate },
            Domains = new Dictionary<string, object> { [Domain] = new { NextHop = $"127.0.0.1:{nextPort}", Tls = "Encrypted" } },
            Limits = new { ConnectionsPerAddress = 1000, FreeBytes = freeBytes },
            Outbound = new { RetryMinutes = retryMinutes },
        };
    }

    /// <summary>Large contents, whole or arriving.</summary>
    static List<string> Spooled(SmallDisk disk) =>
        [.. Directory.EnumerateFiles(Path.Combine(disk.Path, "data", "spool"), "*", SearchOption.AllDirectories)];

    static IEnumerable<int> Missing(MailLoad load, RecordingServer next) =>
        load.Promised.Keys.Except(next.Taken.Select(taken => taken.Number)).Order();
}
