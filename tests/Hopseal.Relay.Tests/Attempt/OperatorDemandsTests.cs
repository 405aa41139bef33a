using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>What rules ask for besides a floor, from the plan to the server's side of the handshake.</summary>
public sealed class OperatorDemandsTests : IDisposable
{
    static readonly IDnsResolver s_zone = ZoneResolver.Parse("""
        example.org      MX 10 mx.example.org
        mx.example.org   A  127.0.0.1
        example.com      MX 10 mx.elsewhere.net
        mx.elsewhere.net A  127.0.0.1
        """);

    readonly LocalAuthority _authority = LocalAuthority.Create("known to us", TimeProvider.System);
    readonly LocalAuthority _other = LocalAuthority.Create("somebody else's", TimeProvider.System);
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-test-").FullName;
    readonly X509Certificate2 _certificate;
    readonly ClientCertificates _own;
    readonly CertificateFiles _files;

    public OperatorDemandsTests()
    {
        _certificate = _other.Issue("mx.other.example");
        _files = _authority.IssueFiles(_directory, "client", "gw.example.net");
        _own = ClientCertificates.Load([_files]);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
        _other.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_pinned_certificate_is_enough_whatever_its_name_and_issuer()
    {
        await using var server = Server(new Script(Starttls.Works));
        Delivered(await DeliverAsync(server, Rule() with { Pins = [Pin("sha256:" + Sha256(_certificate.RawData))] }), PeerIdentity.Pinned);
    }

    [Fact]
    public async Task A_pinned_key_is_enough_among_others()
    {
        await using var server = Server(new Script(Starttls.Works));
        var key = Sha256(_certificate.PublicKey.ExportSubjectPublicKeyInfo());
        Delivered(await DeliverAsync(server, Rule() with { Pins = [Pin("sha256:" + Sha256([1])), Pin("spki-sha256:" + key)] }), PeerIdentity.Pinned);
    }

    [Fact]
    public async Task A_certificate_that_is_not_pinned_gets_no_mail_although_it_is_valid()
    {
        using var valid = _authority.Issue("mx.example.org");
        await using var server = new ScriptedServer(valid, new Script(Starttls.Works));
        var refused = Refused(await DeliverAsync(server, Rule() with { Pins = [Pin("sha256:" + Sha256(_certificate.RawData))] }), server);
        Assert.Contains("pin-mismatch", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_rules_with_pins_must_both_be_met()
    {
        await using var server = Server(new Script(Starttls.Works));
        var good = Rule() with { Pins = [Pin("sha256:" + Sha256(_certificate.RawData))] };
        Refused(await DeliverAsync(server, good, Rule("*.org", "Outbound.Rules[1]"), good with { Destination = "*", Source = "Outbound.Rules[2]", Pins = [Pin("sha256:" + Sha256([1]))] }), server);
    }

    [Fact]
    public async Task Only_the_private_authority_counts_where_there_is_one()
    {
        using var byOther = _other.Issue("mx.example.org");
        using var byKnown = _authority.Issue("mx.example.org");
        var rule = Rule() with { Authority = TrustedRoots.Of(PublicPart(_other)) };

        await using var server = new ScriptedServer(byOther, new Script(Starttls.Works));
        Delivered(await DeliverAsync(server, rule), PeerIdentity.Pkix);
        await using var elsewhere = new ScriptedServer(byKnown, new Script(Starttls.Works));
        Refused(await DeliverAsync(elsewhere, rule), elsewhere);
        await using var badName = Server(new Script(Starttls.Works));
        Refused(await DeliverAsync(badName, rule), badName);
    }

    [Fact]
    public async Task The_authority_of_a_host_that_dns_chose_vouches_for_nothing()
    {
        // Whoever forges the MX record of example.com would choose the host whose authority he is.
        using var forged = _other.Issue("mx.elsewhere.net", "example.com");
        await using var server = new ScriptedServer(forged, new Script(Starttls.Works));
        var rule = Rule("mx.elsewhere.net") with { Authority = TrustedRoots.Of(PublicPart(_other)) };
        Refused(await DeliverAsync(server, "example.com", [rule]), server);
        var pinned = Rule("mx.elsewhere.net") with { Pins = [Pin("sha256:" + Sha256(forged.RawData))] };
        Refused(await DeliverAsync(server, "example.com", [pinned]), server);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls12 | SslProtocols.Tls13, true)]
    public async Task Below_its_version_a_host_gets_nothing_and_no_plaintext(SslProtocols spoken, bool delivered)
    {
        await using var server = Server(new Script(Starttls.Works) { Tls = tls => tls.EnabledSslProtocols = spoken });
        var rule = Rule() with { Floor = SecurityFloor.Encrypted, MinimumVersion = TlsVersion.Tls13 };
        var attempt = await DeliverAsync(server, rule);
        if (delivered)
        {
            Assert.Equal("TLSv1.3", Delivered(attempt, PeerIdentity.Unauthenticated).Version);
        }
        else
        {
            var words = Refused(attempt, server).Reason;
            Assert.Contains("encryption is required (configured: Outbound.Rules[0], TLS 1.3 or newer), but TLS with it failed", words, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task The_client_certificate_is_shown_to_its_destination_and_to_nobody_else(SslProtocols version)
    {
        await using var server = Server(Asking(version, required: false));
        var rule = Rule() with { Floor = SecurityFloor.Encrypted, ClientCertificate = _files };
        Delivered(await DeliverAsync(server, rule), PeerIdentity.Unauthenticated);
        Delivered(await DeliverAsync(server, "example.com", [rule]), PeerIdentity.Unauthenticated);
        Assert.Equal([_own.Find(_files)!.TargetCertificate.GetCertHashString(), null], server.Sessions.Select(session => session.ClientCertificate));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_server_that_insists_on_a_client_certificate_gets_mail_only_with_one(SslProtocols version)
    {
        await using var server = Server(Asking(version, required: true));
        var rule = Rule() with { Floor = SecurityFloor.Encrypted };
        Refused(await DeliverAsync(server, rule), server);
        Delivered(await DeliverAsync(server, rule with { ClientCertificate = _files }), PeerIdentity.Unauthenticated);
    }

    static Script Asking(SslProtocols version, bool required) => new(Starttls.Works)
    {
        Tls = tls =>
        {
            tls.EnabledSslProtocols = version;
            tls.ClientCertificateRequired = true;
            tls.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null || !required;
        },
    };

    static TlsOutcome.Encrypted Delivered(DeliveryAttempt attempt, PeerIdentity identity)
    {
        var outcome = Assert.Single(attempt.Recipients).Outcome;
        Assert.True(outcome is RecipientOutcome.Delivered, outcome.ToString());
        var tls = Assert.IsType<TlsOutcome.Encrypted>(Assert.Single(attempt.Sessions).Tls);
        Assert.Equal(identity, tls.Identity);
        return tls;
    }

    static RecipientOutcome.Deferred Refused(DeliveryAttempt attempt, ScriptedServer server)
    {
        Assert.Equal(0, server.MailsBegun);
        return Samples.Deferred(attempt);
    }

    Task<DeliveryAttempt> DeliverAsync(ScriptedServer server, params OutboundRule[] rules) => DeliverAsync(server, "example.org", rules);

    async Task<DeliveryAttempt> DeliverAsync(ScriptedServer server, string domain, OutboundRule[] rules)
    {
        var cancel = TestContext.Current.CancellationToken;
        var planner = new DeliveryPlanner(
            new Routing { MxPort = server.Port, Rules = [.. rules] }, s_zone, new ProvenTlsMemory(TimeProvider.System));
        var verifier = new PeerVerifier(
            new PkixCheck(TrustedRoots.Of(PublicPart(_authority)), TimeProvider.System), new DaneCheck(TimeProvider.System));
        await using var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net" },
                Verify = verifier.For,
                Certificate = _own.Find,
            },
            new RecordingSink(),
            NullLogger<Deliverer>.Instance);
        var plan = Assert.IsType<DeliveryPlan.Relay>(await planner.PlanAsync(domain, Samples.Mailbox("sender@example.net"), cancel));
        return await deliverer.DeliverAsync(Samples.Lease(), plan, Samples.Open, cancel);
    }

    ScriptedServer Server(Script script) => new(_certificate, script);

    static OutboundRule Rule(string destination = "example.org", string source = "Outbound.Rules[0]") =>
        new(destination, SecurityFloor.Authenticated, [], source);

    static X509Certificate2 PublicPart(LocalAuthority authority) => X509CertificateLoader.LoadCertificate(authority.Certificate.RawData);

    static string Sha256(byte[] octets) => Convert.ToHexString(SHA256.HashData(octets));

    static CertificatePin Pin(string text)
    {
        Assert.True(CertificatePin.TryParse(text, out var pin));
        return pin;
    }
}
