using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Tests;

/// <summary>What a look sees at a domain with one host and one address, with which nothing is wrong; tests change one thing at a time.</summary>
static class BankFacts
{
    public const string Domain = "bank.example";

    public static readonly DateTimeOffset At = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    public static CertificateFacts Certificate { get; } = new(
        "CN=mx.bank.example", "CN=ca", ["mx.bank.example"], At.AddDays(-30), At.AddDays(90), "ECDSA", 256, "nistP256", "sha256ECDSA", "SHA256",
        new string('a', 64), new string('b', 64), true);

    public static TlsFacts Tls { get; } = new(
        new Dictionary<string, bool?> { ["TLS 1.3"] = true, ["TLS 1.2"] = true, ["TLS 1.1"] = false, ["TLS 1.0"] = false, ["SSL 3.0"] = false }.ToImmutableSortedDictionary(),
        [new SuiteFact("TLS 1.3", "TLS_AES_256_GCM_SHA384"), new SuiteFact("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")],
        false, true, ["x25519", "X25519MLKEM768"], true, null)
    {
        BrokenKnown = true,
        GroupsKnown = true,
        ChosenStrongFirst = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ExtendedMasterSecret = true,
        SecureRenegotiation = true,
        Compression = false,
        Sha1Signature = false,
        Hellos = [new HelloFact("TLS 1.3", "TLS 1.3")],
    };

    public static EndpointFacts Endpoint { get; } = new(
        "192.0.2.1", 25, "smtp", 9,
        new DialogueFacts(
            Reach.Talked, null, "mx.bank.example ESMTP", ["PIPELINING", "SIZE 1000", "STARTTLS"], true, "220 go ahead", [], ["PIPELINING", "AUTH PLAIN"],
            ["S: 220 mx.bank.example ESMTP"]),
        new HandshakeFacts(true, null, "1.3", "TLS_AES_256_GCM_SHA384", [Certificate], [], true, true, "DaneEe"))
    {
        Injection = new InjectionFacts(false, "nothing"),
        Tls = Tls,
    };

    public static HostFacts Host { get; } = new(
        "mx.bank.example", 10, null, true,
        new TlsaFacts(TlsaAnswer.Signed, "_25._tcp.mx.bank.example", [$"3 1 1 {new string('b', 64)}", $"3 1 1 {new string('c', 64)}"], []), [Endpoint]);

    public static DomainFacts Published { get; } = new(
        Domain,
        new MxFacts(MxState.Found, true, [new ExchangerFacts(10, "mx.bank.example")]),
        new StsFacts("1", true, null, new StsPolicyFacts("enforce", 86400 * 30, ["mx.bank.example"]), null) { HostCertificateUntil = At.AddDays(60) },
        new TlsRptFacts("v=TLSRPTv1; rua=mailto:tls@bank.example", true, null, []));

    public static AuditFacts All { get; } = new(Domain, At, TimeSpan.FromSeconds(1), false, Published, [Host]);

    /// <summary>It talks, and offers no STARTTLS.</summary>
    public static AuditFacts WithoutStartTls { get; } = With(Endpoint with
    {
        Dialogue = Endpoint.Dialogue with { Capabilities = ["PIPELINING", "SIZE 1000"], StartTls = false, StartTlsReply = null, CapabilitiesInside = [] },
        Handshake = null,
        Tls = null,
        Injection = null,
    });

    /// <summary>It turns us away for now.</summary>
    public static AuditFacts TurnedAway { get; } = With(Silent(Reach.TurnedAway, "421 too many connections"));

    /// <summary>DNS does not answer at all.</summary>
    public static AuditFacts NoDns { get; } = All with
    {
        Domain = Published with
        {
            Mx = new MxFacts(MxState.NotKnown, false, [], "time-out"),
            Sts = new StsFacts(null, false, "time-out", null, null),
            TlsRpt = new TlsRptFacts(null, false, "time-out", []),
        },
        Hosts = [],
    };

    public static EndpointFacts Silent(Reach reach, string why) => new(
        "192.0.2.1", 25, "smtp", 1, new DialogueFacts(reach, why, null, [], null, null, [], [], [why]), null);

    public static AuditFacts With(DomainFacts domain) => All with { Domain = domain };

    public static AuditFacts With(HostFacts host) => All with { Hosts = [host] };

    public static AuditFacts With(params ImmutableArray<EndpointFacts> endpoints) => With(Host with { Endpoints = endpoints });

    public static AuditFacts With(TlsFacts tls) => With(Endpoint with { Tls = tls });

    public static AuditFacts With(CertificateFacts certificate) => With(Endpoint with { Handshake = Endpoint.Handshake! with { Chain = [certificate] } });
}
