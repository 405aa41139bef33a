using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary>Every failure here is made by a real peer: what the runtime throws is part of what is tested.</summary>
public sealed class HandshakeFailureTests : IDisposable
{
    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    ServerCertificates Server() => ServerCertificates.FromCertificates([_authority.Issue("mx.test")]);

    static async Task<TlsFailure> ClientAgainst(Func<Socket, Task> peer)
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var other = peer(pair.ServerSocket);
        var result = await TlsUpgrade.AsClientAsync(pair.Client, Demands.Any(), SslProtocols.None, TimeProvider.System, Cancel);
        await other;
        return Assert.Single(Assert.IsType<UpgradeResult.Failed>(result).Failures);
    }

    async Task<TlsFailure> ServerAgainst(Func<Socket, Task> peer)
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var other = peer(pair.ClientSocket);
        var result = await TlsUpgrade.AsServerAsync(pair.Server, Server(), SslProtocols.None, true, null, TimeProvider.System, Cancel);
        await other;
        return Assert.Single(Assert.IsType<UpgradeResult.Failed>(result).Failures);
    }

    static async Task SendHello(Socket socket, byte[] answer)
    {
        await socket.ReceiveAsync(new byte[4096], Cancel);
        await socket.SendAsync(answer, Cancel);
        socket.Shutdown(SocketShutdown.Send);
    }

    [Fact]
    public async Task No_common_version_is_told_to_both_sides()
    {
#pragma warning disable CA5398, CA1416 // versions are what is tested
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var server = TlsUpgrade.AsServerAsync(pair.Server, Server(), SslProtocols.Tls13, true, null, TimeProvider.System, Cancel).AsTask();
        var client = await TlsUpgrade.AsClientAsync(pair.Client, Demands.Any(), SslProtocols.Tls12, TimeProvider.System, Cancel);
#pragma warning restore CA5398, CA1416

        Assert.Equal("alert-received-70-protocol-version", Assert.Single(Assert.IsType<UpgradeResult.Failed>(client).Failures).ReasonCode);
        Assert.Equal("unsupported-protocol", Assert.Single(Assert.IsType<UpgradeResult.Failed>(await server).Failures).ReasonCode);
    }

    [Fact]
    public async Task No_common_cipher_is_told_to_both_sides()
    {
        var failure = await ServerAgainst(async socket =>
        {
            using var tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
#pragma warning disable CA5398, CA1416 // versions are what is tested
            var failed = await Assert.ThrowsAsync<AuthenticationException>(() => tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "mx.test",
                    EnabledSslProtocols = SslProtocols.Tls12,
                    CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]),
                },
                Cancel));
#pragma warning restore CA5398, CA1416
            Assert.Equal("alert-received-40-handshake-failure", HandshakeFailure.Classify(failed, HandshakeRole.Client).ReasonCode);
        });
        Assert.Equal("no-shared-cipher", failure.ReasonCode);
    }

    [Fact]
    public async Task A_client_that_speaks_plaintext_is_named()
    {
        var failure = await ServerAgainst(async socket => await socket.SendAsync("EHLO client.test\r\n"u8.ToArray(), Cancel));
        Assert.Equal("peer-spoke-plaintext", failure.ReasonCode);
    }

    [Fact]
    public async Task A_server_that_speaks_plaintext_is_named()
    {
        var failure = await ClientAgainst(socket => SendHello(socket, "500 what?\r\n"u8.ToArray()));
        Assert.Equal("peer-spoke-plaintext", failure.ReasonCode);
        Assert.Equal(TlsResultType.ValidationFailure, failure.Type);
    }

    [Theory]
    [InlineData(40, "alert-received-40-handshake-failure")]
    [InlineData(70, "alert-received-70-protocol-version")]
    [InlineData(80, "alert-received-80-internal-error")]
    [InlineData(112, "alert-received-112-unrecognized-name")]
    public async Task An_alert_from_the_server_is_named(byte alert, string code)
    {
        var failure = await ClientAgainst(socket => SendHello(socket, [21, 3, 3, 0, 2, 2, alert]));
        Assert.Equal(code, failure.ReasonCode);
    }

    [Fact]
    public async Task A_closed_connection_is_named()
    {
        Assert.Equal("connection-closed", (await ClientAgainst(socket => SendHello(socket, []))).ReasonCode);
        Assert.Equal("connection-closed", (await ClientAgainst(socket => SendHello(socket, [22, 3, 3]))).ReasonCode);
    }

    [Fact]
    public async Task A_reset_connection_is_named()
    {
        var failure = await ClientAgainst(async socket =>
        {
            await socket.ReceiveAsync(new byte[5], Cancel);
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        });
        Assert.Equal("connection-reset", failure.ReasonCode);
    }

    [Theory]
    [InlineData(45, TlsResultType.CertificateExpired)]
    [InlineData(48, TlsResultType.CertificateNotTrusted)]
    [InlineData(42, TlsResultType.CertificateNotTrusted)]
    [InlineData(40, TlsResultType.ValidationFailure)]
    public async Task An_alert_from_the_client_says_what_it_thinks_of_our_certificate(byte alert, TlsResultType type)
    {
        // A TLS 1.2 client that hangs up after the server's flight, with an alert in plaintext.
        var failure = await ServerAgainst(async socket =>
        {
            var relay = new AlertAfterFirstFlight(new NetworkStream(socket, ownsSocket: false), alert);
            using var tls = new SslStream(relay);
#pragma warning disable CA5398, CA1416 // versions are what is tested
            await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "mx.test", EnabledSslProtocols = SslProtocols.Tls12 }, Cancel));
