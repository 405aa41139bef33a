using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>250 is a promise (RFC 5321 §6.1): whatever was promised before SIGKILL is delivered after it, whole, and twice only where
/// the next hop's reply may have been lost.</summary>
public sealed class CrashTests
{
    const int Clients = 8;
    const int Kills = 20;
    const int MostPromisesBetweenKills = 50;
    const int NextHopConnections = 8;
    const string Domain = "promised.test";
    const string Hostname = "gateway.test";

    // What was being delivered at the moment of a kill waits for its next turn, at most a minute later.
    static readonly TimeSpan s_delivery = TimeSpan.FromMinutes(4);

    static readonly TimeSpan s_promises = TimeSpan.FromMinutes(1);

    long _sequence;

    [Fact(Timeout = 420_000)]
    public async Task Every_promise_is_kept_through_twenty_kills_and_doubled_only_in_flight()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("crash");
        using var authority = new TestAuthority(directory);
        var (port, nextPort) = (Ports.Next(), Ports.Next());
        await using var next = new RecordingServer(nextPort, authority.Issue("next.test"), NumberedMail.Identify, Tick);
        next.Open();
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority.Issue(Hostname), port, nextPort), port);
        await gateway.StartAsync(cancel);

        var load = new MailLoad(port, authority.Root, Hostname, $"someone@{Domain}");
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(() => load.RunAsync(stop.Token, cancel), cancel)).ToList();
        var kills = new List<long>();
        for (var kill = 0; kill < Kills; kill++)
        {
            await PromisesAsync(load, load.Promised.Count + Random.Shared.Next(1, MostPromisesBetweenKills), gateway, cancel);
            await gateway.KillAsync(cancel);
            kills.Add(Tick());
            await gateway.StartAsync(cancel);
        }

        await PromisesAsync(load, load.Promised.Count + 1, gateway, cancel);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        await Eventually.TrueAsync(
            "delivery of everything that was promised",
            s_delivery,
            () => !Missing(load, next).Any(),
            () => $"missing of {load.Promised.Count}: {string.Join(", ", Missing(load, next))}\n{gateway.Output}",
            cancel);
        Assert.Equal(0, await gateway.StopAsync(cancel));
        Judge(load, next, kills);
    }

    long Tick() => Interlocked.Increment(ref _sequence);

    static void Judge(MailLoad load, RecordingServer next, List<long> kills)
    {
        Assert.Empty(next.Damaged);
        Assert.Empty(load.Refused);
        var arrivals = next.Taken.GroupBy(taken => taken.Number).ToDictionary(group => group.Key, group => group.OrderBy(taken => taken.At).ToList());
        Assert.Empty(arrivals.Keys.Except(load.Promised.Keys).Except(load.Unanswered.Keys));

        // Each copy too many follows one that was under way when the gateway was killed: between the two lies a kill, and at one kill
        // no more are under way than it has connections.
        var lost = (
            from copies in arrivals.Values
            from pair in copies.Zip(copies.Skip(1))
            select (pair.First, Kill: kills.FindIndex(kill => kill > pair.First.At), Again: kills.FindIndex(kill => kill > pair.Second.At))).ToList();
        TestContext.Current.SendDiagnosticMessage(
            $"{load.Promised.Count} promised, {load.Unanswered.Count} unanswered, {load.Broken} connections broken, {lost.Count} doubled by {kills.Count} kills");
        Assert.All(lost, pair => Assert.True(pair.Kill >= 0 && pair.Kill != pair.Again, $"message {pair.First.Number} came twice without a kill between"));
        Assert.All(lost.GroupBy(pair => pair.Kill), kill => Assert.InRange(kill.Count(), 0, NextHopConnections));
    }

    static object Configuration(TestDirectory directory, CertificatePaths certificate, int port, int nextPort)
    {
        int[] retryMinutes = [1];
        return new
        {
            Hostname,
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Certificates = new[] { certificate },
            Domains = new Dictionary<string, object> { [Domain] = new { NextHop = $"127.0.0.1:{nextPort}", Tls = "Encrypted" } },
            Limits = new { ConnectionsPerAddress = 1000 },
            Outbound = new { RetryMinutes = retryMinutes, ConnectionsPerDestination = NextHopConnections },
        };
    }

    static Task PromisesAsync(MailLoad load, int count, GatewayProcess gateway, CancellationToken cancel) => Eventually.TrueAsync(
        $"{count} promises", s_promises, () => load.Promised.Count >= count, () => $"{load.Promised.Count} promises\n{gateway.Output}", cancel);

    static IEnumerable<int> Missing(MailLoad load, RecordingServer next) =>
        load.Promised.Keys.Except(next.Taken.Select(taken => taken.Number)).Order();
}
