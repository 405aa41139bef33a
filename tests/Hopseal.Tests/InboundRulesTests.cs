using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Smtp.Tls;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;

namespace Hopseal.Tests;

/// <summary>A gateway that wants to know some senders by their certificate, and a client that others wrote.</summary>
public sealed class InboundRulesTests : IDisposable
{
    readonly Workspace _workspace = new();
    readonly Records _records = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    // expired, and nobody issued them: a fingerprint is enough
    [InlineData("pinned", true)]
    [InlineData("other", false)]
    [InlineData("issued", true)]
    [InlineData("server", false)]
    [InlineData(null, false)]
    public async Task A_sender_is_known_by_his_certificate(string? shown, bool taken)
    {
        using var authority = LocalAuthority.Create("clients", TimeProvider.System);
        using var pinned = SelfSigned("pinned.example", expired: true);
        using var other = SelfSigned("out.bank.example", expired: false);
        using var issued = IssuedBy(authority, "out.bank.example", "1.3.6.1.5.5.7.3.2");
        using var server = IssuedBy(authority, "out.bank.example", "1.3.6.1.5.5.7.3.1");
        await using var gateway = await StartAsync(authority, pinned);
        var certificate = shown switch { "pinned" => pinned, "other" => other, "issued" => issued, "server" => server, _ => null };

        using (var client = await ConnectAsync(gateway, SecureSocketOptions.StartTls, certificate))
        {
            // Nobody else is bothered, whatever he shows.
            await client.SendAsync(Message("a@other.example"), Cancel);
            if (taken)
            {
                await client.SendAsync(Message("a@bank.example"), Cancel);
            }
            else
            {
                var refused = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message("a@bank.example"), Cancel));
                Assert.Equal(SmtpStatusCode.MailboxUnavailable, refused.StatusCode);
                Assert.StartsWith("5.7.1 Mail from bank.example needs a client certificate that is known here", refused.Message, StringComparison.Ordinal);
            }

            await client.DisconnectAsync(true, Cancel);
        }

        var record = await _records.Inbound.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        var tls = Assert.IsType<TlsOutcome.Encrypted>(record.Tls);
        Assert.Equal(certificate is null ? null : Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)), tls.Peer?.Sha256);
        Assert.Equal(shown switch { "pinned" => PeerIdentity.Pinned, "issued" => PeerIdentity.Pkix, _ => PeerIdentity.Unauthenticated }, tls.Identity);
        Assert.Equal((taken ? 2 : 1, taken ? 0 : 1), (record.Summary.Accepted, record.Summary.RejectedSenders));
    }

    [Fact]
    public async Task In_plaintext_such_a_sender_is_told_to_start_TLS_and_others_are_not()
    {
        using var authority = LocalAuthority.Create("clients", TimeProvider.System);
        using var pinned = SelfSigned("pinned.example", expired: false);
        await using var gateway = await StartAsync(authority, pinned);
        using var client = await ConnectAsync(gateway, SecureSocketOptions.None, null);

        await client.SendAsync(Message("a@other.example"), Cancel);
        var refused = await Assert.ThrowsAsync<MailKit.ServiceNotAuthenticatedException>(() => client.SendAsync(Message("a@bank.example"), Cancel));

        Assert.StartsWith("5.7.0 Must issue a STARTTLS command first: mail from bank.example", refused.Message, StringComparison.Ordinal);
    }

    async Task<Gateway> StartAsync(LocalAuthority authority, X509Certificate2 pinned)
    {
        var local = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        Assert.True(SenderPattern.TryParse("bank.example", out var bank));
        var rule = new InboundRule(SecurityFloor.Authenticated, "InboundRules[0]")
        {
            Sender = bank,
            Pins = [new CertificatePin(PinnedPart.PublicKey, Convert.ToHexStringLower(SHA256.HashData(pinned.PublicKey.ExportSubjectPublicKeyInfo())))],
            Names = ["out.bank.example"],
        };
        return await Gateway.StartAsync(
            local with { InboundRules = [rule], Roots = [_workspace.Write("clients.pem", authority.Certificate.ExportCertificatePem())] },
            NullLoggerFactory.Instance,
            TimeProvider.System,
            observer: _records);
    }

    static async Task<SmtpClient> ConnectAsync(Gateway gateway, SecureSocketOptions security, X509Certificate2? certificate)
    {
        var client = new SmtpClient { CheckCertificateRevocation = false, ServerCertificateValidationCallback = (_, _, _, _) => true };
        if (certificate is not null)
        {
            client.ClientCertificates = [certificate];
        }

        await client.ConnectAsync("127.0.0.1", gateway.Endpoints[0].Port, security, Cancel);
        return client;
    }

    static MimeMessage Message(string from) =>
        new([MailboxAddress.Parse(from)], [MailboxAddress.Parse("me@example.net")], "hello", new TextPart("plain") { Text = "hi" });

    static X509Certificate2 SelfSigned(string name, bool expired)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request(name, key, "1.3.6.1.5.5.7.3.2").CreateSelfSigned(now.AddDays(-30), now.AddDays(expired ? -1 : 30));
    }

    static X509Certificate2 IssuedBy(LocalAuthority authority, string name, string purpose)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signer = authority.Certificate.GetECDsaPrivateKey()!;
        using var bare = Request(name, key, purpose).Create(
            authority.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), now.AddMinutes(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }

    static CertificateRequest Request(string name, ECDsa key, string purpose)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        return request;
    }

    sealed class Records : ISessionSink
    {
        readonly TaskCompletionSource<SessionRecord.Inbound> _inbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<SessionRecord.Inbound> Inbound => _inbound.Task;

        public bool TryRecord(SessionRecord record)
        {
            if (record is SessionRecord.Inbound inbound)
            {
                _inbound.TrySetResult(inbound);
            }

            return true;
        }

        public bool TryRecord(DeliveryAttempt attempt) => true;
    }
}
