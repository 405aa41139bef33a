using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Domains with an MTA-STS policy in signed zones, and one real host for them all, whose certificate is valid for each of its names: only
/// what is published differs. MTA-STS does not override a failing DANE (RFC 8461 §2), and both have to hold.</summary>
public sealed class DaneAndStsTests
{
    const string Hosts = "hosts.test";

    const int SessionEvent = 1002;
    const int DeliveredEvent = 1101;
    const int DeferredEvent = 1102;

    static string? Unavailable => SignedTree.Unavailable ?? PolicySite.Unavailable;

    [Fact(Timeout = 180_000)]
    public async Task A_host_that_dane_rules_out_gets_nothing_although_mta_sts_would_have_it()
    {
        Assert.SkipWhen(Unavailable is not null, Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("dane-sts");
        using var authority = new TestAuthority(directory);
        using var shown = Load(authority.Issue($"*.{Hosts}"));
        using var other = Load(authority.Issue($"other.{Hosts}"));
        await using var site = new PolicySite();
        var (right, wrong) = (ShownCertificate.Tlsa(3, 1, 1, shown), ShownCertificate.Tlsa(3, 1, 1, other));
        (string Domain, string? Tlsa, string Named, string Plan, string? Identity)[] cases =
        [
            ("both", right, "both", $"relay both.{Hosts} dnssec mtaSts:authenticated dane:authenticated", "dane-ee"),
            ("no-dane", null, "no-dane", $"relay no-dane.{Hosts} dnssec mtaSts:authenticated", "pkix"),
            ("dane-fails", wrong, "dane-fails", $"relay dane-fails.{Hosts} dnssec mtaSts:authenticated dane:authenticated", null),
            ("sts-fails", right, "other", $"wait 4.7.5, not sts-fails.{Hosts} validation-failure", null),
        ];
        var at = new IPEndPoint(IPAddress.Loopback, Ports.Next());
        List<string> records = [];
        foreach (var (name, tlsa, named, _, _) in cases)
        {
            var domain = $"{name}.test";
            records.AddRange(
            [
                $"{domain}. MX 10 {name}.{Hosts}.", $"{name}.{Hosts}. A {at.Address}",
                $"_mta-sts.{domain}. TXT \"v=STSv1; id=1;\"", $"mta-sts.{domain}. A {site.Address}",
            ]);
            if (tlsa is not null)
            {
                records.Add($"_{at.Port}._tcp.{name}.{Hosts}. TLSA {tlsa}");
            }

            site.Serve(domain, authority.Issue($"mta-sts.{domain}"), PolicySite.Policy("enforce", $"{named}.{Hosts}"));
        }

        await using var host = new TlsHost(at, new ShownCertificate(shown));
        await using var tree = await SignedTree.StartAsync([new TreeZone("test", ZoneState.Signed)], records, cancel);
        var port = Ports.Next();
        await using var gateway = new GatewayProcess(directory, Settings(directory, authority, port, at.Port, tree.Port), port);
        await gateway.StartAsync(cancel);
        await DaneRoute.SendAsync(port, cases.Select(one => $"{one.Domain}.test"), cancel);

        foreach (var (name, _, _, plan, identity) in cases)
        {
            Assert.Equal(plan, await DaneRoute.PlanAsync(directory, $"{name}.test", cancel));
            var told = await gateway.LoggedAsync(identity is null ? DeferredEvent : DeliveredEvent, $"to someone@{name}.test ", cancel);
            if (identity is null)
            {
                Assert.Equal("4.7.5", told.GetProperty("Status").GetString());
                continue;
            }

            var session = await gateway.LoggedAsync(SessionEvent, told.GetProperty("Session").GetString()!, cancel);
            Assert.Equal(identity, session.GetProperty("Identity").GetString());
        }

        // It is DANE that stood in the way, and nobody came to the host that the policy does not name.
        var refused = await gateway.LoggedAsync(SessionEvent, $"dane-fails.{Hosts}:", cancel);
        Assert.StartsWith("tlsa-invalid (no-tlsa-match)", refused.GetProperty("TlsFailures").GetString(), StringComparison.Ordinal);
        Assert.Equal(["someone@both.test", "someone@no-dane.test"], host.Deliveries.Select(delivery => delivery.Recipient).Order(StringComparer.Ordinal));
        Assert.Equal(3, host.Connections);
    }

    static object Settings(TestDirectory directory, TestAuthority authority, int port, int mxPort, int resolverPort)
    {
        string[] loopback = ["127.0.0.0/8"];
        int[] retryMinutes = [10];
        return new
        {
            Hostname = "gateway.test",
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "in", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            RelayFrom = loopback,
            Outbound = new { Port = mxPort, RetryMinutes = retryMinutes, IdleSeconds = 0 },
            Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" } },
            Trust = new { Roots = new[] { authority.RootPath } },
        };
    }

    static X509Certificate2 Load(CertificatePaths paths)
    {
        using var pem = X509Certificate2.CreateFromPemFile(paths.Chain, paths.Key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
