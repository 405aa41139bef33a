using System.Net;
using System.Text;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Somebody who forges DNS towards a gateway whose resolver does not validate: he names a host of his own as the MX host of every
/// domain, and publishes TLSA records for it.</summary>
public sealed class ForgedDnsTests
{
    const string GatewayName = "gateway.test";
    const string Evil = "mx.evil.test";

    /// <summary>Each line: the domain, what is known of it beside DNS, and what becomes of its mail. Without validation, DANE is as nothing: it neither
    /// protects nor vouches.</summary>
    static readonly (string Domain, string Outcome)[] s_table =
    [
        ("nothing.test", "delivered to the attacker, unauthenticated"),
        ("dane.test", "delivered to the attacker, unauthenticated"),
        ("encrypted.test", "delivered to the attacker, unauthenticated"),
        ("authenticated.test", "deferred 4.7.5"),
        ("enforce.test", "deferred 4.7.5"),
        ("testing.test", "delivered to the attacker, unauthenticated"),
        ("requiretls.test", "bounced 5.7.30"),
    ];

    [Fact(Timeout = 120_000)]
    public async Task A_forged_host_gets_no_mail_that_must_be_authenticated()
    {
        Assert.SkipWhen(PolicySite.Unavailable is not null, PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("forged");
        using var authority = new TestAuthority(directory);
        var (gatewayPort, mxPort) = (Ports.Next(), Ports.Next());
        var shown = ShownCertificate.Of(Evil);
        await using var evil = new TlsHost(new IPEndPoint(IPAddress.Loopback, mxPort), shown);
        await using var site = new PolicySite();
        List<string> records = [$"{Evil}. A 127.0.0.1", $"_{mxPort}._tcp.{Evil}. TLSA {shown.Tlsa(3, 1, 1)}"];
        records.AddRange(s_table.Select(line => $"{line.Domain}. MX 10 {Evil}."));
        foreach (var mode in new[] { "enforce", "testing" })
        {
            // The attacker can forge neither the certificate of the policy host nor what it says.
            records.AddRange([$"_mta-sts.{mode}.test. TXT \"v=STSv1; id=1;\"", $"mta-sts.{mode}.test. A {site.Address}"]);
            site.Serve($"{mode}.test", authority.Issue($"mta-sts.{mode}.test"), PolicySite.Policy(mode, "mx.honest.test"));
        }

        await using var resolver = await UnboundInstance.StartAsync(records, cancel);
        var certificate = authority.Issue(GatewayName);
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority, gatewayPort, mxPort, resolver.Port, certificate), gatewayPort);
        await gateway.StartAsync(cancel);
        await using (var client = await RawSmtp.OpenTlsAsync(gatewayPort, authority.Root, GatewayName, cancel))
        {
            foreach (var (domain, _) in s_table)
            {
                var content = Encoding.ASCII.GetBytes($"Subject: for {domain}\r\nFrom: <a@origin.test>\r\n\r\nHello\r\n");
                var parameters = domain == "requiretls.test" ? " REQUIRETLS" : "";
                Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [$"someone@{domain}"], content, cancel, parameters)).Code);
            }
        }

        List<string> found = [];
        foreach (var (domain, _) in s_table)
        {
            found.Add($"{domain}: {await OutcomeAsync(gateway, evil, domain, cancel)}");
        }

        Assert.Equal(s_table.Select(line => $"{line.Domain}: {line.Outcome}"), found);
    }

    static async Task<string> OutcomeAsync(GatewayProcess gateway, TlsHost evil, string domain, CancellationToken cancel)
    {
        var recipient = $"someone@{domain}";
        var told = await Eventually.FindAsync(
            $"an outcome for {domain}",
            TimeSpan.FromSeconds(60),
            () => gateway.Output.Split('\n').FirstOrDefault(line =>
                line.Contains($"to {recipient} ", StringComparison.Ordinal) && line.Contains("\"EventId\":110", StringComparison.Ordinal)),
            () => gateway.Output,
            cancel);
        using var document = JsonDocument.Parse(told);
        var state = document.RootElement.GetProperty("State");
        var isDelivered = document.RootElement.GetProperty("EventId").GetInt32() == 1101;
        Assert.Equal(isDelivered, evil.Deliveries.Any(delivery => delivery.Recipient == recipient));
        if (!isDelivered)
        {
            return $"{(document.RootElement.GetProperty("EventId").GetInt32() == 1102 ? "deferred" : "bounced")} {state.GetProperty("Status")}";
        }

        var session = await gateway.LoggedAsync(1002, state.GetProperty("Session").GetString()!, cancel);
        return $"delivered to the attacker, {session.GetProperty("Identity")}";
    }

    static object Configuration(
        TestDirectory directory, TestAuthority authority, int gatewayPort, int mxPort, int resolverPort, CertificatePaths certificate)
    {
        string[] loopback = ["127.0.0.0/8"];
        int[] retryMinutes = [10];
        return new
        {
            Hostname = GatewayName,
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "in", Endpoint = $"127.0.0.1:{gatewayPort}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = loopback,
            Outbound = new
            {
                Port = mxPort,
                RetryMinutes = retryMinutes,
                IdleSeconds = 0,
                Rules = new[] { new { Destination = "encrypted.test", Tls = "Encrypted" }, new { Destination = "authenticated.test", Tls = "Authenticated" } },
            },
            Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" }, HealthMinutes = 0 },
            Trust = new { Roots = new[] { authority.RootPath } },
        };
    }
}
