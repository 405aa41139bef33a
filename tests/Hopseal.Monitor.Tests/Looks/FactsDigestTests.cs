using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;

namespace Hopseal.Monitor.Tests.Looks;

public sealed class FactsDigestTests
{
    static readonly EndpointFacts s_other = Seen.Endpoint with { Address = "192.0.2.2" };

    public static TheoryData<string, AuditFacts> Noise => new()
    {
        { "time", Seen.All with { At = Seen.At.AddHours(6), Elapsed = TimeSpan.FromSeconds(9) } },
        { "connections", Seen.With(Seen.Endpoint with { Connections = 3 }) },
        { "greeting", Seen.With(Seen.Endpoint with { Dialogue = Seen.Endpoint.Dialogue with { Banner = "mx.bank.example ESMTP queue 7 at 13:00", Transcript = ["S: 220 other"] } }) },
        { "sizes offered", Seen.With(Seen.Endpoint with { Dialogue = Seen.Endpoint.Dialogue with { Capabilities = ["SIZE 2000", "STARTTLS", "PIPELINING"] } }) },
        { "words of the reply", Seen.With(Seen.Endpoint with { Dialogue = Seen.Endpoint.Dialogue with { StartTlsReply = "220 2.0.0 ready" } }) },
        { "hellos", Seen.With(Seen.Tls with { Hellos = [], Problems = ["one was not answered"] }) },
        { "order of records", Seen.With(Seen.Host with { Tlsa = Seen.Host.Tlsa with { Records = [.. Seen.Host.Tlsa.Records.Reverse()] } }) },
        { "suites that were seen by chance", Seen.With(Seen.Tls with { Suites = [.. Seen.Tls.Suites, new SuiteFact("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")] }) },
        { "words of a failure", Seen.All with { Domain = Seen.Published with { Mx = Seen.Published.Mx with { Detail = "in 3 ms" } } } },
    };

    public static TheoryData<string, AuditFacts> Changes => new()
    {
        { "STARTTLS", Seen.WithoutStartTls },
        { "certificate", Seen.With(Seen.Certificate with { Fingerprint = new string('d', 64) }) },
        { "masked", Seen.With(Seen.Endpoint with { Dialogue = Seen.Endpoint.Dialogue with { Masked = ["250-XXXXXXXA"] } }) },
        { "a version", Seen.With(Seen.Tls with { Versions = Seen.Tls.Versions.SetItem("TLS 1.0", true) }) },
        { "hybrids", Seen.With(Seen.Tls with { Groups = ["x25519"], PostQuantumPreferred = false }) },
        { "TLSA", Seen.With(Seen.Host with { Tlsa = Seen.Host.Tlsa with { Records = [$"3 1 1 {new string('e', 64)}"] } }) },
        { "TLSA fails", Seen.With(Seen.Host with { Tlsa = new TlsaFacts(TlsaAnswer.Failed, null, [], [], "SERVFAIL") }) },
        { "MX", Seen.With(Seen.Published with { Mx = Seen.Published.Mx with { Exchangers = [new ExchangerFacts(10, "mx.evil.example")] } }) },
        { "MX not signed", Seen.With(Seen.Published with { Mx = Seen.Published.Mx with { Signed = false } }) },
        { "policy", Seen.With(Seen.Published with { Sts = Seen.Published.Sts with { Policy = Seen.Published.Sts.Policy! with { Mode = "testing" } } }) },
        { "policy id", Seen.With(Seen.Published with { Sts = Seen.Published.Sts with { Record = "2" } }) },
        { "policy host", Seen.With(Seen.Published with { Sts = Seen.Published.Sts with { FetchProblem = "sts-webpki-invalid: expired" } }) },
        { "reports", Seen.With(Seen.Published with { TlsRpt = new TlsRptFacts(null, true, null, []) }) },
        { "injection", Seen.With(Seen.Endpoint with { Injection = new InjectionFacts(true, "an answer too many") }) },
        { "no TLSA record matches", Seen.With(Seen.Endpoint with { Handshake = Seen.Endpoint.Handshake! with { TlsaMatches = false } }) },
        { "password before TLS", Seen.With(Seen.Endpoint with { Dialogue = Seen.Endpoint.Dialogue with { Capabilities = ["AUTH PLAIN", "STARTTLS"] } }) },
    };

    [Theory]
    [MemberData(nameof(Noise))]
    public void What_does_not_matter_changes_nothing(string what, AuditFacts facts)
    {
        Assert.NotEmpty(what);
        Assert.True(FactsDigest.Same(Seen.All, facts, WatchedAs.Own));
        Assert.Equal(FactsDigest.Of(Seen.All, WatchedAs.Own), FactsDigest.Of(facts, WatchedAs.Own));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_matters_is_a_change_for_own_domains_and_partners(string what, AuditFacts facts)
    {
        Assert.NotEmpty(what);
        Assert.False(FactsDigest.Same(Seen.All, facts, WatchedAs.Own));
        Assert.False(FactsDigest.Same(Seen.All, facts, WatchedAs.Partner));
        Assert.NotEqual(FactsDigest.Of(Seen.All, WatchedAs.Partner), FactsDigest.Of(facts, WatchedAs.Partner));
    }

    [Fact]
    public void Other_addresses_of_the_same_servers_matter_for_own_domains_only()
    {
        var moved = Seen.With(s_other);
        var both = Seen.With(s_other, Seen.Endpoint);

        Assert.False(FactsDigest.Same(Seen.All, moved, WatchedAs.Own));
        Assert.False(FactsDigest.Same(Seen.All, both, WatchedAs.Own));
        Assert.True(FactsDigest.Same(Seen.All, moved, WatchedAs.Partner));
        Assert.True(FactsDigest.Same(Seen.All, both, WatchedAs.Partner));
        Assert.True(FactsDigest.Same(Seen.With(Seen.Endpoint, s_other), both, WatchedAs.Own));
    }

    [Fact]
    public void One_server_among_many_that_lost_STARTTLS_is_a_change()
    {
        var one = Seen.With(Seen.Endpoint, Seen.WithoutStartTls.Hosts[0].Endpoints[0] with { Address = "192.0.2.9" });

        Assert.False(FactsDigest.Same(Seen.With(Seen.Endpoint, s_other), one, WatchedAs.Partner));
    }
}
