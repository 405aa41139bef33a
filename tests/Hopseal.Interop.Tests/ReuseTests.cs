using System.Text;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Several messages over one connection, with Postfix on the other side of it, in both directions.</summary>
public sealed class ReuseTests
{
    const int Messages = 30;
    const string Domain = "reused.test";
    const string Mx = "mx.reused.test";
    const string Gateway = "gateway.test";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact(Timeout = 120_000)]
    public async Task The_gateway_sends_many_messages_over_few_sessions_each_with_TLS()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("reuse-out");
        using var authority = new TestAuthority(directory);
        await using var destination = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-reused", Mx)
            {
                Domains = [Domain],
                Certificate = authority.Issue(Mx),
                Settings = ["smtpd_tls_security_level = encrypt"],
            },
            cancel);
        var port = Ports.Next();
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority, port, destination.Port), port);
        await gateway.StartAsync(cancel);
        var mark = $"reuse-{Guid.NewGuid():n}";

        await using (var client = await RawSmtp.OpenTlsAsync(port, authority.Root, Gateway, cancel))
        {
            for (var i = 0; i < Messages; i++)
            {
                var reply = await client.SendMessageAsync("a@origin.test", [$"someone-{i}@{Domain}"], Message(mark, i), cancel);
                Assert.Equal(250, reply.Code);
            }
        }

        var arrivals = await destination.Mailbox.WaitForAsync(mark, Messages, s_limit, () => $"{gateway.Output}\n{destination.Log}", cancel);
        Assert.Equal(Messages, arrivals.Select(arrival => arrival.Recipient).Distinct().Count());
        Assert.All(arrivals, arrival => Assert.Contains("TLSv1.3", arrival.Received.First(), StringComparison.Ordinal));
        Assert.Equal(0, await gateway.StopAsync(cancel));

        var sessions = Events(gateway, 1002);
        Assert.Equal(Messages, sessions.Sum(session => session.GetProperty("Delivered").GetInt32()));
        Assert.InRange(sessions.Count, 1, Messages / 2);
        Assert.All(sessions, session => Assert.Equal("authenticated", session.GetProperty("Level").GetString()));
        Assert.Equal(sessions.Count, Count(destination.Log, ": connect from "));
        var ids = sessions.Select(session => session.GetProperty("Session").GetString()).ToHashSet();
        Assert.All(Events(gateway, 1101), delivered => Assert.Contains(delivered.GetProperty("Session").GetString(), ids));
    }

    [Fact(Timeout = 120_000)]
    public async Task Postfix_sends_many_messages_over_few_connections_each_with_TLS()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("reuse-in");
        using var authority = new TestAuthority(directory);
        var port = Ports.Next();
        var maildir = new Maildir(directory["maildir"]);
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority, port, nextPort: 25), port);
        await gateway.StartAsync(cancel);
        var hop = $"[127.0.0.1]:{port}";
        await using var origin = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-reusing", "mx.origin.test")
            {
                Settings =
                [
                    $"smtp_tls_CAfile = {authority.RootPath}",
                    "smtp_tls_security_level = secure",
                    $"smtp_tls_policy_maps = inline:{{ {{ {hop} = secure match={Gateway} }} }}",
                    "smtp_connection_cache_on_demand = yes",
                    "smtp_tls_connection_reuse = yes",
                    "smtp_destination_concurrency_limit = 1",
                    "initial_destination_concurrency = 1",
                    $"transport_maps = inline:{{ {{ kept.test = smtp:{hop} }} }}",
                ],
            },
            cancel);
        var mark = $"reuse-{Guid.NewGuid():n}";

        await using (var client = await RawSmtp.OpenAsync(origin.Port, cancel))
        {
            for (var i = 0; i < Messages; i++)
            {
                var reply = await client.SendMessageAsync("a@origin.test", [$"someone-{i}@kept.test"], Message(mark, i), cancel);
                Assert.Equal(250, reply.Code);
            }
        }

        await maildir.WaitForAsync(mark, Messages, s_limit, () => $"{gateway.Output}\n{origin.Log}", cancel);
        Assert.Equal(0, await gateway.StopAsync(cancel));

        var sessions = Events(gateway, 1001).Where(session => session.GetProperty("Accepted").GetInt32() > 0).ToList();
        Assert.Equal(Messages, sessions.Sum(session => session.GetProperty("Accepted").GetInt32()));
        Assert.InRange(sessions.Count, 1, Messages / 2);
        Assert.All(sessions, session => Assert.Equal("encrypted", session.GetProperty("Level").GetString()));
    }

    static object Configuration(TestDirectory directory, TestAuthority authority, int port, int nextPort)
    {
        var certificate = authority.Issue(Gateway);
        string[] relayFrom = ["127.0.0.0/8"];
        return new
        {
            Hostname = Gateway,
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTlsRequired" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = relayFrom,
            Domains = new Dictionary<string, object>
            {
                ["kept.test"] = new { Maildir = directory["maildir"] },
                [Domain] = new { NextHop = $"127.0.0.1:{nextPort}" },
            },
            Outbound = new
            {
                ConnectionsPerDestination = 2,
                Rules = new[] { new { Destination = Domain, Tls = "Authenticated", Names = new[] { Mx } } },
            },
            Trust = new { Roots = new[] { authority.RootPath } },
        };
    }

    static byte[] Message(string mark, int number) =>
        Encoding.ASCII.GetBytes($"Subject: {mark}\r\nFrom: a@origin.test\r\n\r\nmessage {number}\r\n");

    static List<JsonElement> Events(GatewayProcess gateway, int id) =>
        [.. gateway.Output.Split('\n').Where(line => line.Contains($"\"EventId\":{id},", StringComparison.Ordinal)).Select(StateOf)];

    static JsonElement StateOf(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.GetProperty("State").Clone();
    }

    static int Count(string text, string what) => text.Split(what).Length - 1;
}
