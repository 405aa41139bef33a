using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Tls;

public sealed class TlsUpgradeTests : IDisposable
{
    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    ServerCertificates Server(params string[] names) => ServerCertificates.FromCertificates([_authority.Issue(names)]);

    static ValueTask<UpgradeResult> AsClient(SmtpStream stream, TlsDemand demand, SslProtocols protocols = SslProtocols.None) =>
        TlsUpgrade.AsClientAsync(stream, demand, protocols, TimeProvider.System, Cancel);

    static ValueTask<UpgradeResult> AsServer(SmtpStream stream, ServerCertificates certificates, SslProtocols protocols = SslProtocols.None) =>
        TlsUpgrade.AsServerAsync(stream, certificates, protocols, sessionTickets: true, judgeClient: null, TimeProvider.System, Cancel);

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2")]
    [InlineData(SslProtocols.Tls13, "TLSv1.3")]
    [InlineData(SslProtocols.None, "TLSv1.3")]
    public async Task Both_sides_agree_on_what_was_negotiated(SslProtocols protocols, string version)
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, Server("mx.test")).AsTask();
        var client = Assert.IsType<UpgradeResult.Upgraded>(
            await AsClient(pair.Client, Demands.Pkix(_authority, SecurityFloor.Authenticated), protocols));
        var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);

        Assert.Equal(version, client.Tls.Version);
        Assert.Equal(version, upgraded.Tls.Version);
        Assert.Equal(client.Tls.CipherSuite, upgraded.Tls.CipherSuite);
        Assert.StartsWith("TLS_", client.Tls.CipherSuite, StringComparison.Ordinal);
        Assert.Equal(PeerIdentity.Pkix, client.Tls.Identity);
        Assert.Equal(["mx.test"], client.Tls.Peer!.Names);
        Assert.Equal("mx.test", upgraded.Tls.ServerName);
        Assert.Null(upgraded.Tls.Peer);
        Assert.Empty(client.Tls.Tolerated);
        Assert.True(client.Stream.IsTls);

        client.Stream.WriteLine("EHLO client.test");
        await client.Stream.FlushAsync(Cancel);
        Assert.Equal("EHLO client.test", Encoding.ASCII.GetString((await upgraded.Stream.ReadLineAsync(512, Cancel)).Octets.Span));
        await client.Stream.DisposeAsync();
        await upgraded.Stream.DisposeAsync();
    }

    [Theory]
    [InlineData("other.test", TlsResultType.CertificateHostMismatch)]
    [InlineData("mx.test", TlsResultType.CertificateNotTrusted)]
    public async Task A_failing_verdict_is_refused_by_an_authenticated_floor_and_tolerated_below(string name, TlsResultType expected)
    {
        using var root = name == "mx.test" ? LocalAuthority.Create("another root", TimeProvider.System) : null;
        var trusted = root ?? _authority;
        foreach (var floor in Enum.GetValues<SecurityFloor>())
        {
            await using var pair = await LoopbackPair.ConnectAsync(Cancel);
            var server = AsServer(pair.Server, Server("mx.test")).AsTask();
            var result = await AsClient(pair.Client, Demands.Pkix(trusted, floor, name));
            var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);
            if (floor is SecurityFloor.Authenticated)
            {
                var failed = Assert.IsType<UpgradeResult.Failed>(result);
                Assert.Equal(expected, Assert.Single(failed.Failures).Type);
                Assert.Equal(["mx.test"], failed.Peer?.Names);

                // The refusal is orderly: the server sees close_notify, not a cut.
                Assert.Equal(LineStatus.End, (await upgraded.Stream.ReadLineAsync(512, Cancel)).Status);
                Assert.Equal(StreamEnd.Closed, upgraded.Stream.End);
            }
            else
            {
                var client = Assert.IsType<UpgradeResult.Upgraded>(result);
                Assert.Equal(expected, Assert.Single(client.Tls.Tolerated).Type);
                Assert.Equal(PeerIdentity.Unauthenticated, client.Tls.Identity);
                await client.Stream.DisposeAsync();
            }

            await upgraded.Stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task Neither_role_starts_a_handshake_behind_buffered_plaintext()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        await pair.ClientSocket.SendAsync("RSET\r\n"u8.ToArray());
        await pair.ServerSocket.SendAsync("250 ok\r\n"u8.ToArray());
        await pair.Client.FillAsync(Cancel);
        await pair.Server.FillAsync(Cancel);

        var server = Assert.IsType<UpgradeResult.Failed>(await AsServer(pair.Server, Server("mx.test")));
        var client = Assert.IsType<UpgradeResult.Failed>(await AsClient(pair.Client, Demands.Any()));

        Assert.Equal(6, server.InjectedOctets);
        Assert.Equal(8, client.InjectedOctets);
        Assert.Equal("plaintext-before-handshake", Assert.Single(client.Failures).ReasonCode);
    }

    [Fact]
    public async Task The_server_name_is_compared_in_A_labels_and_recorded_in_them()
    {
        var certificates = ServerCertificates.FromCertificates([_authority.Issue("mx.test")], [_authority.Issue("xn--bcher-kva.test")]);
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, certificates).AsTask();
        var client = Assert.IsType<UpgradeResult.Upgraded>(await AsClient(pair.Client, Demands.Any("xn--bcher-kva.test")));
        var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);

        Assert.Equal(["xn--bcher-kva.test"], client.Tls.Peer!.Names);
        Assert.Equal("xn--bcher-kva.test", upgraded.Tls.ServerName);
        await client.Stream.DisposeAsync();
        await upgraded.Stream.DisposeAsync();
    }

    [Fact]
    public async Task No_server_name_is_sent_when_there_is_none()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, Server("mx.test")).AsTask();
        var client = Assert.IsType<UpgradeResult.Upgraded>(await AsClient(pair.Client, Demands.Any("")));
        var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);

        Assert.Null(upgraded.Tls.ServerName);
        Assert.Null(client.Tls.ServerName);
        await client.Stream.DisposeAsync();
        await upgraded.Stream.DisposeAsync();
    }

    [Fact]
    public async Task The_verifier_sees_everything_the_peer_sent_leaf_first()
    {
        using var intermediate = _authority.Intermediate("test intermediate");
        var certificates = ServerCertificates.FromCertificates([intermediate.Issue("mx.test"), intermediate.Certificate]);
        string[] seen = [];
        var demand = new TlsDemand(SecurityFloor.Encrypted, "mx.test", peer =>
        {
            seen = [.. peer.Sent.Select(certificate => certificate.GetNameInfo(X509NameType.SimpleName, false))];
            return new PeerVerdict(PeerIdentity.DaneEe, []);
        });
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, certificates).AsTask();
        var client = Assert.IsType<UpgradeResult.Upgraded>(await AsClient(pair.Client, demand));
        await server;

        Assert.Equal(["mx.test", "test intermediate"], seen);
        Assert.Equal(PeerIdentity.DaneEe, client.Tls.Identity);
        await client.Stream.DisposeAsync();
    }

    [Fact]
    public async Task A_name_in_the_peers_certificate_never_makes_us_fetch_anything()
    {
        using var visited = new TcpListener(IPAddress.Loopback, 0);
        visited.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)visited.LocalEndpoint).Port}/ca.cer";
        var leaf = CertificateTricks.IssueWithExtensions(_authority, "mx.test", CertificateTricks.AuthorityInformationAccess(url), CertificateTricks.CrlDistributionPoint(url));
        using var stranger = LocalAuthority.Create("stranger", TimeProvider.System);

        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, ServerCertificates.FromCertificates([leaf])).AsTask();
        var result = await AsClient(pair.Client, Demands.Pkix(stranger, SecurityFloor.Authenticated));
        await server;

        Assert.IsType<UpgradeResult.Failed>(result);
        Assert.False(visited.Pending());
    }

    [Fact]
    public async Task A_malformed_extension_in_the_peers_certificate_is_survived()
    {
        var leaf = CertificateTricks.IssueWithExtensions(_authority, null, new X509Extension("2.5.29.17", [0x30, 0x7F, 0x01], false));
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, ServerCertificates.FromCertificates([leaf])).AsTask();
        var result = await AsClient(pair.Client, Demands.Pkix(_authority, SecurityFloor.Encrypted));
        await server;

        var client = Assert.IsType<UpgradeResult.Upgraded>(result);
        Assert.Equal(PeerIdentity.Unauthenticated, client.Tls.Identity);
        await client.Stream.DisposeAsync();
    }

    [Fact]
    public async Task Only_the_callers_deadline_cancels_a_silent_peer()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var handshake = TlsUpgrade.AsClientAsync(pair.Client, Demands.Any(), SslProtocols.None, TimeProvider.System, deadline.Token).AsTask();
        await pair.ServerSocket.ReceiveAsync(new byte[5], Cancel); // it has begun
        await deadline.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handshake);
        Assert.Equal(TlsFailureCode(new OperationCanceledException()), HandshakeFailure.TimedOut.ReasonCode);
    }

    [Fact]
    public async Task Close_notify_and_a_cut_connection_are_told_apart()
    {
        foreach (var orderly in new[] { true, false })
        {
            await using var pair = await LoopbackPair.ConnectAsync(Cancel);
            var server = AsServer(pair.Server, Server("mx.test")).AsTask();
            var client = Assert.IsType<UpgradeResult.Upgraded>(await AsClient(pair.Client, Demands.Any()));
            var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);
            if (orderly)
            {
                await client.Stream.CloseAsync(Cancel);
            }
            else
            {
                pair.ClientSocket.Shutdown(SocketShutdown.Send);
            }

            Assert.Equal(0, await upgraded.Stream.FillAsync(Cancel));
            Assert.Equal(orderly ? StreamEnd.Closed : StreamEnd.Truncated, upgraded.Stream.End);
            await upgraded.Stream.DisposeAsync();
            await client.Stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_idle_tls_session_waits_without_a_buffer_and_wakes_up()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = AsServer(pair.Server, Server("mx.test")).AsTask();
        var client = Assert.IsType<UpgradeResult.Upgraded>(await AsClient(pair.Client, Demands.Any()));
        var upgraded = Assert.IsType<UpgradeResult.Upgraded>(await server);
        for (var round = 0; round < 3; round++)
        {
            var line = upgraded.Stream.ReadLineAsync(512, Cancel).AsTask();
            Assert.True(upgraded.Stream.Buffered.IsEmpty);
            Assert.False(line.IsCompleted);
            client.Stream.WriteLine($"NOOP {round}");
            await client.Stream.FlushAsync(Cancel);
            Assert.Equal($"NOOP {round}", Encoding.ASCII.GetString((await line).Octets.Span));
        }

        await client.Stream.DisposeAsync();
        await upgraded.Stream.DisposeAsync();
    }

    [Fact]
    public async Task A_server_without_certificates_fails_in_order()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var result = await AsServer(pair.Server, ServerCertificates.Load([]));
        Assert.Equal("no-certificate", Assert.Single(Assert.IsType<UpgradeResult.Failed>(result).Failures).ReasonCode);
    }

    static string TlsFailureCode(Exception error) => HandshakeFailure.Classify(error, HandshakeRole.Client).ReasonCode;
}
