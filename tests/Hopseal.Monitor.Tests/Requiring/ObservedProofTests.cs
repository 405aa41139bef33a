using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Smtp.Tls;

namespace Hopseal.Monitor.Tests.Requiring;

public sealed class ObservedProofTests
{
    static readonly DateTimeOffset s_at = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    static readonly CertificateFacts s_certificate = new(
        "CN=mx", "CN=ca", ["mx.bank.example"], s_at.AddDays(-30), s_at.AddDays(60), "ECDSA", 256, "nistP256", "sha256ECDSA", "SHA256", new string('a', 64), new string('b', 64), true);

    static readonly HandshakeFacts s_valid = new(true, null, "TLSv1.3", "TLS_AES_256_GCM_SHA384", [s_certificate], [], true, null, null);

    static readonly HandshakeFacts s_selfSigned = s_valid with { PkixProblems = ["untrusted: self-signed"] };

    [Fact]
    public void Certificates_for_names_within_the_domain_need_no_names_in_the_rule()
    {
        var proved = Proved(Of(signed: false, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_valid)));
        Assert.Equal((SecurityFloor.Authenticated, TlsVersion.Tls13), (proved.Floor, proved.MinimumVersion));
        Assert.Empty(proved.Names);
        Assert.Empty(proved.Remarks);
        Assert.Equal("2 hosts with 2 addresses did TLS 1.3; each has a certificate of the web PKI for its name", proved.Because);
    }

    [Fact]
    public void Names_that_only_an_unsigned_MX_record_gives_stand_in_the_rule()
    {
        var proved = Proved(Of(signed: false, Host("mx1.provider.example", s_valid), Host("mx.bank.example", s_valid), Host("mx2.provider.example", s_valid)));
        Assert.Equal(SecurityFloor.Authenticated, proved.Floor);
        Assert.Equal(["mx1.provider.example", "mx2.provider.example"], proved.Names);
        Assert.Contains(proved.Remarks, remark => remark.Contains("not signed", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_of_signed_MX_records_are_believed_as_they_are() =>
        Assert.Empty(Proved(Of(signed: true, Host("mx1.provider.example", s_valid))).Names);

    [Fact]
    public void DANE_proves_a_host_without_an_authority()
    {
        var proved = Proved(Of(signed: true, Host("mx.provider.example", s_selfSigned with { TlsaMatches = true }, TlsaAnswer.Signed)));
        Assert.Equal(SecurityFloor.Authenticated, proved.Floor);
        Assert.EndsWith("each matches its TLSA records", proved.Because, StringComparison.Ordinal);
        Assert.Contains(proved.Remarks, remark => remark.Contains("DANE alone", StringComparison.Ordinal));
    }

    [Fact]
    public void One_host_by_DANE_and_another_by_its_certificate_are_both_proved()
    {
        var proved = Proved(Of(
            signed: true, Host("mx1.bank.example", s_selfSigned with { TlsaMatches = true }, TlsaAnswer.Signed), Host("mx2.bank.example", s_valid)));
        Assert.Equal(SecurityFloor.Authenticated, proved.Floor);
        Assert.EndsWith("or has a certificate of the web PKI for its name", proved.Because, StringComparison.Ordinal);
    }

    [Fact]
    public void TLSA_records_of_a_host_that_an_unsigned_MX_record_names_prove_nothing_of_the_domain()
    {
        var proved = Proved(Of(signed: false, Host("mx.provider.example", s_selfSigned with { TlsaMatches = true }, TlsaAnswer.Signed)));
        Assert.Equal(SecurityFloor.Encrypted, proved.Floor);
        Assert.Empty(proved.Names);
    }

    [Fact]
    public void One_host_without_a_valid_certificate_leaves_encryption()
    {
        var proved = Proved(Of(signed: true, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_selfSigned)));
        Assert.Equal(SecurityFloor.Encrypted, proved.Floor);
        Assert.Contains(proved.Remarks, remark => remark.Contains("mx2.bank.example [192.0.2.1] does not: untrusted: self-signed", StringComparison.Ordinal));
    }

    [Fact]
    public void A_certificate_for_another_name_leaves_encryption() =>
        Assert.Equal(SecurityFloor.Encrypted, Proved(Of(signed: true, Host("mx1.bank.example", s_valid with { NameMatches = false }))).Floor);

    [Fact]
    public void One_address_that_chose_an_older_version_keeps_it_allowed()
    {
        var proved = Proved(Of(signed: true, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_valid with { Version = "TLSv1.2" })));
        Assert.Equal(TlsVersion.Tls12, proved.MinimumVersion);
        Assert.Null(proved.RuleVersion);
        Assert.Contains(proved.Remarks, remark => remark.Contains("mx2.bank.example [192.0.2.1] chose it", StringComparison.Ordinal));
    }

    [Fact]
    public void An_address_that_nobody_reaches_counts_for_nothing_beside_one_that_answers()
    {
        var host = Host("mx.bank.example", s_valid);
        var proved = Proved(Of(signed: true, host with { Endpoints = [.. host.Endpoints, Endpoint("2001:db8::1", Reach.Unreachable, null)] }));
        Assert.Equal(SecurityFloor.Authenticated, proved.Floor);
        Assert.Equal(["mx.bank.example [2001:db8::1] was not reached, and counts for nothing: why"], proved.Remarks);
    }

    [Theory]
    [InlineData(Reach.TurnedAway)]
    [InlineData(Reach.Refused)]
    [InlineData(Reach.Unreadable)]
    [InlineData(Reach.NotAsked)]
    public void An_address_that_was_not_seen_to_the_end_leaves_no_demand(Reach reach)
    {
        var host = Host("mx.bank.example", s_valid);
        Assert.Contains("was not seen to the end", Nothing(Of(signed: true, host with { Endpoints = [.. host.Endpoints, Endpoint("192.0.2.2", reach, null)] })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_was_not_reached_leaves_no_demand() => Assert.Equal(
        "mx2.bank.example was not reached: why",
        Nothing(Of(signed: true, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_valid) with { Endpoints = [Endpoint("192.0.2.2", Reach.Unreachable, null)] })));

    [Fact]
    public void A_host_whose_addresses_are_not_known_leaves_no_demand() => Assert.Equal(
        "the addresses of mx2.bank.example are not known: SERVFAIL",
        Nothing(Of(
            signed: true, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_valid) with { Endpoints = [], AddressesKnown = false, AddressProblem = "SERVFAIL" })));

    [Fact]
    public void A_host_without_addresses_counts_for_nothing()
    {
        var proved = Proved(Of(signed: true, Host("mx1.bank.example", s_valid), Host("mx2.bank.example", s_valid) with { Endpoints = [], AddressProblem = "there is none" }));
        Assert.Equal(SecurityFloor.Authenticated, proved.Floor);
        Assert.Equal(["mx2.bank.example has no address, and counts for nothing"], proved.Remarks);
    }

    [Fact]
    public void Plaintext_leaves_no_demand()
    {
        var host = Host("mx.bank.example", s_valid);
        var plain = host.Endpoints[0] with { Dialogue = host.Endpoints[0].Dialogue with { StartTls = false }, Handshake = null };
        Assert.Equal("mx.bank.example [192.0.2.1] does not offer STARTTLS", Nothing(Of(signed: true, host with { Endpoints = [plain] })));
    }

    [Fact]
    public void A_failed_handshake_leaves_no_demand() => Assert.Equal(
        "mx.bank.example [192.0.2.1] does not come to TLS: alert 40",
        Nothing(Of(signed: true, Host("mx.bank.example", new HandshakeFacts(false, "alert 40", null, null, [], [], null, null, null)))));

    [Fact]
    public void TLSA_records_that_do_not_match_leave_no_demand() => Assert.Contains(
        "do not match", Nothing(Of(signed: true, Host("mx.bank.example", s_valid with { TlsaMatches = false }, TlsaAnswer.Signed))), StringComparison.Ordinal);

    [Fact]
    public void TLSA_records_that_cannot_be_looked_up_leave_no_demand() => Assert.Contains(
        "cannot be looked up", Nothing(Of(signed: true, Host("mx.bank.example", s_valid, TlsaAnswer.Failed))), StringComparison.Ordinal);

    [Theory]
    [InlineData(MxState.Null)]
    [InlineData(MxState.NoSuchDomain)]
    [InlineData(MxState.Unroutable)]
    [InlineData(MxState.NotKnown)]
    public void A_domain_without_known_hosts_is_held_to_nothing(MxState state)
    {
        var facts = Of(signed: true);
        Nothing(facts with { Domain = facts.Domain! with { Mx = new MxFacts(state, true, [], "SERVFAIL") } });
        Assert.Equal("none of its hosts has an address", Nothing(facts));
    }

    [Fact]
    public void A_host_that_was_audited_alone_is_no_domain() => Nothing(Of(signed: true, Host("mx.bank.example", s_valid)) with { Domain = null });

    [Fact]
    public void Of_a_domain_that_is_watched_what_it_looks_like_now_counts()
    {
        var current = new Observation(2, Of(signed: true, Host("mx.bank.example", s_valid with { Version = "TLSv1.2" })), s_at, s_at.AddHours(6));
        var before = new Observation(1, Of(signed: true, Host("mx.bank.example", s_valid)), s_at.AddDays(-1), s_at);
        var proved = Assert.IsType<ObservedProof.Demand>(ObservedProof.Of(History(before, current)));
        Assert.Equal((TlsVersion.Tls12, s_at.AddHours(6)), (proved.MinimumVersion, proved.SeenAt));
        Assert.EndsWith("(seen 2026-12-01 18:00 UTC)", proved.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_last_look_could_not_find_out_is_said()
    {
        var history = History(new Observation(1, Of(signed: true, Host("mx.bank.example", s_valid)), s_at, s_at));
        var proved = Assert.IsType<ObservedProof.Demand>(ObservedProof.Of(history with { Looks = history.Looks with { Unanswered = [new UnansweredPart("mx.bank.example", "421", s_at)] } }));
        Assert.Contains("mx.bank.example: 421", Assert.Single(proved.Remarks), StringComparison.Ordinal);
    }

    [Fact]
    public void A_domain_that_looks_different_for_now_is_held_to_nothing()
    {
        var history = History(new Observation(1, Of(signed: true, Host("mx.bank.example", s_valid)), s_at, s_at));
        var nothing = Assert.IsType<ObservedProof.Nothing>(ObservedProof.Of(history with { Looks = history.Looks with { PendingSince = s_at } }));
        Assert.Contains("looks different since 2026-12-01 12:00 UTC", nothing.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_domain_that_nobody_has_seen_yet_is_held_to_nothing() => Assert.IsType<ObservedProof.Nothing>(ObservedProof.Of(History()));

    static DomainHistory History(params ImmutableArray<Observation> observations) =>
        new(new WatchedDomain(DomainName.Parse("bank.example"), WatchedAs.Partner), observations.FirstOrDefault(), observations, new LookState(s_at, s_at, 0, null));

    static ObservedProof.Demand Proved(AuditFacts facts) => Assert.IsType<ObservedProof.Demand>(ObservedProof.Of(facts));

    static string Nothing(AuditFacts facts) => Assert.IsType<ObservedProof.Nothing>(ObservedProof.Of(facts)).Why;

    static AuditFacts Of(bool signed, params ImmutableArray<HostFacts> hosts) => new(
        "bank.example", s_at, TimeSpan.FromSeconds(1), false,
        new DomainFacts("bank.example", new MxFacts(MxState.Found, signed, [.. hosts.Select(host => new ExchangerFacts(10, host.Name))]), new StsFacts(null, true, null, null, null), new TlsRptFacts(null, true, null, [])),
        hosts);

    static HostFacts Host(string name, HandshakeFacts handshake, TlsaAnswer tlsa = TlsaAnswer.Absent) =>
        new(name, 10, null, true, new TlsaFacts(tlsa, null, [], []), [Endpoint("192.0.2.1", Reach.Talked, handshake)]);

    static EndpointFacts Endpoint(string address, Reach reach, HandshakeFacts? handshake) =>
        new(address, 25, "smtp", 1, new DialogueFacts(reach, reach is Reach.Talked ? null : "why", null, [], reach is Reach.Talked ? true : null, "220 go", [], [], []), handshake);
}