#pragma warning restore CA5398, CA1416
        });
        Assert.Equal(type, failure.Type);
        Assert.StartsWith($"alert-received-{alert}-", failure.ReasonCode, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_with_a_small_key_is_named()
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var weak = ServerCertificates.FromCertificates([CertificateTricks.SelfSignedRsa(1024)]);
        var server = TlsUpgrade.AsServerAsync(pair.Server, weak, SslProtocols.None, true, null, TimeProvider.System, Cancel).AsTask();
        var client = await TlsUpgrade.AsClientAsync(pair.Client, Demands.Any(), SslProtocols.None, TimeProvider.System, Cancel);

        Assert.IsType<UpgradeResult.Failed>(client);
        var failure = Assert.Single(Assert.IsType<UpgradeResult.Failed>(await server).Failures);
        Assert.Equal("ValidationFailure weak-key", $"{failure.Type} {failure.ReasonCode}");
    }

    [Fact]
    public async Task An_alert_after_the_handshake_is_recognised_at_the_first_read()
    {
        Assert.SkipUnless(OpenSslServer.Installed, "openssl is not installed");
        using var server = await OpenSslServer.StartAsync(_authority.Issue("mx.test"), Cancel, "-tls1_3", "-Verify", "1");
        var client = Assert.IsType<UpgradeResult.Upgraded>(await TlsUpgrade.AsClientAsync(
            await server.ConnectAsync(Cancel), Demands.Any(), SslProtocols.None, TimeProvider.System, Cancel));

        var error = await Assert.ThrowsAsync<IOException>(async () => await client.Stream.FillAsync(Cancel));
        Assert.Equal("alert-received-116-certificate-required", HandshakeFailure.LateAlert(error, HandshakeRole.Client)!.ReasonCode);
        Assert.Null(HandshakeFailure.LateAlert(new IOException("lost"), HandshakeRole.Client));
        await client.Stream.DisposeAsync();
    }

    [Theory]
    [InlineData("-tls1_3 -ciphersuites TLS_AES_128_CCM_8_SHA256", "alert-received-40-handshake-failure")]
    [InlineData("-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", "alert-received-40-handshake-failure")]
    public async Task Another_implementation_without_a_common_cipher_is_named(string options, string code)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "openssl is not installed");
        using var server = await OpenSslServer.StartAsync(_authority.Issue("mx.test"), Cancel, options.Split(' '));
        var result = await TlsUpgrade.AsClientAsync(
            await server.ConnectAsync(Cancel), Demands.Any(), SslProtocols.None, TimeProvider.System, Cancel);
        Assert.Equal(code, Assert.Single(Assert.IsType<UpgradeResult.Failed>(result).Failures).ReasonCode);
    }

    [Fact]
    public void What_nobody_foresaw_is_still_classified()
    {
        Assert.Equal("handshake-failed", HandshakeFailure.Classify(new InvalidOperationException("?"), HandshakeRole.Client).ReasonCode);
        Assert.Equal("timed-out", HandshakeFailure.Classify(new OperationCanceledException(), HandshakeRole.Server).ReasonCode);
        Assert.Equal("connection-closed", HandshakeFailure.Classify(new ObjectDisposedException("x"), HandshakeRole.Server).ReasonCode);
    }

    /// <summary>Lets the ClientHello out; whatever is written next is replaced by an alert and the end of the connection.</summary>
    sealed class AlertAfterFirstFlight(NetworkStream inner, byte alert) : Stream
    {
        bool _helloSent;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_helloSent)
            {
                _helloSent = true;
                await inner.WriteAsync(buffer, cancellationToken);
                return;
            }

            await inner.WriteAsync(new byte[] { 21, 3, 3, 0, 2, 2, alert }, cancellationToken);
            throw new IOException("hung up");
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
