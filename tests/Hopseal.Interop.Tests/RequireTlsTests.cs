using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>REQUIRETLS over two gateways in a row, and over a hop that does not know it (RFC 8689).</summary>
public sealed class RequireTlsTests
{
    const string First = "first.test";
    const string Second = "second.test";
    const string Legacy = "mx.legacy.test";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact(Timeout = 180_000)]
    public async Task It_is_carried_from_hop_to_hop_and_comes_back_where_a_hop_does_not_know_it()
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("requiretls");
        using var other = new TestDirectory("requiretls-second");
        using var authority = new TestAuthority(directory);
        await using var legacy = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-legacy", Legacy) { Domains = ["legacy.test", "relaxed.test"], Certificate = authority.Issue(Legacy) }, cancel);
        var (firstPort, secondPort) = (Ports.Next(), Ports.Next());
        await using var first = new GatewayProcess(directory, Configuration(
            directory, authority, First, firstPort,
            new()
            {
                ["origin.test"] = new { Maildir = directory["maildir"] },
                ["kept.test"] = new { NextHop = $"127.0.0.1:{secondPort}" },
                ["legacy.test"] = new { NextHop = $"127.0.0.1:{legacy.Port}" },
                ["relaxed.test"] = new { NextHop = $"127.0.0.1:{legacy.Port}" },
            },
            new { Destination = "kept.test", Tls = "Authenticated", RequireTls = "Strict", Names = new[] { Second } },
            new { Destination = "legacy.test", Tls = "Authenticated", RequireTls = "Strict", Names = new[] { Legacy } },
            new { Destination = "relaxed.test", Tls = "Authenticated", RequireTls = "AuthenticatedHop", Names = new[] { Legacy } }), firstPort);
        await using var second = new GatewayProcess(other, Configuration(
            other, authority, Second, secondPort,
            new() { ["kept.test"] = new { Maildir = other["maildir"] }, ["origin.test"] = new { NextHop = $"127.0.0.1:{firstPort}" } },
            new { Destination = "origin.test", Tls = "Authenticated", RequireTls = "Strict", Names = new[] { First } }), secondPort);
        await first.StartAsync(cancel);
        await second.StartAsync(cancel);

        await using (var client = await RawSmtp.OpenTlsAsync(firstPort, authority.Root, First, cancel))
        {
            await SendAsync(client, "b@kept.test", "carried", cancel);
            await SendAsync(client, "b@legacy.test", "returned", cancel);
            await SendAsync(client, "b@relaxed.test", "relaxed", cancel);
        }

        // The second hop took it with the word: it would not have been said otherwise.
        await new Maildir(other["maildir"]).WaitForAsync("carried", 1, s_limit, () => $"{first.Output}\n{second.Output}", cancel);
        Assert.Equal("said", (await first.LoggedAsync(1101, "kept.test", cancel)).GetProperty("RequireTls").GetString());

        var returned = await new Maildir(directory["maildir"]).WaitForAsync("returned", 1, s_limit, () => first.Output, cancel);
        var report = Encoding.UTF8.GetString(Assert.Single(returned).Content.Span);
        Assert.Contains("Status: 5.7.30", report, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody else", report, StringComparison.Ordinal);

        await legacy.Mailbox.WaitForAsync("relaxed", 1, s_limit, () => $"{first.Output}\n{legacy.Log}", cancel);
        Assert.Equal("not offered, relaxed by Outbound.Rules[2]", (await first.LoggedAsync(1101, "relaxed.test", cancel)).GetProperty("RequireTls").GetString());
        Assert.Equal(0, legacy.Mailbox.Count("returned"));
    }

    static async Task SendAsync(RawSmtp client, string to, string mark, CancellationToken cancel)
    {
        await client.CommandAsync("MAIL FROM:<a@origin.test> REQUIRETLS RET=FULL", 250, cancel);
        await client.CommandAsync($"RCPT TO:<{to}>", 250, cancel);
        await client.CommandAsync("DATA", 354, cancel);
        await client.CommandAsync($"Subject: {mark}\r\nFrom: a@origin.test\r\n\r\nfor nobody else\r\n.", 250, cancel);
    }

    static object Configuration(
        TestDirectory directory, TestAuthority authority, string name, int port, Dictionary<string, object> domains, params object[] rules)
    {
        var certificate = authority.Issue(name);
        return new
        {
            Hostname = name,
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTlsRequired" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = new[] { "127.0.0.0/8" },
            Domains = domains,
            Outbound = new { Rules = rules },
            Trust = new { Roots = new[] { authority.RootPath } },
        };
    }
}
