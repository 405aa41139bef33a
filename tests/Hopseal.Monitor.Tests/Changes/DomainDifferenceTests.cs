using FsCheck.Xunit;
using Hopseal.Audit.Facts;
using Hopseal.Monitor.Changes;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class DomainDifferenceTests
{
    static readonly CertificateFacts s_rsa = Certificate(First, '7') with { KeyKind = "RSA", KeyBits = 3072, Curve = null, Fingerprint = Digest('6') };

    static readonly Dictionary<string, AuditFacts> s_changes = new()
    {
        [$"{First} no longer offers STARTTLS"] = Facts.Dialogue(dialogue => dialogue with { StartTls = false }),
        [$"{First} [2001:db8::1] no longer offers STARTTLS"] = Facts.Endpoints(endpoint => endpoint.Address == "2001:db8::1" ? endpoint with { Dialogue = endpoint.Dialogue with { StartTls = false } } : endpoint),
        [$"{First} does not answer any more: 421 too many connections"] = Facts.Silent(),
        [$"{First}: something on the way overwrites what it says: capability: XXXXXXXA"] = Facts.Dialogue(dialogue => dialogue with { Masked = ["capability: XXXXXXXA"] }),
        [$"{First} asks for passwords before TLS now"] = Facts.Dialogue(dialogue => dialogue with { Capabilities = ["AUTH PLAIN", "STARTTLS"] }),
        [$"{First} offers STARTTLS again inside TLS"] = Facts.Dialogue(dialogue => dialogue with { CapabilitiesInside = ["STARTTLS"] }),
        [$"{First}: the TLS handshake fails: no shared cipher"] = Facts.Endpoints(endpoint => endpoint with { Handshake = RuleCases.Broken("no shared cipher") }),
        [$"{First}: certificate renewed (Let's Encrypt R11 → Let's Encrypt R12), same key, until 2027-03-01"] =
            Facts.Leaf(leaf => leaf with { Fingerprint = Digest('6'), Issuer = "CN=R12, O=Let's Encrypt, C=US", Until = At.AddDays(90) }),
        [$"{First}: certificate renewed (Let's Encrypt R11), new key (ECDSA 256 → RSA 3072), until 2027-01-30"] = Facts.Leaf(_ => s_rsa),
        [$"{First} sends other intermediate certificates"] = Facts.Handshake(handshake => handshake with { Chain = handshake.Chain[..1] }),
        [$"{First}: the web PKI does not vouch for its certificate any more: certificate-expired"] = Facts.Handshake(handshake => handshake with { PkixProblems = ["certificate-expired"] }),
        [$"{First}: its certificate is no longer for its name"] = Facts.Handshake(handshake => handshake with { NameMatches = false }),
        [$"{First}: a certificate matches no TLSA record any more"] = Facts.Handshake(handshake => handshake with { TlsaMatches = false }),
        [$"{First}: certificates for other clients: RSA 3072 until 2027-01-30 (66666666) added"] = Facts.Endpoints(endpoint => endpoint with { OtherCertificates = [s_rsa] }),
        [$"{First} no longer speaks TLS 1.3"] = Facts.Version("TLS 1.3", false),
        [$"{First} speaks TLS 1.0 now"] = Facts.Version("TLS 1.0", true),
        [$"{First}: suites: TLS_RSA_WITH_AES_128_CBC_SHA (TLS 1.2) added"] = Facts.Tls(tls => tls with { Suites = tls.Suites.Add(new SuiteFact("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")) }),
        [$"{First}: groups: secp256r1 added; X25519MLKEM768 removed"] = Facts.Tls(tls => tls with { Groups = ["x25519", "secp256r1"] }),
        [$"{First} has no post-quantum group any more"] = Facts.Tls(tls => tls with { Groups = ["x25519"], AllGroups = false }),
        [$"{First} no longer prefers a post-quantum group"] = Facts.Tls(tls => tls with { PostQuantumPreferred = false }),
        [$"{First} takes the client's order of suites now"] = Facts.Tls(tls => tls with { ServerOrder = false }),
        [$"{First} no longer has the extended master secret"] = Facts.Tls(tls => tls with { ExtendedMasterSecret = false }),
        [$"{First} executes commands that were sent in plaintext before TLS (CVE-2011-0411)"] = Facts.Endpoints(endpoint => endpoint with { Injection = new InjectionFacts(true, "") }),
        [$"{First}: addresses: 192.0.2.9 added; 192.0.2.1 removed"] = Facts.Endpoints(endpoint => endpoint.Address == "192.0.2.1" ? endpoint with { Address = "192.0.2.9" } : endpoint),
        [$"{First}: addresses are no longer signed by DNSSEC"] = Facts.Host(host => host with { AddressesSigned = false }),
        [$"{First}: TLSA records: 3 1 1 {Digest('7')} added"] = Facts.Tlsa(tlsa => tlsa with { Records = [.. tlsa.Records, $"3 1 1 {Digest('7')}"] }),
        [$"{First} has no TLSA records any more"] = Facts.Tlsa(_ => new TlsaFacts(TlsaAnswer.Absent, null, [], [])),
        [$"{First}: TLSA records cannot be looked up: bogus"] = Facts.Tlsa(_ => new TlsaFacts(TlsaAnswer.Failed, null, [], [], "bogus")),
        ["mx3.good.example takes its mail now"] = RuleCases.Another(Facts, endpoint => endpoint),
        [$"{Second} no longer takes its mail"] = Facts.Mx(mx => mx with { Exchangers = mx.Exchangers[..1] }) with { Hosts = Facts.Hosts[..1] },
        [$"{First}: preference 10 → 5"] = Facts.Mx(mx => mx with { Exchangers = [mx.Exchangers[0] with { Preference = 5 }, mx.Exchangers[1]] }),
        ["MX records are no longer signed by DNSSEC"] = Facts.Mx(mx => mx with { Signed = false }),
        ["MTA-STS policy: mode enforce → testing"] = Facts.Policy(policy => policy with { Mode = "testing" }),
        ["MTA-STS policy: remembered for 30 days → 3600 seconds"] = Facts.Policy(policy => policy with { MaxAgeSeconds = 3600 }),
        [$"MTA-STS policy: hosts: {First} added; *.good.example removed"] = Facts.Policy(policy => policy with { Mx = [First] }),
        ["MTA-STS policy: id 1 → 2"] = Facts.Sts(sts => sts with { Record = "2" }),
        ["the MTA-STS policy cannot be fetched: webpki-invalid"] = Facts.Sts(sts => sts with { Policy = null, FetchProblem = "webpki-invalid" }),
        ["the MTA-STS record is gone"] = Facts.WithoutSts(),
        ["the certificate of the MTA-STS policy host: until 2027-01-30 → 2027-03-01"] = Facts.Sts(sts => sts with { HostCertificateUntil = At.AddDays(90) }),
        ["TLS reports are no longer asked for; before: v=TLSRPTv1; rua=mailto:tls@good.example"] = Facts.Reports(_ => new TlsRptFacts(null, true, null, [])),
        [$"{First}: CAA records: 0 issue \"other.example\" added; 0 issue \"ca.example\" removed"] =
            Facts.Host(host => host with { Caa = new CaaFacts(Name, ["0 issue \"other.example\""]) { Restricts = true } }),
    };

    public static TheoryData<string> Texts => [.. s_changes.Keys];

    [Theory]
    [MemberData(nameof(Texts))]
    public void One_change_is_one_line(string text) => Assert.Equal([text], DomainDifference.Between(Facts, s_changes[text]).Select(change => change.Text));

    /// <summary>Whatever it is, the way back turns the other way.</summary>
    [Theory]
    [MemberData(nameof(Texts))]
    public void What_is_worse_one_way_is_better_the_other(string text)
    {
        var there = DomainDifference.Between(Facts, s_changes[text]).Select(change => change.Turn);
        var back = DomainDifference.Between(s_changes[text], Facts).Select(change => change.Turn switch { Turn.Better => Turn.Worse, Turn.Worse => Turn.Better, _ => Turn.Neutral });
        var isOneWay = text.Contains("until 2027-01-30 → 2027-03-01", StringComparison.Ordinal);
        Assert.Equal(isOneWay ? [Turn.Neutral] : there, back);
    }

    [Fact]
    public void A_mail_domain_that_takes_none_any_more_says_so() => Assert.Equal(
        [new DomainChange(Turn.Worse, "mail: MX records → takes none"), new DomainChange(Turn.Neutral, $"{First} no longer takes its mail"), new DomainChange(Turn.Neutral, $"{Second} no longer takes its mail")],
        DomainDifference.Between(Facts, Facts.Mx(_ => new MxFacts(MxState.Null, true, [])) with { Hosts = [] }));

    [Fact]
    public void What_is_not_known_is_no_change()
    {
        Assert.Empty(DomainDifference.Between(Facts, Facts.Mx(_ => new MxFacts(MxState.NotKnown, false, [])) with { Hosts = [] }));
        Assert.Empty(DomainDifference.Between(Facts, Facts.Sts(_ => new StsFacts(null, false, "timed out", null, null))));
        Assert.Empty(DomainDifference.Between(Facts, Facts.Reports(_ => new TlsRptFacts(null, false, "timed out", []))));
        Assert.Empty(DomainDifference.Between(Facts, Facts.Host(host => host with { Caa = new CaaFacts(null, [], "timed out") })));
        Assert.Empty(DomainDifference.Between(Facts, Facts.Endpoints(endpoint => endpoint with { Tls = null, Injection = null })));
    }

    [Property]
    public bool The_same_is_no_change_and_any_two_can_be_compared(int one, int other)
    {
        AuditFacts[] all = [Facts, .. s_changes.Values, .. RuleCases.All.Values.Select(each => each.Now)];
        var (before, after) = (all[(int)((uint)one % all.Length)], all[(int)((uint)other % all.Length)]);
        return DomainDifference.Between(before, before).IsEmpty
            && DomainDifference.Between(before, after).All(change => change.Text.Length > 0)
            && DomainDifference.Between(before, after with { At = At.AddDays(1), Hosts = [.. after.Hosts.Reverse()] }).ToHashSet().SetEquals(DomainDifference.Between(before, after));
    }
}
