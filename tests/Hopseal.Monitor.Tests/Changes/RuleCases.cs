using Hopseal.Audit.Facts;
using Hopseal.Reports.Alerts;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

/// <summary>One thing that went wrong, and what is told of it.</summary>
/// <param name="Own">How severe it is with a domain of ours; null: it is not told.</param>
/// <param name="OwnOld">The same when the reference was no better.</param>
sealed record RuleCase(
    string Rule, string Subject, AuditFacts Now, string Text, AlertSeverity? Own, AlertSeverity? Partner, AlertSeverity? OwnOld = null, AlertSeverity? PartnerOld = null)
{
    public AuditFacts Then { get; init; } = GoodDomain.Facts;

    /// <summary>It is told as a change, for some days.</summary>
    public bool IsChange { get; init; }
}

static class RuleCases
{
    const AlertSeverity Critical = AlertSeverity.Critical;
    const AlertSeverity Warning = AlertSeverity.Warning;
    const AlertSeverity Info = AlertSeverity.Info;

    static readonly AuditFacts s_oldKey = Facts.Leaf(leaf => leaf with { Fingerprint = Digest('9') });

    static readonly CertificateFacts s_rsa = Certificate(First, '7') with { KeyKind = "RSA", KeyBits = 3072, Curve = null, Fingerprint = Digest('6') };

