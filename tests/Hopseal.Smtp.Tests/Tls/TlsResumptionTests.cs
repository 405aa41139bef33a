using System.Collections.Concurrent;
using System.Security.Authentication;
using System.Text;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary>What the runtime does when it resumes a session as client, seen from a TLS implementation that is not ours. <c>openssl s_server
/// -www</c> says of each connection whether it was resumed.</summary>
public sealed class TlsResumptionTests : IDisposable
{
    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);
    readonly ConcurrentQueue<string> _shown = [];

    /// <summary>The runtime keeps sessions by name for the whole process.</summary>
    readonly string _name = $"mx-{Guid.NewGuid():n}.test";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("-tls1_2", SecurityFloor.Plaintext)]
    [InlineData("-tls1_2", SecurityFloor.Encrypted)]
    [InlineData("-tls1_3", SecurityFloor.Plaintext)]
    [InlineData("-tls1_3", SecurityFloor.Encrypted)]
    public async Task A_session_that_is_resumed_is_verified_as_the_first_one_was(string version, SecurityFloor floor)
    {
        using var server = await ServerAsync(version);

        string[] how = [await VisitAsync(server, floor), await VisitAsync(server, floor), await VisitAsync(server, floor)];

        Assert.Equal(["New, pkix", "Reused, pkix", "Reused, pkix"], how);
        Assert.Equal(3, _shown.Count);
        Assert.Single(_shown.Distinct());
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_verdict_on_a_resumed_session_is_of_now(string version)
    {
        using var server = await ServerAsync(version);

        var first = await VisitAsync(server, SecurityFloor.Encrypted);
        var distrusted = await VisitAsync(server, SecurityFloor.Encrypted, Demands.Any(_name));

        Assert.Equal(("New, pkix", "Reused, nobody"), (first, distrusted));
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Where_an_identity_is_demanded_the_peer_proves_it_anew_each_time(string version)
    {
        using var server = await ServerAsync(version);

        string[] how =
        [
            await VisitAsync(server, SecurityFloor.Encrypted, Demands.Any(_name)), await VisitAsync(server, SecurityFloor.Authenticated),
            await VisitAsync(server, SecurityFloor.Authenticated), await VisitAsync(server, SecurityFloor.Encrypted),
        ];

        Assert.Equal(["New, nobody", "New, pkix", "New, pkix", "Reused, pkix"], how);
    }

    [Fact]
    public async Task An_impostor_with_a_session_of_his_own_is_not_taken_for_the_host()
    {
        using var impostor = LocalAuthority.Create("somebody", TimeProvider.System);
        using var server = await OpenSslServer.StartAsync(impostor.Issue(_name), Cancel, "-www", "-tls1_3");

        Assert.Equal("New, nobody", await VisitAsync(server, SecurityFloor.Encrypted));
        Assert.Equal("Reused, nobody", await VisitAsync(server, SecurityFloor.Encrypted));
        var result = await TlsUpgrade.AsClientAsync(
            await server.ConnectAsync(Cancel), Demand(SecurityFloor.Authenticated), SslProtocols.None, TimeProvider.System, Cancel);

        Assert.Equal(Demands.NotTrusted, Assert.Single(Assert.IsType<UpgradeResult.Failed>(result).Failures));
    }

    [Fact]
    public async Task A_ticket_is_nothing_that_arrives()
    {
        using var server = await ServerAsync("-tls1_3");
        var stream = await OpenAsync(server, Demand(SecurityFloor.Authenticated));

        var arrival = stream.Stream.ArrivalAsync();
        Assert.Same(arrival, stream.Stream.ArrivalAsync());
        var page = await AskAsync(stream.Stream);

        Assert.True(arrival.IsCompletedSuccessfully);
        Assert.StartsWith("HTTP/1.0 200", page, StringComparison.Ordinal);
        await stream.Stream.DisposeAsync();
    }

    async Task<string> VisitAsync(OpenSslServer server, SecurityFloor floor, TlsDemand? demand = null)
    {
        var upgraded = await OpenAsync(server, demand is null ? Demand(floor) : demand with { Floor = floor });
        var page = await AskAsync(upgraded.Stream);
        await upgraded.Stream.DisposeAsync();
        var line = page.Split('\n').First(line => line.StartsWith("New, ", StringComparison.Ordinal) || line.StartsWith("Reused, ", StringComparison.Ordinal));
        return $"{line.Split(',')[0]}, {(upgraded.Tls.Identity is PeerIdentity.Pkix ? "pkix" : "nobody")}";
    }

    static async Task<UpgradeResult.Upgraded> OpenAsync(OpenSslServer server, TlsDemand demand) => Assert.IsType<UpgradeResult.Upgraded>(
        await TlsUpgrade.AsClientAsync(await server.ConnectAsync(Cancel), demand, SslProtocols.None, TimeProvider.System, Cancel));

    static async Task<string> AskAsync(Hopseal.Smtp.Wire.SmtpStream stream)
    {
        stream.Write("GET / HTTP/1.0\r\n\r\n"u8);
        await stream.FlushAsync(Cancel);
        var page = new StringBuilder();
        while (await stream.FillAsync(Cancel) > 0)
        {
            page.Append(Encoding.ASCII.GetString(stream.Buffered.Span));
            stream.Consume(stream.Buffered.Length);
        }

        return page.ToString();
    }

    Task<OpenSslServer> ServerAsync(string version)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "openssl is not installed");
        return OpenSslServer.StartAsync(_authority.Issue(_name), Cancel, "-www", version);
    }

    TlsDemand Demand(SecurityFloor floor)
    {
        var demand = Demands.Pkix(_authority, floor, _name);
        return demand with
        {
            Verify = peer =>
            {
                _shown.Enqueue(string.Join(" ", peer.Sent.Select(certificate => certificate.Thumbprint)));
                return demand.Verify(peer);
            },
        };
    }
}
