using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>250 is a promise (RFC 5321 §6.1): whatever was promised before SIGKILL is delivered after it, whole.</summary>
public sealed class CrashTests
{
    const int Connections = 8;
    const int Kills = 3;
    const int PromisesBetweenKills = 40;
    const string Domain = "promised.test";

    // A message that was being delivered at the moment of a kill waits for its next turn, a minute later.
    static readonly TimeSpan s_delivery = TimeSpan.FromMinutes(4);
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    readonly ConcurrentDictionary<int, bool> _promised = [];
    int _next;

    [Fact(Timeout = 420_000)]
    public async Task Every_promise_made_before_SIGKILL_is_kept_after_it()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("crash");
        await using var destination = await PostfixInstance.StartAsync(new PostfixOptions("pf-crash", "mx.promised.test") { Domains = [Domain] }, cancel);
        var port = Ports.Next();
        await using var gateway = new GatewayProcess(directory, Configuration(directory, port, destination.Port), port);
        await gateway.StartAsync(cancel);

        using var load = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var clients = Enumerable.Range(0, Connections).Select(_ => SendUntilStoppedAsync(port, load.Token)).ToList();
        for (var kill = 1; kill <= Kills; kill++)
        {
            await PromisesAsync(kill * PromisesBetweenKills, gateway, cancel);
            await gateway.KillAsync(cancel);
            await gateway.StartAsync(cancel);
        }

        await PromisesAsync((Kills + 1) * PromisesBetweenKills, gateway, cancel);
        await load.CancelAsync();
        await Task.WhenAll(clients);

        await Eventually.TrueAsync(
            "delivery of everything that was promised",
            s_delivery,
            () => !Missing(destination).Any(),
            () => $"missing: {string.Join(", ", Missing(destination))}\n{gateway.Output}\n{destination.Log}",
            cancel);
        Assert.All(destination.Mailbox.Messages, arrival => SameContent.Verify(Content(Number(arrival)), arrival.Content.Span));
    }

    static object Configuration(TestDirectory directory, int port, int destinationPort)
    {
        int[] retryMinutes = [1];
        return new
        {
            Hostname = "gateway.test",
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Domains = new Dictionary<string, object> { [Domain] = new { NextHop = $"127.0.0.1:{destinationPort}" } },
            Limits = new { ConnectionsPerAddress = 1000 },
            Outbound = new { RetryMinutes = retryMinutes },
        };
    }

    Task PromisesAsync(int count, GatewayProcess gateway, CancellationToken cancel) => Eventually.TrueAsync(
        $"{count} promises", TimeSpan.FromMinutes(1), () => _promised.Count >= count, () => $"{_promised.Count} promises\n{gateway.Output}", cancel);

    /// <summary>Message after message, over one connection while it lasts.</summary>
    async Task SendUntilStoppedAsync(int port, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var client = await RawSmtp.OpenAsync(port, stop);
                while (true)
                {
                    var number = Interlocked.Increment(ref _next);
                    var reply = await client.SendMessageAsync("a@origin.test", [$"someone@{Domain}"], Content(number), stop);
                    if (reply.Code == 250)
                    {
                        _promised[number] = true;
                    }
                }
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Killed in the middle: nothing was promised for this one.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(s_pause, TimeProvider.System, CancellationToken.None);
        }
    }

    IEnumerable<int> Missing(PostfixInstance destination) =>
        _promised.Keys.Except(destination.Mailbox.Messages.Select(Number)).Order();

    /// <summary>Most are small; every seventh is larger than what a store keeps inline.</summary>
    static byte[] Content(int number)
    {
        var lines = number % 7 == 0 ? 8000 : 1 + (number % 50);
        var text = new StringBuilder($"Subject: number {number}\r\nFrom: a@origin.test\r\n\r\n");
        for (var line = 0; line < lines; line++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"line {line} of message {number}: {new string('x', 40)}\r\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    static int Number(Arrival arrival)
    {
        var prefix = "Subject: number "u8;
        var rest = arrival.Content.Span[prefix.Length..];
        Assert.True(arrival.Content.Span.StartsWith(prefix), "a message that nobody sent");
        return int.Parse(rest[..rest.IndexOf((byte)'\n')], System.Globalization.CultureInfo.InvariantCulture);
    }
}
