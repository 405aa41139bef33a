using System.Net.Sockets;
using System.Text;
using Hopseal.Interop.Tests.Fixtures;
using Microsoft.Playwright;

namespace Hopseal.Interop.Tests;

/// <summary>Whoever looks at the dashboard and reads no more costs no session anything.</summary>
public sealed class StalledBrowserTests(WatchedGateway gateway) : IClassFixture<WatchedGateway>
{
    const int Senders = 8;
    const int SessionsOfEach = 50;
    const int Sessions = Senders * SessionsOfEach;

    [Fact(Timeout = 180_000)]
    public async Task Browsers_that_read_no_more_hold_no_session_up_and_show_every_session_when_they_read_again()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var path = new StallingPath(gateway.Site);
        await using var stalled = await gateway.Browser.OpenAsync(path.Site);
        await stalled.GoAsync("", cancel);
        await Assertions.Expect(Taken(stalled)).ToContainTextAsync("of 0 messages taken");
        path.Stall();
        using var deaf = new DeafClients(gateway.Site);
        await deaf.AskAsync(cancel);

        // Each of them is answered to its end, one after another for each sender; and each is told to every reader.
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => SendAsync(cancel)));
        await Eventually.TrueAsync("a log line for each session", TimeSpan.FromSeconds(60), () => Ended() == Sessions, () => gateway.Output, cancel);
        Assert.DoesNotContain("was too slow and missed", gateway.Output, StringComparison.Ordinal);

        // Who reads sees all of it, while the others still do not.
        var patience = new LocatorAssertionsToContainTextOptions { Timeout = 30_000 };
        await using var reading = await gateway.Browser.OpenAsync(gateway.Site);
        await reading.GoAsync("", cancel);
        await Assertions.Expect(Taken(reading)).ToContainTextAsync($"of {Sessions} messages taken", patience);
        await Assertions.Expect(Taken(stalled)).Not.ToContainTextAsync($"of {Sessions} messages taken");

        path.Release();
        await Assertions.Expect(Taken(stalled)).ToContainTextAsync($"of {Sessions} messages taken", patience);
        Assert.True(stalled.Faults.Count == 0, string.Join("\n", stalled.Faults));
    }

    static ILocator Taken(Window window) => window.Page.GetByTestId("encrypted-in");

    int Ended() => gateway.Output.Split('\n').Count(line => line.Contains("\"EventId\":1001,", StringComparison.Ordinal) && line.Contains("\"Accepted\":1,", StringComparison.Ordinal));

    async Task SendAsync(CancellationToken cancel)
    {
        var content = Encoding.ASCII.GetBytes("Subject: watched\r\n\r\nNothing to see.\r\n");
        for (var i = 0; i < SessionsOfEach; i++)
        {
            await using var client = await RawSmtp.OpenAsync(gateway.SmtpPort, cancel);
            Assert.Equal(250, (await client.SendMessageAsync("alice@sender.test", [$"bob@{WatchedGateway.Kept}"], content, cancel)).Code);
            await client.CommandAsync("QUIT", 221, cancel);
        }
    }

    /// <summary>Clients that ask again and again, and never read an answer: for pages, and for WebSockets.</summary>
    sealed class DeafClients(Uri site) : IDisposable
    {
        const int Each = 8;
        const int Requests = 300;

        readonly List<TcpClient> _clients = [];

        public async Task AskAsync(CancellationToken cancel)
        {
            var get = $"GET / HTTP/1.1\r\nHost: {site.Authority}\r\n\r\n";
            var upgrade = $"GET /_blazor HTTP/1.1\r\nHost: {site.Authority}\r\nOrigin: http://{site.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            for (var i = 0; i < Each; i++)
            {
                await SendAsync(string.Concat(Enumerable.Repeat(get, Requests)), cancel);
                await SendAsync(upgrade, cancel);
            }
        }

        public void Dispose() => _clients.ForEach(client => client.Dispose());

        async Task SendAsync(string requests, CancellationToken cancel)
        {
            // So that little fits in between, and the server has to wait for whoever does not read.
            var client = new TcpClient { ReceiveBufferSize = 4096 };
            _clients.Add(client);
            await client.ConnectAsync(site.Host, site.Port, cancel);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(requests), cancel);
        }
    }
}
