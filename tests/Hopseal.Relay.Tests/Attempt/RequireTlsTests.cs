using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>Messages that require TLS, and messages that waive it, on their way to other servers (RFC 8689 §4.2).</summary>
public sealed class RequireTlsTests : IDisposable
{
    static readonly string[] s_promising = ["PIPELINING", "8BITMIME", "REQUIRETLS"];

    readonly LocalAuthority _authority = LocalAuthority.Create("scripted", TimeProvider.System);
    readonly X509Certificate2 _certificate;
    readonly RecordingSink _sink = new();
    PeerVerdict _verdict = new(PeerIdentity.Pkix, []);

    public RequireTlsTests() => _certificate = _authority.Issue("mx.example.org");

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task It_goes_to_the_first_host_that_promises_the_same_and_says_so()
    {
        await using var silent = Server(new Script(Starttls.Works));
        await using var promising = Server(new Script(Starttls.Works) { Extensions = s_promising });

        var attempt = await DeliverAsync(MessageTls.Required, Vouched(silent), Vouched(promising));

        Assert.IsType<RecipientOutcome.Delivered>(Outcome(attempt));
        Assert.Equal(0, silent.MailsBegun);
        Assert.Contains("tls:QUIT", silent.Commands);
        Assert.EndsWith(" REQUIRETLS", Assert.Single(promising.Commands, IsMail), StringComparison.Ordinal);
        Assert.True(attempt.Sessions[^1].RequireTlsSaid);
    }

    [Fact]
    public async Task Without_a_host_that_promises_it_comes_back()
    {
        await using var one = Server(new Script(Starttls.Works));
        await using var other = Server(new Script(Starttls.Works));

        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Outcome(await DeliverAsync(MessageTls.Required, Vouched(one), Vouched(other))));

