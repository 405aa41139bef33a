using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests;

/// <summary>The policies of our own domains, over real HTTPS, and as our own sender fetches them.</summary>
public sealed class StsPolicyServerTests : IDisposable
{
    const string Domain = "example.org";
    const string Host = "mta-sts.example.org";

    static readonly StsPolicy s_policy = Identified(new StsPolicy(StsMode.Enforce, ["mx1.example.org", "*.example.net"], TimeSpan.FromDays(7), ""));

    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task A_policy_is_served_at_its_place()
    {
        using var certificate = _workspace.WriteCertificate("sts", Host);
        await using var server = await StartAsync(Certificates());
        using var response = await AskAsync(server, certificate, HttpMethod.Get, $"https://{Host}/.well-known/mta-sts.txt");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain; charset=us-ascii", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(
            "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n",
            await response.Content.ReadAsStringAsync(Cancel));
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Our_own_sender_takes_it_with_the_id_that_is_announced()
    {
        using var certificate = _workspace.WriteCertificate("sts", Host);
        await using var server = await StartAsync(Certificates());
        var zone = ZoneResolver.Parse($"{Host} A 127.0.0.1");
        var pkix = new PkixCheck(TrustedRoots.Of(certificate), TimeProvider.System);
        var fetch = new StsFetch(zone, pkix, TimeProvider.System) { Port = server.Endpoint.Port };
        var result = await fetch.FetchAsync(DomainName.Parse(Domain), s_policy.Id, Cancel);
        Assert.Equal(s_policy, Assert.IsType<StsFetchResult.Fetched>(result).Policy);
    }

    [Theory]
    [InlineData("HEAD", $"https://{Host}/.well-known/mta-sts.txt", null, 200)]
    [InlineData("GET", $"https://{Host}/.well-known/mta-sts.txt?x", "MTA-STS.Example.ORG:443", 200)]
    [InlineData("GET", $"https://{Host}/", null, 404)]
    [InlineData("GET", $"https://{Host}/.well-known/mta-sts.txt/", null, 404)]
    [InlineData("GET", $"https://{Host}/.well-known/MTA-STS.txt", null, 404)]
    [InlineData("POST", $"https://{Host}/.well-known/mta-sts.txt", null, 404)]
    [InlineData("OPTIONS", $"https://{Host}/.well-known/mta-sts.txt", null, 404)]
    [InlineData("GET", $"https://{Host}/.well-known/mta-sts.txt", "example.org", 404)]
    [InlineData("GET", $"https://{Host}/.well-known/mta-sts.txt", "mta-sts.example.net", 404)]
    [InlineData("GET", $"https://{Host}/.well-known/mta-sts.txt", "[::1]", 404)]
    public async Task Nothing_else_is_there(string method, string address, string? host, int status)
    {
        using var certificate = _workspace.WriteCertificate("sts", Host);
        await using var server = await StartAsync(Certificates());
        using var response = await AskAsync(server, certificate, new HttpMethod(method), address, host);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 200 && method == "GET", (await response.Content.ReadAsByteArrayAsync(Cancel)).Length > 0);
    }

    [Theory]
    [InlineData("mx1.example.org")]
    [InlineData("mta-sts.example.net")]
    [InlineData("127.0.0.1")]
    public async Task A_name_without_a_policy_gets_no_handshake(string name)
    {
        _workspace.WriteCertificate("sts", Host).Dispose();
        await using var server = await StartAsync(Certificates());
        await Assert.ThrowsAsync<IOException>(() => AskAsync(server, null, HttpMethod.Get, $"https://{name}/.well-known/mta-sts.txt"));
    }

    [Fact]
    public async Task Where_no_certificate_has_the_name_another_is_not_shown_for_it()
    {
        _workspace.WriteCertificate("sts", "mx1.example.org").Dispose();
        await using var server = await StartAsync(Certificates());
        await Assert.ThrowsAsync<IOException>(() => AskAsync(server, null, HttpMethod.Get, $"https://{Host}/.well-known/mta-sts.txt"));
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        _workspace.WriteCertificate("sts", Host).Dispose();
        var certificates = Certificates();
        await using var server = await StartAsync(certificates);
        using var renewed = _workspace.WriteCertificate("sts", "*.example.org");
        certificates.Reload();
        using var response = await AskAsync(server, renewed, HttpMethod.Get, $"https://{Host}/.well-known/mta-sts.txt");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_a_fault_for_the_operator()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var endpoint = (IPEndPoint)taken.LocalEndpoint;
        var settings = new MtaStsSettings(endpoint, ImmutableSortedDictionary<string, StsPolicy>.Empty);
        var fault = await Assert.ThrowsAsync<GatewayStartException>(
            () => StsPolicyServer.StartAsync(settings, ServerCertificates.FromCertificates(), SslProtocols.None, NullLoggerFactory.Instance));
        Assert.Equal($"MtaSts cannot listen on {endpoint}: another program does already", fault.Message);
    }

    static StsPolicy Identified(StsPolicy policy) => policy with { Id = StsPolicyText.IdOf(policy) };

    static Task<StsPolicyServer> StartAsync(ServerCertificates certificates) => StsPolicyServer.StartAsync(
        new MtaStsSettings(
            new IPEndPoint(IPAddress.Loopback, 0), ImmutableSortedDictionary<string, StsPolicy>.Empty.Add(Domain, s_policy)),
        certificates,
        SslProtocols.None,
        NullLoggerFactory.Instance);

    ServerCertificates Certificates() =>
        ServerCertificates.Load([new CertificateFiles(_workspace.PathOf("sts.pem"), _workspace.PathOf("sts.key"))]);

    /// <param name="expected">The certificate it has to show, for the name in the address; null: any.</param>
    static async Task<HttpResponseMessage> AskAsync(
        StsPolicyServer server, X509Certificate2? expected, HttpMethod method, string address, string? host = null)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Endpoint, Cancel);
        await using var tls = new SslStream(
            socket.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => expected is null || shown?.GetCertHashString() == expected.GetCertHashString());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = new Uri(address).Host }, Cancel);

        // The name of the handshake and the Host of the request need not be the same.
        using var client = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(tls) });
        using var request = new HttpRequestMessage(method, address.Replace("https:", "http:", StringComparison.Ordinal));
        request.Headers.Host = host;
        return await client.SendAsync(request, Cancel);
    }
}
