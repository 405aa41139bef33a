using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;

namespace Hopseal.Monitor.Tests.Looks;

public sealed class FactsDigestTests
{
    static readonly EndpointFacts s_other = BankFacts.Endpoint with { Address = "192.0.2.2" };

    public static TheoryData<string, AuditFacts> Noise => new()
    {
        { "time", BankFacts.All with { At = BankFacts.At.AddHours(6), Elapsed = TimeSpan.FromSeconds(9) } },
        { "connections", BankFacts.With(BankFacts.Endpoint with { Connections = 3 }) },
        { "greeting", BankFacts.With(BankFacts.Endpoint with { Dialogue = BankFacts.Endpoint.Dialogue with { Banner = "mx.bank.example ESMTP queue 7 at 13:00", Transcript = ["S: 220 other"] } }) },
        { "sizes offered", BankFacts.With(BankFacts.Endpoint with { Dialogue = BankFacts.Endpoint.Dialogue with { Capabilities = ["SIZE 2000", "STARTTLS", "PIPELINING"] } }) },
        { "words of the reply", BankFacts.With(BankFacts.Endpoint with { Dialogue = BankFacts.Endpoint.Dialogue with { StartTlsReply = "220 2.0.0 ready" } }) },
        { "hellos", BankFacts.With(BankFacts.Tls with { Hellos = [], Problems = ["one was not answered"] }) },
        { "order of records", BankFacts.With(BankFacts.Host with { Tlsa = BankFacts.Host.Tlsa with { Records = [.. BankFacts.Host.Tlsa.Records.Reverse()] } }) },
        { "suites that were seen by chance", BankFacts.With(BankFacts.Tls with { Suites = [.. BankFacts.Tls.Suites, new SuiteFact("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")] }) },
        { "words of a failure", BankFacts.All with { Domain = BankFacts.Published with { Mx = BankFacts.Published.Mx with { Detail = "in 3 ms" } } } },
    };

    public static TheoryData<string, AuditFacts> Changes => new()
    {
        { "STARTTLS", BankFacts.WithoutStartTls },
        { "certificate", BankFacts.With(BankFacts.Certificate with { Fingerprint = new string('d', 64) }) },
        { "masked", BankFacts.With(BankFacts.Endpoint with { Dialogue = BankFacts.Endpoint.Dialogue with { Masked = ["250-XXXXXXXA"] } }) },
        { "a version", BankFacts.With(BankFacts.Tls with { Versions = BankFacts.Tls.Versions.SetItem("TLS 1.0", true) }) },
        { "hybrids", BankFacts.With(BankFacts.Tls with { Groups = ["x25519"], PostQuantumPreferred = false }) },
        { "TLSA", BankFacts.With(BankFacts.Host with { Tlsa = BankFacts.Host.Tlsa with { Records = [$"3 1 1 {new string('e', 64)}"] } }) },
        { "TLSA fails", BankFacts.With(BankFacts.Host with { Tlsa = new TlsaFacts(TlsaAnswer.Failed, null, [], [], "SERVFAIL") }) },
        { "MX", BankFacts.With(BankFacts.Published with { Mx = BankFacts.Published.Mx with { Exchangers = [new ExchangerFacts(10, "mx.evil.example")] } }) },
        { "MX not signed", BankFacts.With(BankFacts.Published with { Mx = BankFacts.Published.Mx with { Signed = false } }) },
        { "policy", BankFacts.With(BankFacts.Published with { Sts = BankFacts.Published.Sts with { Policy = BankFacts.Published.Sts.Policy! with { Mode = "testing" } } }) },
        { "policy id", BankFacts.With(BankFacts.Published with { Sts = BankFacts.Published.Sts with { Record = "2" } }) },
        { "policy host", BankFacts.With(BankFacts.Published with { Sts = BankFacts.Published.Sts with { FetchProblem = "sts-webpki-invalid: expired" } }) },
        { "reports", BankFacts.With(BankFacts.Published with { TlsRpt = new TlsRptFacts(null, true, null, []) }) },
        { "mail before TLS", BankFacts.With(BankFacts.Endpoint with { PlaintextMail = new PlaintextMailFacts(true, "250 ok") }) },
        { "another certificate without a name", BankFacts.With(BankFacts.Endpoint with { ServerNames = new ServerNameFacts(new ShownFacts(new string('f', 64), false, false, null), new ShownFacts(null, null, null, "time-out")) }) },
        { "authorities", BankFacts.With(BankFacts.Host with { Caa = new CaaFacts("bank.example", ["0 issue \"other.example\""]) }) },
        { "injection", BankFacts.With(BankFacts.Endpoint with { Injection = new InjectionFacts(true, "an answer too many") }) },
        { "no TLSA record matches", BankFacts.With(BankFacts.Endpoint with { Handshake = BankFacts.Endpoint.Handshake! with { TlsaMatches = false } }) },
        { "password before TLS", BankFacts.With(BankFacts.Endpoint with { Dialogue = BankFacts.Endpoint.Dialogue with { Capabilities = ["AUTH PLAIN", "STARTTLS"] } }) },
    };

    [Theory]
    [MemberData(nameof(Noise))]
    public void What_does_not_matter_changes_nothing(string what, AuditFacts facts)
    {
        Assert.NotEmpty(what);
        Assert.True(FactsDigest.Same(BankFacts.All, facts, WatchedAs.Own));
        Assert.Equal(FactsDigest.Of(BankFacts.All, WatchedAs.Own), FactsDigest.Of(facts, WatchedAs.Own));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_matters_is_a_change_for_own_domains_and_partners(string what, AuditFacts facts)
    {
        Assert.NotEmpty(what);
        Assert.False(FactsDigest.Same(BankFacts.All, facts, WatchedAs.Own));
        Assert.False(FactsDigest.Same(BankFacts.All, facts, WatchedAs.Partner));
        Assert.NotEqual(FactsDigest.Of(BankFacts.All, WatchedAs.Partner), FactsDigest.Of(facts, WatchedAs.Partner));
    }

    [Fact]
    public void Other_addresses_of_the_same_servers_matter_for_own_domains_only()
    {
        var moved = BankFacts.With(s_other);
        var both = BankFacts.With(s_other, BankFacts.Endpoint);

        Assert.False(FactsDigest.Same(BankFacts.All, moved, WatchedAs.Own));
        Assert.False(FactsDigest.Same(BankFacts.All, both, WatchedAs.Own));
        Assert.True(FactsDigest.Same(BankFacts.All, moved, WatchedAs.Partner));
        Assert.True(FactsDigest.Same(BankFacts.All, both, WatchedAs.Partner));
        Assert.True(FactsDigest.Same(BankFacts.With(BankFacts.Endpoint, s_other), both, WatchedAs.Own));
    }

    [Fact]
    public void One_server_among_many_that_lost_STARTTLS_is_a_change()
    {
        var one = BankFacts.With(BankFacts.Endpoint, BankFacts.WithoutStartTls.Hosts[0].Endpoints[0] with { Address = "192.0.2.9" });

        Assert.False(FactsDigest.Same(BankFacts.With(BankFacts.Endpoint, s_other), one, WatchedAs.Partner));
    }
}
