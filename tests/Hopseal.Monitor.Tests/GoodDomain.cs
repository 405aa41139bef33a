using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Dns;

namespace Hopseal.Monitor.Tests;

/// <summary>A domain with two hosts and nothing wrong; tests spoil one thing at a time, at the first host.</summary>
static class GoodDomain
{
    public const string Name = "good.example";
    public const string First = "mx1.good.example";
    public const string Second = "mx2.good.example";

    public static readonly DateTimeOffset At = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    public static AuditFacts Facts { get; } = new(
        Name, At, TimeSpan.FromSeconds(1), true,
        new DomainFacts(
            Name,
            new MxFacts(MxState.Found, true, [new ExchangerFacts(10, First), new ExchangerFacts(20, Second)]),
            new StsFacts("1", true, null, new StsPolicyFacts("enforce", 86400 * 30, ["*.good.example"]), null) { HostCertificateUntil = At.AddDays(60) },
            new TlsRptFacts("v=TLSRPTv1; rua=mailto:tls@good.example", true, null, [])),
        [Host(First, 10, 'b', "192.0.2.1", "2001:db8::1"), Host(Second, 20, 'd', "198.51.100.1")]);

    static HostFacts Host(string name, int preference, char key, params string[] addresses) => new(
        name, preference, null, true,
        new TlsaFacts(TlsaAnswer.Signed, $"_25._tcp.{name}", [$"3 1 1 {Digest(key)}"], []),
        [.. addresses.Select(address => Endpoint(name, address, key))])
    {
        Caa = new CaaFacts(Name, ["0 issue \"ca.example\""]) { Restricts = true },
    };

    static EndpointFacts Endpoint(string name, string address, char key) => new(
        address, 25, "smtp", 3,
        new DialogueFacts(Reach.Talked, null, $"{name} ESMTP", ["PIPELINING", "STARTTLS"], true, "220 go ahead", [], ["PIPELINING", "AUTH PLAIN"], ["S: 220"]),
        new HandshakeFacts(true, null, "TLSv1.3", "TLS_AES_256_GCM_SHA384", [Certificate(name, key), Intermediate], [], true, true, "DaneEe"))
    {
        Injection = new InjectionFacts(false, "no answer"),
        Tls = new TlsFacts(
            new Dictionary<string, bool?> { ["TLS 1.3"] = true, ["TLS 1.2"] = true, ["TLS 1.1"] = false, ["TLS 1.0"] = false, ["SSL 3.0"] = false }.ToImmutableSortedDictionary(),
            [new SuiteFact("TLS 1.3", "TLS_AES_256_GCM_SHA384"), new SuiteFact("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")],
            true, true, ["x25519", "X25519MLKEM768"], true, null)
        {
            BrokenKnown = true,
            GroupsKnown = true,
            AllGroups = true,
            ExtendedMasterSecret = true,
            SecureRenegotiation = true,
            Compression = false,
            FallbackRefused = true,
            Sha1Signature = false,
        },
    };

    public static CertificateFacts Certificate(string name, char key) => new(
        $"CN={name}", "CN=R11, O=Let's Encrypt, C=US", [name], At.AddDays(-30), At.AddDays(60), "ECDSA", 256, "nistP256", "sha256RSA", "SHA256", Digest('a'), Digest(key), true);

    static CertificateFacts Intermediate => new(
        "CN=R11, O=Let's Encrypt, C=US", "CN=ISRG Root X1, O=Internet Security Research Group, C=US", [], At.AddYears(-2), At.AddYears(2), "RSA", 2048, null, "sha256RSA", "SHA256",
        Digest('e'), Digest('f'), true);

    public static string Digest(char of) => new(of, 64);

    public static AuditFacts Domain(this AuditFacts facts, Func<DomainFacts, DomainFacts> change) => facts with { Domain = change(facts.Domain!) };

    public static AuditFacts Mx(this AuditFacts facts, Func<MxFacts, MxFacts> change) => facts.Domain(domain => domain with { Mx = change(domain.Mx) });

