using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Tests.Checks;

/// <summary>One thing spoilt at a time, and what it is called.</summary>
public sealed class JudgeTests
{
    static readonly EndpointFacts s_endpoint = GoodFacts.Endpoint;
    static readonly DomainFacts s_domain = GoodFacts.Domain;
    static readonly TlsFacts s_tls = GoodFacts.Tls;
    static readonly CertificateFacts s_certificate = GoodFacts.Certificate;

    static readonly (string Id, Verdict Verdict, AuditFacts Facts)[] s_spoilt =
    [
        (CheckIds.MxFound, Verdict.Fail, GoodFacts.With(s_domain with { Mx = new MxFacts(MxState.NoSuchDomain, true, []) }) with { Hosts = [] }),
        (CheckIds.MxFound, Verdict.Ok, GoodFacts.With(s_domain with { Mx = new MxFacts(MxState.Null, true, []) }) with { Hosts = [] }),
        (CheckIds.MxFound, Verdict.Unknown, GoodFacts.With(s_domain with { Mx = new MxFacts(MxState.NotKnown, false, [], "SERVFAIL") }) with { Hosts = [] }),
        (CheckIds.MxFound, Verdict.Warn, GoodFacts.With(s_domain with { Mx = s_domain.Mx with { Exchangers = [new(10, "mx.good.example"), new(20, null, "192.0.2.9")] } })),
        (CheckIds.DnssecMx, Verdict.Info, GoodFacts.With(s_domain with { Mx = s_domain.Mx with { Signed = false } })),
        (CheckIds.ReportRecord, Verdict.Warn, GoodFacts.With(s_domain with { TlsRpt = new TlsRptFacts(null, true, "there is no record", []) })),
        (CheckIds.ReportRecord, Verdict.Unknown, GoodFacts.With(s_domain with { TlsRpt = new TlsRptFacts(null, false, "SERVFAIL", []) })),
        (CheckIds.MxFound, Verdict.Warn, GoodFacts.With(s_domain with { Mx = s_domain.Mx with { Exchangers = [new(10, "mx.good.example"), new(20, "localhost")] } })),
        (CheckIds.MxFound, Verdict.Warn, GoodFacts.All with { Hosts = [GoodFacts.Host, GoodFacts.Host with { Name = "mx2.good.example", Endpoints = [], AddressProblem = "there is none" }] }),
        (CheckIds.MxFound, Verdict.Fail, GoodFacts.With(GoodFacts.Host with { Endpoints = [], AddressProblem = "there is none" })),
        (CheckIds.MxFound, Verdict.Unknown, GoodFacts.With(GoodFacts.Host with { Endpoints = [], AddressProblem = "SERVFAIL", AddressesKnown = false })),
        (CheckIds.Caa, Verdict.Info, GoodFacts.With(GoodFacts.Host with { Caa = new CaaFacts(null, []) })),
        (CheckIds.Caa, Verdict.Info, GoodFacts.With(GoodFacts.Host with { Caa = new CaaFacts("example", ["0 iodef \"mailto:a@b.example\""]) })),
        (CheckIds.Caa, Verdict.Info, GoodFacts.With(GoodFacts.Host with { Caa = new CaaFacts(null, [], "SERVFAIL") })),
        (CheckIds.ReverseName, Verdict.Info, GoodFacts.With(s_endpoint with { Reverse = new ReverseFacts([], null) })),
        (CheckIds.ReverseName, Verdict.Info, GoodFacts.With(s_endpoint with { Reverse = new ReverseFacts(["other.example"], false) })),
        (CheckIds.ReverseName, Verdict.Info, GoodFacts.With(s_endpoint with { Reverse = new ReverseFacts([], null, "SERVFAIL") })),
        (CheckIds.ServerNameChange, Verdict.Warn, GoodFacts.With(s_endpoint with { ServerNames = Shown(new ShownFacts(null, null, null, "no TLS") { Refused = true }) })),
        (CheckIds.ServerNameChange, Verdict.Warn, GoodFacts.With(s_endpoint with { ServerNames = Shown(new ShownFacts("cd", false, true, null)) })),
        (CheckIds.ServerNameChange, Verdict.Warn, GoodFacts.With(s_endpoint with { ServerNames = Shown(new ShownFacts("cd", true, false, null)) })),
        (CheckIds.ServerNameChange, Verdict.Info, GoodFacts.With(s_endpoint with { ServerNames = Shown(new ShownFacts("cd", true, true, null)) })),
        (CheckIds.ServerNameChange, Verdict.Unknown, GoodFacts.With(s_endpoint with { ServerNames = Shown(new ShownFacts(null, null, null, "421 busy")) })),
        (CheckIds.StartTlsRequired, Verdict.Info, GoodFacts.With(s_endpoint with { PlaintextMail = new PlaintextMailFacts(false, "530 5.7.0 Must issue a STARTTLS command first") })),
        (CheckIds.VersionSsl2, Verdict.Fail, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("SSL 2.0", true) })),
        (CheckIds.VersionSsl2, Verdict.Unknown, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("SSL 2.0", null) })),
        (CheckIds.Resumption, Verdict.Info, GoodFacts.With(s_tls with { Tickets = false })),
        (CheckIds.SuiteList, Verdict.Unknown, GoodFacts.With(s_tls with { Suites = [] })),
        (CheckIds.SuiteBad, Verdict.Unknown, GoodFacts.With(s_tls with { Suites = [] })),
        (CheckIds.SuiteOrder, Verdict.Unknown, GoodFacts.With(s_tls with { Suites = [] })),
        (CheckIds.SuiteOrder, Verdict.Info, GoodFacts.With(s_tls with { ServerOrder = null, ChosenWeakFirst = null })),
        (CheckIds.SuiteOrder, Verdict.Unknown, GoodFacts.With(s_tls with { ServerOrder = null, ChosenWeakFirst = null, Suites = [new("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")] })),
        (CheckIds.VersionOld, Verdict.Unknown, GoodFacts.With(Nothing())),
        (CheckIds.GroupList, Verdict.Unknown, GoodFacts.With(Nothing())),
        (CheckIds.GroupPostQuantum, Verdict.Info, GoodFacts.With(s_tls with { Groups = ["x25519"], GroupsKnown = false })),
        (CheckIds.GroupPostQuantum, Verdict.Warn, GoodFacts.With(s_tls with { Groups = ["x25519", "X25519Kyber768Draft00"] })),
        (CheckIds.SignatureHash, Verdict.Unknown, GoodFacts.With(s_tls with { Sha1Signature = null })),
        (CheckIds.StsHost, Verdict.Fail, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { HostCertificateUntil = GoodFacts.At.AddDays(-3) } })),
        (CheckIds.StsHost, Verdict.Warn, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { HostCertificateUntil = GoodFacts.At.AddDays(10) } })),
        (CheckIds.StsRecord, Verdict.Fail, GoodFacts.With(s_domain with { Sts = new StsFacts(null, true, "there are 2 records", null, null) })),
        (CheckIds.StsRecord, Verdict.Unknown, GoodFacts.With(s_domain with { Sts = new StsFacts(null, false, "SERVFAIL", null, null) })),
        (CheckIds.StsFetch, Verdict.Fail, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { Policy = null, FetchProblem = "http-404" } })),
        (CheckIds.StsHost, Verdict.Fail, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { HostCertificateUntil = GoodFacts.At.AddDays(3) } })),
        (CheckIds.StsPolicy, Verdict.Warn, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { Policy = new("testing", 86400 * 30, ["mx.good.example"]) } })),
        (CheckIds.StsPolicy, Verdict.Warn, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { Policy = new("enforce", 3600, ["mx.good.example"]) } })),
        (CheckIds.StsMx, Verdict.Fail, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { Policy = new("enforce", 86400 * 30, ["*.mx.good.example"]) } })),
        (CheckIds.StsMx, Verdict.Warn, GoodFacts.With(s_domain with { Sts = s_domain.Sts with { Policy = new("testing", 86400 * 30, ["other.example"]) } })),
        (CheckIds.StsAgree, Verdict.Fail, GoodFacts.With(s_endpoint.Handshake! with { PkixProblems = ["self-signed"] })),
        (CheckIds.TlsaMatch, Verdict.Fail, GoodFacts.With(s_endpoint.Handshake! with { TlsaMatches = false })),
        (CheckIds.TlsaMatch, Verdict.Fail, GoodFacts.With(s_endpoint with { OtherCertificates = [s_certificate with { Fingerprint = "ab" }], UnmatchedCertificates = ["ab"] })),
        (CheckIds.TlsaRollover, Verdict.Info, GoodFacts.With(GoodFacts.Host with { Tlsa = GoodFacts.Host.Tlsa with { Records = [GoodFacts.Host.Tlsa.Records[0]] } })),
        (CheckIds.TlsaDenial, Verdict.Fail, GoodFacts.With(GoodFacts.Host with { Tlsa = new TlsaFacts(TlsaAnswer.Failed, null, [], [], "SERVFAIL") })),
        (CheckIds.TlsaExists, Verdict.Warn, GoodFacts.With(GoodFacts.Host with { Tlsa = GoodFacts.Host.Tlsa with { Answer = TlsaAnswer.Unsigned } })),
        (CheckIds.TlsaSyntax, Verdict.Warn, GoodFacts.With(GoodFacts.Host with { Tlsa = GoodFacts.Host.Tlsa with { Unusable = ["0 0 1 ab"] } })),
        (CheckIds.DnssecAddress, Verdict.Info, GoodFacts.With(GoodFacts.Host with { AddressesSigned = false })),
        (CheckIds.Identity, Verdict.Warn, GoodFacts.All with { Domain = s_domain with { Sts = new StsFacts(null, true, null, null, null) }, Hosts = [GoodFacts.Host with { Tlsa = new TlsaFacts(TlsaAnswer.Absent, null, [], []) }] }),
        (CheckIds.StartTlsWorks, Verdict.Warn, GoodFacts.With(new HandshakeFacts(false, "alert 40", null, null, [], [], null, null, null))),
        (CheckIds.StartTlsWorks, Verdict.Fail, GoodFacts.With(s_endpoint with { Tls = null, Handshake = new HandshakeFacts(false, "alert 40", null, null, [], [], null, null, null) })),
        (CheckIds.StartTlsInjection, Verdict.Fail, GoodFacts.With(s_endpoint with { Injection = new InjectionFacts(true, "250 ok") })),
        (CheckIds.SuiteBad, Verdict.Unknown, GoodFacts.With(s_tls with { AllSuites = false, BrokenKnown = false, Problems = ["not asked"] })),
        (CheckIds.VersionOld, Verdict.Fail, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("TLS 1.0", true) })),
        (CheckIds.VersionTls12, Verdict.Fail, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("TLS 1.0", true).SetItem("TLS 1.2", false).SetItem("TLS 1.3", false) })),
        (CheckIds.VersionTls13, Verdict.Info, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("TLS 1.3", false) })),
        (CheckIds.VersionTls13, Verdict.Unknown, GoodFacts.With(s_tls with { Versions = s_tls.Versions.SetItem("TLS 1.3", null) })),
        (CheckIds.SuiteList, Verdict.Warn, GoodFacts.With(s_tls with { Suites = [new("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256")] })),
        (CheckIds.SuiteList, Verdict.Fail, GoodFacts.With(s_tls with { Suites = [new("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")] })),
        (CheckIds.SuiteBad, Verdict.Fail, GoodFacts.With(s_tls with { Suites = [new("TLS 1.2", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")] })),
        (CheckIds.SuiteBad, Verdict.Fail, GoodFacts.With(s_tls with { Suites = [new("TLS 1.2", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA")] })),
        (CheckIds.SuiteOrder, Verdict.Warn, GoodFacts.With(s_tls with { ServerOrder = false, Suites = [new("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")] })),
        (CheckIds.GroupList, Verdict.Warn, GoodFacts.With(s_tls with { Groups = ["x25519", "secp192r1"] })),
        (CheckIds.GroupPostQuantum, Verdict.Info, GoodFacts.With(s_tls with { Groups = ["x25519"] })),
        (CheckIds.GroupDh, Verdict.Fail, GoodFacts.With(s_tls with { DhBits = 1024 })),
        (CheckIds.ExtendedMasterSecret, Verdict.Fail, GoodFacts.With(s_tls with { ExtendedMasterSecret = false })),
        (CheckIds.SecureRenegotiation, Verdict.Fail, GoodFacts.With(s_tls with { SecureRenegotiation = false })),
        (CheckIds.Compression, Verdict.Fail, GoodFacts.With(s_tls with { Compression = true })),
        (CheckIds.FallbackSignal, Verdict.Info, GoodFacts.With(s_tls with { FallbackRefused = false })),
        (CheckIds.SignatureHash, Verdict.Fail, GoodFacts.With(s_tls with { Sha1Signature = true })),
        (CheckIds.CertificateKey, Verdict.Warn, GoodFacts.With(s_certificate with { KeyKind = "RSA", KeyBits = 2048, Curve = null })),
        (CheckIds.CertificateKey, Verdict.Fail, GoodFacts.With(s_certificate with { KeyKind = "RSA", KeyBits = 1024, Curve = null })),
        (CheckIds.CertificateSignature, Verdict.Fail, GoodFacts.With(s_certificate with { SignatureHash = "SHA1" })),
        (CheckIds.CertificateUsage, Verdict.Warn, GoodFacts.With(s_certificate with { ServerUse = false })),
        (CheckIds.CertificateUsage, Verdict.Warn, GoodFacts.With(s_certificate with { Signs = false })),
        (CheckIds.CertificateDates, Verdict.Warn, GoodFacts.With(s_certificate with { Until = GoodFacts.At.AddDays(10) })),
        (CheckIds.CertificateDates, Verdict.Info, GoodFacts.With(s_certificate with { Until = GoodFacts.At.AddDays(-1) })),
        (CheckIds.CertificateDates, Verdict.Fail, GoodFacts.With(s_endpoint.Handshake! with { TlsaMatches = null, Chain = [s_certificate with { Until = GoodFacts.At.AddDays(-1) }] })),
        (CheckIds.CertificateChain, Verdict.Info, GoodFacts.With(s_endpoint.Handshake! with { PkixProblems = ["self-signed"] })),
        (CheckIds.CertificateName, Verdict.Info, GoodFacts.With(s_endpoint.Handshake! with { NameMatches = false })),
    ];

    static ServerNameFacts Shown(ShownFacts withoutName) => new(withoutName, withoutName);

    /// <summary>No hello was answered.</summary>
    static TlsFacts Nothing() => s_tls with
    {
        Versions = s_tls.Versions.SetItems(s_tls.Versions.Keys.Select(version => KeyValuePair.Create(version, (bool?)null))),
        Suites = [],
        Groups = [],
        AllSuites = false,
        ServerOrder = null,
        Problems = ["421"],
    };

    /// <summary>Between servers nobody relies on a certificate that no policy speaks of; mail programs rely on nothing else.</summary>
    [Theory]
    [InlineData("smtp", Verdict.Info)]
    [InlineData("submission", Verdict.Fail)]
    [InlineData("imaps", Verdict.Fail)]
    public void A_certificate_that_nobody_vouches_for_matters_to_mail_programs(string protocol, Verdict verdict)
    {
        var endpoint = s_endpoint with { Protocol = protocol, Handshake = s_endpoint.Handshake! with { PkixProblems = ["self-signed"], NameMatches = false, TlsaMatches = null } };

        var report = Judge.Of(GoodFacts.With(endpoint) with { Domain = null }, Profile.Named("rfc-9325"));

        Assert.Equal((verdict, verdict, Verdict.Warn), (report.VerdictOf(CheckIds.CertificateChain), report.VerdictOf(CheckIds.CertificateName), report.VerdictOf(CheckIds.Identity)));
        Assert.Equal(Verdict.Ok, Judge.Of(GoodFacts.With(s_endpoint with { Protocol = protocol }) with { Domain = null }, Profile.Named("rfc-9325")).VerdictOf(CheckIds.Identity));
    }

    public static TheoryData<int> Spoilt => [.. Enumerable.Range(0, s_spoilt.Length)];

    [Theory]
    [MemberData(nameof(Spoilt))]
    public void What_is_spoilt_is_told(int number)
    {
        var (id, verdict, facts) = s_spoilt[number];
        Assert.Equal((id, verdict), (id, Judge.Of(facts, Profile.Named("ncsc-nl-2025-05")).VerdictOf(id)));
    }

    [Theory]
    [InlineData("ncsc-nl-2025-05")]
    [InlineData("rfc-9325")]
    [InlineData("strict")]
    public void A_domain_with_which_nothing_is_wrong_is_three_times_ok(string profile)
    {
        var report = Judge.Of(GoodFacts.All, Profile.Named(profile));

        Assert.Equal((Verdict.Ok, Verdict.Ok, Verdict.Ok), (report.Confidential, report.Authenticated, report.Watched));
        Assert.DoesNotContain(report.Findings, finding => finding.Verdict is Verdict.Warn or Verdict.Fail or Verdict.Unknown);
    }

    /// <summary>Nothing of it can be read on the way, nobody can be taken for it, and nothing can break.</summary>
    [Fact]
    public void A_domain_that_takes_no_mail_is_three_times_ok()
    {
        var report = Judge.Of(GoodFacts.With(s_domain with { Mx = new MxFacts(MxState.Null, false, []), Sts = new StsFacts(null, true, null, null, null), TlsRpt = new TlsRptFacts(null, true, null, []) }) with { Hosts = [] }, Profile.Named("strict"));

        Assert.Equal((Verdict.Ok, Verdict.Ok, Verdict.Ok), (report.Confidential, report.Authenticated, report.Watched));
        Assert.Equal(Verdict.Ok, report.Overall);
    }

    /// <summary>Whoever reaches one address of a host reaches the host.</summary>
    [Fact]
    public void An_address_that_cannot_be_reached_beside_one_that_can_is_a_warning()
    {
        var dead = new EndpointFacts("2001:db8::1", 25, "smtp", 1, new DialogueFacts(Reach.Unreachable, "refused", null, [], null, null, [], [], []), null);
        var half = GoodFacts.With(GoodFacts.Host with { Endpoints = [dead, s_endpoint] });
        Assert.Equal((Verdict.Warn, Verdict.Warn), (Judge.Of(half, Profile.Named("strict")).VerdictOf(CheckIds.MxReachable), Judge.Of(half, Profile.Named("strict")).Confidential));
        var all = GoodFacts.With(GoodFacts.Host with { Endpoints = [dead] });
        Assert.Equal(Verdict.Unknown, Judge.Of(all, Profile.Named("strict")).VerdictOf(CheckIds.MxReachable));
    }

    [Fact]
    public void The_profile_decides_what_is_enough()
    {
        var classic = GoodFacts.With(s_tls with { Groups = ["x25519"] });
        Assert.Equal(Verdict.Info, Judge.Of(classic, Profile.Named("ncsc-nl-2025-05")).VerdictOf(CheckIds.GroupPostQuantum));
        Assert.Equal(Verdict.Warn, Judge.Of(classic, Profile.Named("strict")).VerdictOf(CheckIds.GroupPostQuantum));

        var rsa = GoodFacts.With(s_certificate with { KeyKind = "RSA", KeyBits = 2048, Curve = null });
        Assert.Equal(Verdict.Ok, Judge.Of(rsa, Profile.Named("rfc-9325")).VerdictOf(CheckIds.CertificateKey));
        Assert.Equal(Verdict.Fail, Judge.Of(rsa, Profile.Named("strict")).VerdictOf(CheckIds.CertificateKey));
    }

    [Fact]
    public void Every_finding_has_a_known_id_and_every_problem_a_basis()
    {
        foreach (var (_, _, facts) in s_spoilt)
        {
            Assert.All(Judge.Of(facts, Profile.Named("strict")).Findings, finding =>
            {
                Assert.True(CheckIds.All.Contains(finding.Id), finding.Id);
                Assert.NotNull(finding.Basis);
            });
        }
    }

    /// <summary>The table of the tests covers every id but those that the probes' own tests show.</summary>
    [Fact]
    public void Every_id_is_tested_on_something_bad()
    {
        string[] elsewhere = [CheckIds.MxReachable, CheckIds.SmtpDialogue, CheckIds.SmtpAuthPlaintext, CheckIds.StartTlsOffered, CheckIds.StartTlsStripped, CheckIds.StartTlsState];
        Assert.Equal(CheckIds.All.Order(StringComparer.Ordinal), s_spoilt.Select(row => row.Id).Concat(elsewhere).Distinct().Order(StringComparer.Ordinal));
    }
}