        Assert.Equal("5.7.30", bounced.Status.ToString());
        Assert.Contains("the server does not offer REQUIRETLS", bounced.Reason, StringComparison.Ordinal);
        Assert.Equal((0, 0), (one.MailsBegun, other.MailsBegun));
    }

    [Theory]
    [InlineData("down")]
    [InlineData("busy")]
    [InlineData("broken")]
    [InlineData("unknown")]
    public async Task While_one_host_may_promise_later_it_waits(string how)
    {
        await using var silent = Server(new Script(Starttls.Works));
        await using var busy = Server(new Script { Greeting = "421 4.3.2 busy" });
        await using var broken = Server(new Script(Starttls.Broken));
        var other = how switch { "busy" => Vouched(busy), "broken" => Vouched(broken), _ => Vouched(Samples.Down()) };
        var unknown = new ExcludedHost(other, new TlsFailure(TlsResultType.DnssecInvalid, "tlsa-lookup", "no answer"));

        var before = await DeliverAsync(MessageTls.Required, how == "unknown" ? [unknown] : [], how == "unknown" ? [Vouched(silent)] : [other, Vouched(silent)]);
        var after = await DeliverAsync(MessageTls.Required, how == "unknown" ? [unknown] : [], how == "unknown" ? [Vouched(silent)] : [Vouched(silent), other]);

        Assert.IsType<RecipientOutcome.Deferred>(Outcome(before));
        Assert.IsType<RecipientOutcome.Deferred>(Outcome(after));
        Assert.Equal(0, silent.MailsBegun);
    }

    [Fact]
    public async Task Without_tls_it_comes_back_with_the_other_status()
    {
        await using var server = Server(new Script());

        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Outcome(await DeliverAsync(MessageTls.Required, Vouched(server))));

        Assert.Equal("5.7.10", bounced.Status.ToString());
        Assert.StartsWith("the sender requires TLS (REQUIRETLS); mx.example.org:", bounced.Reason, StringComparison.Ordinal);
        Assert.Equal(SecurityFloor.Authenticated, bounced.Security!.Required);
    }

    [Fact]
    public async Task A_host_that_proves_nothing_gets_nothing()
    {
        _verdict = new PeerVerdict(PeerIdentity.Unauthenticated, [new TlsFailure(TlsResultType.CertificateExpired, "expired")]);
        await using var server = Server(new Script(Starttls.Works) { Extensions = s_promising });

        var attempt = await DeliverAsync(MessageTls.Required, Vouched(server));

        Assert.Equal("5.7.10", Assert.IsType<RecipientOutcome.Bounced>(Outcome(attempt)).Status.ToString());
        Assert.Equal(0, server.MailsBegun);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_a_rule_says_so_an_authenticated_host_is_enough_and_that_is_recorded(bool promises)
    {
        await using var server = Server(new Script(Starttls.Works) { Extensions = promises ? s_promising : ["8BITMIME"] });

        var attempt = await DeliverAsync(MessageTls.Required, Vouched(server) with { AuthenticatedHopBy = "Outbound.Rules[3]" });

        Assert.IsType<RecipientOutcome.Delivered>(Outcome(attempt));
        Assert.Equal(promises, Assert.Single(server.Commands, IsMail).EndsWith(" REQUIRETLS", StringComparison.Ordinal));
        Assert.Equal(promises, attempt.Sessions[^1].RequireTlsSaid);
        var record = Assert.IsType<SessionRecord.Outbound>(Assert.Single(_sink.Sessions));
        Assert.Equal("REQUIRETLS of the sender, an authenticated host is enough by Outbound.Rules[3]", SecurityWords.Source(record.Plan));
    }

    [Theory]
    [InlineData(true, HostAuthenticity.Dnssec, PeerIdentity.Pkix, true)]
    [InlineData(true, HostAuthenticity.Dnssec, PeerIdentity.Unauthenticated, false)]
    [InlineData(true, HostAuthenticity.None, PeerIdentity.Pkix, false)]
    [InlineData(false, HostAuthenticity.Dnssec, PeerIdentity.Pkix, false)]
    public async Task A_report_is_delivered_in_any_case_and_protected_where_that_can_be(
        bool promises, HostAuthenticity authenticity, PeerIdentity identity, bool says)
    {
        _verdict = new PeerVerdict(identity, []);
        await using var server = Server(new Script(Starttls.Works) { Extensions = promises ? s_promising : ["8BITMIME"] });
        var host = Samples.Host(port: server.Port);

        var attempt = await DeliverAsync(
            MessageTls.Required, [], [host with { Host = host.Host with { Authenticity = authenticity } }], isReport: true);

        Assert.IsType<RecipientOutcome.Delivered>(Outcome(attempt));
        Assert.Equal(says, Assert.Single(server.Commands, IsMail).EndsWith(" REQUIRETLS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_waives_tls_goes_in_plaintext_to_a_host_that_had_it_before_and_not_below_a_rule()
    {
        await using var server = Server(new Script());
        var proven = Samples.Host(port: server.Port).With(new TransportPolicy.ProvenTls(Samples.Noon));
        var ruled = Samples.Host(SecurityFloor.Encrypted, port: server.Port);

        Assert.IsType<RecipientOutcome.Deferred>(Outcome(await DeliverAsync(MessageTls.Unspecified, proven)));
        Assert.IsType<RecipientOutcome.Deferred>(Outcome(await DeliverAsync(MessageTls.Optional, ruled)));
        Assert.Equal(0, server.MailsBegun);

        Assert.IsType<RecipientOutcome.Delivered>(Outcome(await DeliverAsync(MessageTls.Optional, proven)));
        Assert.DoesNotContain("REQUIRETLS", Assert.Single(server.Commands, IsMail), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_waives_tls_goes_to_a_host_that_fails_what_its_side_published()
    {
        _verdict = new PeerVerdict(PeerIdentity.Unauthenticated, [new TlsFailure(TlsResultType.CertificateExpired, "expired")]);
        await using var server = Server(new Script(Starttls.Works));
        var host = Samples.Host(port: server.Port);
        var listed = host.With(new TransportPolicy.MtaSts(new StsPolicy(StsMode.Enforce, ["mx.example.org"], TimeSpan.FromDays(7), "1"), Samples.Noon));
        var ruled = listed with { Policies = [.. listed.Policies, new TransportPolicy.Operator(SecurityFloor.Authenticated, "Outbound.Rules[0]")] };

        Assert.IsType<RecipientOutcome.Deferred>(Outcome(await DeliverAsync(MessageTls.Unspecified, listed)));
        Assert.IsType<RecipientOutcome.Deferred>(Outcome(await DeliverAsync(MessageTls.Optional, ruled)));
        Assert.Equal(0, server.MailsBegun);

        var attempt = await DeliverAsync(MessageTls.Optional, listed);
        Assert.IsType<RecipientOutcome.Delivered>(Outcome(attempt));
        Assert.Single(Assert.IsType<TlsOutcome.Encrypted>(attempt.Sessions[^1].Tls).Tolerated);
    }

    [Fact]
    public void A_session_that_was_not_cleared_for_it_is_not_used()
    {
        var plain = Samples.Host(SecurityFloor.Authenticated);
        var required = plain with { Policies = [.. plain.Policies, new TransportPolicy.RequireTls(true)] };
        Assert.False(ReuseRule.Allows(plain, required));
        Assert.True(ReuseRule.Allows(required, required));
    }

    /// <summary>A host that says what it is not sure of is no reason to return the message.</summary>
    [Theory]
    [InlineData(TlsResultType.StarttlsNotSupported, "not-offered", "5.7.10")]
    [InlineData(TlsResultType.StarttlsNotSupported, "starttls-refused", "4.7.4")]
    [InlineData(TlsResultType.CertificateHostMismatch, "name-mismatch", "5.7.10")]
    [InlineData(TlsResultType.TlsaInvalid, "no-match", "5.7.10")]
    [InlineData(TlsResultType.ValidationFailure, "timed-out", "4.7.5")]
    [InlineData(TlsResultType.ValidationFailure, "connection-reset", "4.7.5")]
    public void What_is_lasting_returns_a_message_that_requires_tls(TlsResultType type, string reason, string status)
    {
        var plan = Samples.Host();
        var denied = new Clearance.Denied(new TlsOutcome.Refused([new TlsFailure(type, reason)]));
        var required = plan with { Policies = [.. plan.Policies, new TransportPolicy.RequireTls(true)] };
        var encrypted = Samples.Host(SecurityFloor.Encrypted);

        var verdict = ReplyVerdict.OfSession(required, plan.Host.Addresses[0], TlsStart.StartTls, denied, earlierTlsFailure: true);
        var other = ReplyVerdict.OfSession(encrypted, plan.Host.Addresses[0], TlsStart.StartTls, denied, earlierTlsFailure: true);

        Assert.Equal(status, verdict.Outcome switch
        {
            RecipientOutcome.Bounced bounced => bounced.Status.ToString(),
            RecipientOutcome.Deferred deferred => deferred.Status.ToString(),
            _ => null,
        });
        Assert.Equal(NextStep.NextAddress, verdict.Next);
        Assert.IsType<RecipientOutcome.Deferred>(other.Outcome);
    }

    [Theory]
    [InlineData(MessageTls.Unspecified, true)]
    [InlineData(MessageTls.Optional, true)]
    public void Nobody_says_for_the_sender_what_he_did_not_say(MessageTls said, bool offered)
    {
        var capabilities = EhloCapabilities.Parse(new SmtpReply(250, null, ["mx", .. offered ? ["REQUIRETLS"] : Array.Empty<string>()]));
        var tls = new TlsOutcome.Encrypted(SslProtocols.Tls13, "", PeerIdentity.DaneEe, null, null, TimeSpan.Zero, []);
        var envelope = Samples.Lease().Pending with { Tls = said };
        Assert.Same(envelope, RequireTlsRule.AsSent(envelope, Samples.Host(), tls, capabilities));
    }

    Task<DeliveryAttempt> DeliverAsync(MessageTls tls, params HostPlan[] hosts) => DeliverAsync(tls, [], hosts);

    async Task<DeliveryAttempt> DeliverAsync(MessageTls tls, ExcludedHost[] excluded, HostPlan[] hosts, bool isReport = false)
    {
        var lease = Samples.Lease();
        lease = lease with { Pending = lease.Pending with { Tls = tls, ReturnPath = isReport ? null : lease.Pending.ReturnPath } };
        var plan = new DeliveryPlan.Relay([.. hosts]) { Excluded = [.. excluded] }.For(lease.Pending);
        await using var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net" },
                Verify = _ => _ => _verdict,
                LastProven = _ => tls is MessageTls.Optional ? new TransportPolicy.ProvenTls(Samples.Noon) : null,
            },
            _sink,
            NullLogger<Deliverer>.Instance);
        return await deliverer.DeliverAsync(lease, Assert.IsType<DeliveryPlan.Relay>(plan), Samples.Open, TestContext.Current.CancellationToken);
    }

    ScriptedServer Server(Script script) => new(_certificate, script);

    static HostPlan Vouched(ScriptedServer server) => Vouched(Samples.Host(port: server.Port));

    static HostPlan Vouched(HostPlan host) => host with { Host = host.Host with { Authenticity = HostAuthenticity.Dnssec } };

    static bool IsMail(string command) => command.Contains("MAIL FROM", StringComparison.Ordinal);

    static RecipientOutcome Outcome(DeliveryAttempt attempt) => Assert.Single(attempt.Recipients).Outcome;
}