    public static AuditFacts Sts(this AuditFacts facts, Func<StsFacts, StsFacts> change) => facts.Domain(domain => domain with { Sts = change(domain.Sts) });

    public static AuditFacts Policy(this AuditFacts facts, Func<StsPolicyFacts, StsPolicyFacts> change) => facts.Sts(sts => sts with { Policy = change(sts.Policy!) });

    public static AuditFacts Reports(this AuditFacts facts, Func<TlsRptFacts, TlsRptFacts> change) => facts.Domain(domain => domain with { TlsRpt = change(domain.TlsRpt) });

    /// <summary>The first one, if there is any.</summary>
    public static AuditFacts Host(this AuditFacts facts, Func<HostFacts, HostFacts> change) =>
        facts.Hosts.IsEmpty ? facts : facts with { Hosts = [change(facts.Hosts[0]), .. facts.Hosts[1..]] };

    public static AuditFacts Tlsa(this AuditFacts facts, Func<TlsaFacts, TlsaFacts> change) => facts.Host(host => host with { Tlsa = change(host.Tlsa) });

    /// <summary>At every address of the first host.</summary>
    public static AuditFacts Endpoints(this AuditFacts facts, Func<EndpointFacts, EndpointFacts> change) => facts.Host(host => host with { Endpoints = [.. host.Endpoints.Select(change)] });

    public static AuditFacts Dialogue(this AuditFacts facts, Func<DialogueFacts, DialogueFacts> change) => facts.Endpoints(endpoint => endpoint with { Dialogue = change(endpoint.Dialogue) });

    public static AuditFacts Handshake(this AuditFacts facts, Func<HandshakeFacts, HandshakeFacts> change) =>
        facts.Endpoints(endpoint => endpoint with { Handshake = change(endpoint.Handshake!) });

    public static AuditFacts Leaf(this AuditFacts facts, Func<CertificateFacts, CertificateFacts> change) =>
        facts.Handshake(handshake => handshake with { Chain = [change(handshake.Chain[0]), .. handshake.Chain[1..]] });

    public static AuditFacts Tls(this AuditFacts facts, Func<TlsFacts, TlsFacts> change) => facts.Endpoints(endpoint => endpoint with { Tls = change(endpoint.Tls!) });

    public static AuditFacts Version(this AuditFacts facts, string version, bool? spoken) => facts.Tls(tls => tls with { Versions = tls.Versions.SetItem(version, spoken) });

    /// <summary>Without MTA-STS, so that nothing demands a certificate.</summary>
    public static AuditFacts WithoutSts(this AuditFacts facts) => facts.Sts(_ => new StsFacts(null, true, null, null, null));

    public static AuditFacts WithoutDane(this AuditFacts facts) => facts
        .Tlsa(_ => new TlsaFacts(TlsaAnswer.Absent, $"_25._tcp.{First}", [], []))
        .Handshake(handshake => handshake with { TlsaMatches = null, TlsaDetail = null });

    /// <summary>The first host turns everybody away.</summary>
    public static AuditFacts Silent(this AuditFacts facts) => facts.Endpoints(endpoint => new EndpointFacts(
        endpoint.Address, 25, "smtp", 1, new DialogueFacts(Reach.TurnedAway, "421 too many connections", null, [], null, null, [], [], []), null));

    /// <summary>One observation a day; the first one is the reference, the last one was seen an hour ago.</summary>
    public static DomainHistory History(WatchedAs watched, params AuditFacts[] seen)
    {
        ImmutableArray<Observation> recent = [.. seen.Select((facts, place) =>
        {
            var first = At.AddHours(-1).AddDays(place + 1 - seen.Length);
            return new Observation(place + 1, facts with { At = first }, first, place + 1 == seen.Length ? At : first.AddDays(1));
        })];
        return new DomainHistory(
            new WatchedDomain(DomainName.Parse(seen[0].Target), watched), recent.FirstOrDefault(), recent, new LookState(At.AddHours(-1), At.AddHours(4), 0, null));
    }
}
