using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Hopseal looks at Hopseal: a gateway with DANE, MTA-STS and TLS reports, all of it published in a signed zone.</summary>
public sealed class CheckTests
{
    const string Domain = "good.test";
    const string Host = $"mx.{Domain}";

    [Fact(Timeout = 180_000)]
    public async Task A_gateway_that_publishes_what_it_should_is_three_times_ok()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null || PolicySite.Unavailable is not null, SignedTree.Unavailable ?? PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("check");
        using var authority = new TestAuthority(directory);
        var own = authority.Issue($"*.{Domain}");
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(own.Chain);
        using var other = X509CertificateLoader.LoadCertificateFromFile(authority.Issue("other.test").Chain);
        var port = Ports.Next();
        var address = new IPAddress([127, (byte)Random.Shared.Next(64, 128), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]);
        string[] records =
        [
            $"{Domain}. MX 10 {Host}.", $"{Host}. A {address}", $"mta-sts.{Domain}. A {address}", $"_mta-sts.{Domain}. TXT \"v=STSv1; id=1;\"",
            $"_smtp._tls.{Domain}. TXT \"v=TLSRPTv1; rua=mailto:tls@{Domain}\"",
        ];
        string[] tlsa =
        [
            $"_{port}._tcp.{Host}. TLSA {ShownCertificate.Tlsa(3, 1, 1, certificate)}", $"_{port}._tcp.{Host}. TLSA {ShownCertificate.Tlsa(3, 1, 1, other)}",
        ];
        await using var tree = await SignedTree.StartAsync([new TreeZone("test", ZoneState.Signed)], [.. records, .. tlsa], cancel);
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority, own, address, port, tree.Port), port);
        await gateway.StartAsync(cancel);

        var good = await CheckAsync(directory, [Domain], cancel);

        Assert.Equal((0, "ok", "ok", "ok"), (good.ExitCode, Answer(good, "confidential"), Answer(good, "authenticated"), Answer(good, "watched")));
        var endpoint = good.Report.GetProperty("facts").GetProperty("hosts")[0].GetProperty("endpoints")[0];
        Assert.InRange(endpoint.GetProperty("connections").GetInt32(), 1, 10);

        var deep = await CheckAsync(directory, [Domain, "--deep"], cancel);
        Assert.Equal((0, "ok"), (deep.ExitCode, Answer(deep, "confidential")));
        Assert.InRange(deep.Report.GetProperty("facts").GetProperty("hosts")[0].GetProperty("endpoints")[0].GetProperty("connections").GetInt32(), 1, 40);
    }

    static async Task<(int ExitCode, JsonElement Report)> CheckAsync(TestDirectory directory, string[] arguments, CancellationToken cancel)
    {
        var result = await Command.RunAsync(Executable.Path, ["check", .. arguments, "--json", "--config", directory["hopseal.json"]], cancel);
        Assert.True(result.Output.StartsWith('{'), result.ToString());
        return (result.ExitCode, JsonDocument.Parse(result.Output).RootElement);
    }

    static string? Answer((int ExitCode, JsonElement Report) check, string question) => check.Report.GetProperty(question).GetString();

    static object Configuration(TestDirectory directory, TestAuthority authority, CertificatePaths own, IPAddress address, int port, int resolverPort)
    {
        string[] hosts = [Host];
        return new
        {
            Hostname = Host,
            DataDirectory = directory["data"],
            Listeners = new[]
            {
                new { Name = "mx", Endpoint = $"{address}:{port}", Mode = "StartTls" },
                new { Name = "here", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" },
            },
            Certificates = new[] { new { own.Chain, own.Key } },
            Domains = new Dictionary<string, object> { [Domain] = new { Maildir = directory["maildir"] } },
            MtaSts = new { Endpoint = $"{address}:443", Policies = new Dictionary<string, object> { [Domain] = new { Mode = "enforce", Mx = hosts, MaxAgeDays = 30 } } },
            Outbound = new { Port = port },
            Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" }, HealthMinutes = 0 },
            Trust = new { Roots = new[] { authority.RootPath } },
        };
    }
}