    public static Dictionary<string, RuleCase> All { get; } = new()
    {
        ["STARTTLS gone"] = new(
            AlertRules.MonitorStartTls, First, Facts.Endpoints(WithoutStartTls), "does not offer STARTTLS any more; it offers PIPELINING", Critical, Critical, Warning),
        ["STARTTLS gone at one address"] = new(
            AlertRules.MonitorStartTls, First, Facts.Host(host => host with { Endpoints = [host.Endpoints[0], WithoutStartTls(host.Endpoints[1])] }), $"{First} [2001:db8::1] does not", Critical, Critical, Warning),
        ["a new host without STARTTLS"] = new(
            AlertRules.MonitorStartTls, Name, Another(Facts, WithoutStartTls), "mx3.good.example does not offer STARTTLS; it offers", Critical, Critical, null)
        { IsChange = true },
        ["handshake broken"] = new(
            AlertRules.MonitorHandshake, First, Facts.Endpoints(endpoint => endpoint with { Handshake = Broken("no shared cipher"), Tls = null }), "no TLS comes of it: no shared cipher", Critical, Critical, Warning),
        ["masked"] = new(
            AlertRules.MonitorMasked, First, Facts.Endpoints(endpoint => WithoutStartTls(endpoint) with
            {
                Dialogue = endpoint.Dialogue with { StartTls = false, Capabilities = ["XXXXXXXA"], Masked = ["capability: XXXXXXXA"], CapabilitiesInside = [] },
            }), "overwrites what it says: capability: XXXXXXXA", Critical, Critical, Warning, Info),
        ["TLSA of another key"] = new(
            AlertRules.MonitorTlsaMismatch, First, Facts.Tlsa(tlsa => tlsa with { Records = [$"3 1 1 {Digest('0')}"] }).Handshake(Mismatch),
            $"The certificate of {First} matches no TLSA record", Critical, Critical, Critical, Warning),
        ["a second certificate without TLSA"] = new(
            AlertRules.MonitorTlsaMismatch, First, Facts.Endpoints(endpoint => endpoint with { OtherCertificates = [s_rsa], UnmatchedCertificates = [s_rsa.Fingerprint] }),
            "The RSA certificate of", Critical, Critical, Critical, Warning),
        ["new key, old TLSA"] = new(
            AlertRules.MonitorTlsaRollover, First, Facts.Leaf(leaf => leaf with { KeyFingerprint = Digest('7'), Fingerprint = Digest('6'), From = At.AddDays(-1), Until = At.AddDays(89) }).Handshake(Mismatch),
            "has a new key, and its TLSA records are still for the old one", Critical, Critical)
        { Then = Ending(Facts) },
        ["new key together with its TLSA"] = new(
            AlertRules.MonitorTlsaRollover, First,
            Facts.Leaf(leaf => leaf with { KeyFingerprint = Digest('7'), Fingerprint = Digest('6') }).Tlsa(tlsa => tlsa with { Records = [$"3 1 1 {Digest('7')}"] }),
            "changed its key and its TLSA records together", Critical, Warning)
        { Then = Ending(Facts), IsChange = true },
        ["TLSA look-up fails"] = new(
            AlertRules.MonitorDnssecFailed, First, Facts.Tlsa(_ => new TlsaFacts(TlsaAnswer.Failed, null, [], [], "bogus")).Handshake(Unasked), "cannot be looked up: bogus", Critical, Critical, Warning, Info),
        ["MX no longer signed"] = new(AlertRules.MonitorDnssecLost, Name, Facts.Mx(mx => mx with { Signed = false }), "MX records of good.example are not signed any more", Critical, Warning),
        ["addresses no longer signed"] = new(
            AlertRules.MonitorDnssecLost, First, Facts.WithoutDane().Host(host => host with { AddressesSigned = false }), "so that DANE protects it no longer", Critical, Warning),
        ["TLSA gone"] = new(AlertRules.MonitorDaneLost, First, Facts.WithoutDane(), "has no TLSA records any more", Critical, Warning),
        ["TLSA unusable"] = new(
            AlertRules.MonitorDaneLost, First, Facts.Tlsa(tlsa => tlsa with { Records = [], Unusable = ["1 1 1 00"] }).Handshake(Unasked), "None of the TLSA records", Critical, Warning),
        ["TLSA unsigned"] = new(AlertRules.MonitorDaneLost, First, Facts.WithoutDane().Tlsa(tlsa => tlsa with { Answer = TlsaAnswer.Unsigned }), "are not signed any more", Critical, Warning),
        ["domain gone"] = new(
            AlertRules.MonitorMxGone, Name, Facts.Mx(_ => new MxFacts(MxState.NoSuchDomain, false, [])) with { Hosts = [] }, "does not exist any more", Critical, Warning, Warning),
        ["no mail any more"] = new(
            AlertRules.MonitorMxGone, Name, Facts.Mx(_ => new MxFacts(MxState.Null, true, [])) with { Hosts = [] }, "says that it takes no mail any more", Critical, Warning),
        ["MX without a host"] = new(
            AlertRules.MonitorMxGone, Name, Facts.Mx(mx => mx with { State = MxState.Unroutable, Exchangers = [new ExchangerFacts(10, null, "192.0.2.1")] }) with { Hosts = [] },
            "has no host that mail could go to", Critical, Warning, Warning),
        ["host without an address"] = new(AlertRules.MonitorUnreachable, First, WithoutAddresses(Facts), "has no address any more: there is no address", Warning, Info),
        ["MX added"] = new(AlertRules.MonitorMxChanged, Name, Another(Facts, endpoint => endpoint), "on 2026-12-01 mx3.good.example came", Warning, Info) { IsChange = true },
        ["MX removed"] = new(
            AlertRules.MonitorMxChanged, Name, Facts.Mx(mx => mx with { Exchangers = mx.Exchangers[..1] }) with { Hosts = Facts.Hosts[..1] }, "mx2.good.example left", Warning, Info)
        { IsChange = true },
        ["moved, proven"] = new(AlertRules.MonitorMxNetwork, First, Moved(Facts), "moved to another network on 2026-12-01: 203.0.113.1", Info, null) { IsChange = true },
        ["moved, unproven"] = new(AlertRules.MonitorMxNetwork, First, Moved(SelfSigned(Facts.WithoutSts().WithoutDane())), "moved to another network", Warning, Warning)
        {
            Then = SelfSigned(Facts.WithoutSts().WithoutDane()),
            IsChange = true,
        },
        ["host not in the policy"] = new(
            AlertRules.MonitorStsMx, Name, Facts.Policy(policy => policy with { Mx = [First] }).Sts(sts => sts with { Record = "2" }), $"{Second} is not in the MTA-STS policy", Critical, Warning, Critical, Info),
        ["no host in the policy"] = new(
            AlertRules.MonitorStsMx, Name, Facts.Policy(policy => policy with { Mx = ["*.other.example"] }).Sts(sts => sts with { Record = "2" }), $"{First}, {Second} are not in", Critical, Critical, Critical, Info),
        ["certificate of another name under enforce"] = new(
            AlertRules.MonitorStsCertificate, First, Facts.Handshake(handshake => handshake with { NameMatches = false }).Leaf(leaf => leaf with { Names = ["other.example"] }),
            $"it is for other.example, not for {First}", Critical, Critical, Critical, Info),
        ["untrusted certificate under testing"] = new(
            AlertRules.MonitorStsCertificate, First, Tested(Facts).Handshake(Untrusted), "which is only tested: certificate-not-trusted", Warning, Warning, Warning)
        { Then = Tested(Facts) },
        ["policy not fetched"] = new(
            AlertRules.MonitorStsFetch, Name, Facts.Sts(sts => sts with { Policy = null, FetchProblem = "webpki-invalid: expired" }), "cannot be fetched: webpki-invalid: expired", Critical, Warning, Warning),
        ["policy host ends"] = new(AlertRules.MonitorStsHost, Name, Facts.Sts(sts => sts with { HostCertificateUntil = At.AddDays(6) }), "ends in 6 days, on 2026-12-07", Warning, Info, Warning, Info),
        ["policy host soon"] = new(AlertRules.MonitorStsHost, Name, Facts.Sts(sts => sts with { HostCertificateUntil = At.AddDays(13) }), "ends in 13 days", Info, null, Info),
        ["policy host ended"] = new(AlertRules.MonitorStsHost, Name, Facts.Sts(sts => sts with { HostCertificateUntil = At.AddDays(-1) }), "has expired on 2026-11-30", Critical, Warning, Critical, Warning),
        ["same id"] = new(AlertRules.MonitorStsId, Name, Facts.Policy(policy => policy with { Mx = [First, Second] }), "its id is still 1", Warning, Info) { IsChange = true },
        ["mode lowered"] = new(AlertRules.MonitorStsWeaker, Name, Tested(Facts), "went from enforce to testing", Warning, Warning),
        ["max_age lowered"] = new(
            AlertRules.MonitorStsWeaker, Name, Facts.Policy(policy => policy with { MaxAgeSeconds = 3600 }).Sts(sts => sts with { Record = "2" }), "remembered for 3600 seconds only; it was 30 days", Warning, Info),
        ["policy vanished"] = new(AlertRules.MonitorStsWeaker, Name, Facts.WithoutSts(), "record of good.example is gone; its policy was enforce", Warning, Warning),
        ["policy record malformed"] = new(
            AlertRules.MonitorStsWeaker, Name, Facts.Sts(_ => new StsFacts(null, true, "there are 2 records, and none counts", null, null)), "cannot be used any more: there are 2 records", Warning, Warning),
        ["certificate ends in 14 days"] = new(AlertRules.MonitorCertificateExpiring, First, Until(13), "ends in 13 days, on 2026-12-14", Warning, Info, Warning, Info),
        ["certificate ends in 7 days"] = new(AlertRules.MonitorCertificateExpiring, First, Until(6.5), "ends in 6 days", Warning, Warning, Warning, Warning),
        ["certificate ends tomorrow"] = new(AlertRules.MonitorCertificateExpiring, First, Until(0.5), "ends in 0 days", Critical, Critical, Critical, Critical),
        ["certificate ended"] = new(
            AlertRules.MonitorCertificateExpiring, First, Until(-1).Handshake(Untrusted), "has expired on 2026-11-30", Critical, Critical, Critical, Critical),
        ["no longer verified"] = new(AlertRules.MonitorCertificateUnverified, First, Facts.WithoutSts().Handshake(Untrusted), "could be verified, and cannot any more: certificate-not-trusted", Warning, Warning)
        {
            Then = Facts.WithoutSts(),
        },
        ["another issuer"] = new(
            AlertRules.MonitorCertificateIssuer, First, s_oldKey.Leaf(leaf => leaf with { Issuer = "CN=Sub CA 3, O=\"Honest, Inc.\", C=XX" }),
            "from another issuer since 2026-12-01: Honest, Inc. Sub CA 3, before Let's Encrypt R11", Warning, Info)
        { IsChange = true },
        ["early new key"] = new(
            AlertRules.MonitorCertificateKey, First, WithoutTlsa(Facts).Leaf(leaf => leaf with { Fingerprint = Digest('6'), KeyFingerprint = Digest('7') }), "has a new key since 2026-12-01, though", Warning, null)
        {
            Then = WithoutTlsa(Facts),
            IsChange = true,
        },
        ["key used again"] = new(
            AlertRules.MonitorCertificateKey, First, WithoutTlsa(Facts).Leaf(leaf => leaf with { Fingerprint = Digest('6') }), "was renewed on 2026-12-01 with the key that it had", Info, null)
        {
            Then = WithoutTlsa(Facts),
            IsChange = true,
        },
        ["TLS 1.3 lost"] = new(AlertRules.MonitorWeaker, First, Facts.Version("TLS 1.3", false), "no TLS 1.3 any more", Warning, Warning),
        ["TLS 1.0 back"] = new(AlertRules.MonitorWeaker, First, Facts.Version("TLS 1.0", true), "it speaks TLS 1.0 again", Warning, Warning),
        ["post-quantum lost"] = new(AlertRules.MonitorWeaker, First, Facts.Tls(tls => tls with { Groups = ["x25519"], PostQuantumPreferred = false }), "no post-quantum group any more", Warning, Warning),
        ["broken suite"] = new(
            AlertRules.MonitorWeaker, First, Facts.Tls(tls => tls with { Suites = tls.Suites.Add(new SuiteFact("TLS 1.2", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")), AllSuites = false }),
            "it accepts TLS_RSA_WITH_3DES_EDE_CBC_SHA", Warning, Warning),
        ["older suites"] = new(
            AlertRules.MonitorWeaker, First, Facts.Tls(tls => tls with { Suites = tls.Suites.Add(new SuiteFact("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")) }),
            "it accepts TLS_RSA_WITH_AES_128_CBC_SHA", Warning, Warning),
        ["smaller key"] = new(
            AlertRules.MonitorWeaker, First, Facts.Leaf(leaf => leaf with { KeyKind = "RSA", KeyBits = 2048 }), "its key is RSA 2048, before ECDSA 256", Warning, Warning),
        ["no extended master secret"] = new(AlertRules.MonitorWeaker, First, Facts.Tls(tls => tls with { ExtendedMasterSecret = false }), "no extended master secret any more", Warning, Warning),
        ["injection"] = new(
            AlertRules.MonitorWeaker, First, Facts.Endpoints(endpoint => endpoint with { Injection = new InjectionFacts(true, "two answers") }), "executes commands that were sent in plaintext", Critical, Critical),
        ["TLSRPT gone"] = new(AlertRules.MonitorReports, Name, Facts.Reports(_ => new TlsRptFacts(null, true, null, [])), "asks nobody for TLS reports any more", Warning, Info),
        ["TLSRPT changed"] = new(
            AlertRules.MonitorReports, Name, Facts.Reports(reports => reports with { Record = "v=TLSRPTv1; rua=mailto:x@other.example" }), "go elsewhere: v=TLSRPTv1; rua=mailto:x@other.example", Info, null)
        { IsChange = true },
    };

    public static EndpointFacts WithoutStartTls(EndpointFacts endpoint) => endpoint with
    {
        Dialogue = endpoint.Dialogue with { StartTls = false, Capabilities = ["PIPELINING"], StartTlsReply = null, CapabilitiesInside = [] },
        Handshake = null,
        Tls = null,
        Injection = null,
    };

    public static HandshakeFacts Broken(string why) => new(false, why, null, null, [], [], null, null, null);

    public static HandshakeFacts Mismatch(HandshakeFacts handshake) => handshake with { TlsaMatches = false };

    public static HandshakeFacts Unasked(HandshakeFacts handshake) => handshake with { TlsaMatches = null, TlsaDetail = null };

    public static HandshakeFacts Untrusted(HandshakeFacts handshake) => handshake with { PkixProblems = ["certificate-not-trusted: self-signed"] };

    public static AuditFacts Tested(AuditFacts facts) => facts.Policy(policy => policy with { Mode = "testing" }).Sts(sts => sts with { Record = "2" });

    public static AuditFacts WithoutTlsa(AuditFacts facts) => facts.WithoutDane().Host(host => host with { AddressesSigned = false });

    public static AuditFacts SelfSigned(AuditFacts facts) => facts.Handshake(Untrusted).Leaf(leaf => leaf with { Issuer = leaf.Subject });

    public static AuditFacts Until(double days) => Facts.Leaf(leaf => leaf with { From = At.AddDays(days - 90), Until = At.AddDays(days) });

    /// <summary>Its certificate is in the last third of its life: to be renewed.</summary>
    public static AuditFacts Ending(AuditFacts facts) => facts.Leaf(leaf => leaf with { From = At.AddDays(-65), Until = At.AddDays(25) });

    public static CertificateFacts Fresh(CertificateFacts leaf) => leaf with { From = At.AddDays(-1), Until = At.AddDays(89) };

    public static AuditFacts Moved(AuditFacts facts) => facts.Host(host => host with { Endpoints = [host.Endpoints[0] with { Address = "203.0.113.1" }] });

    public static AuditFacts WithoutAddresses(AuditFacts facts) => facts.Tlsa(_ => new TlsaFacts(TlsaAnswer.Absent, null, [], []))
        .Host(host => host with { Endpoints = [], AddressProblem = "there is no address", AddressesSigned = false });

    /// <summary>A third host.</summary>
    public static AuditFacts Another(AuditFacts facts, Func<EndpointFacts, EndpointFacts> change)
    {
        var third = facts.Hosts[0] with { Name = "mx3.good.example", Preference = 30, Endpoints = [change(facts.Hosts[0].Endpoints[0]) with { Address = "203.0.113.9" }] };
        return facts.Mx(mx => mx with { Exchangers = mx.Exchangers.Add(new ExchangerFacts(30, third.Name)) }) with { Hosts = facts.Hosts.Add(third) };
    }
}
