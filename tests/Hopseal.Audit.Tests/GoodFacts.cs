using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Tests;

/// <summary>A domain with which nothing is wrong; tests spoil one thing at a time.</summary>
static class GoodFacts
{
    public static readonly DateTimeOffset At = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    public static CertificateFacts Certificate { get; } = new(
        "CN=mx.good.example", "CN=ca", ["mx.good.example"], At.AddDays(-30), At.AddDays(60), "ECDSA", 256, "nistP256", "sha256ECDSA", "SHA256",
        new string('a', 64), new string('b', 64), true);

    public static TlsFacts Tls { get; } = new(
        new Dictionary<string, bool?> { ["TLS 1.3"] = true, ["TLS 1.2"] = true, ["TLS 1.1"] = false, ["TLS 1.0"] = false, ["SSL 3.0"] = false, ["SSL 2.0"] = false }.ToImmutableSortedDictionary(),
        [new SuiteFact("TLS 1.3", "TLS_AES_256_GCM_SHA384"), new SuiteFact("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")],
        true, true, ["x25519", "X25519MLKEM768"], true, null)
    {
        GroupsKnown = true,
        ExtendedMasterSecret = true,
        SecureRenegotiation = true,
        Compression = false,
        ChosenStrongFirst = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ChosenWeakFirst = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Tickets = true,
        SessionNames = false,
        FallbackRefused = true,
        Sha1Signature = false,
    };

    public static EndpointFacts Endpoint { get; } = new(
        "192.0.2.1", 25, "smtp", 3,
        new DialogueFacts(Reach.Talked, null, "mx.good.example ESMTP", ["PIPELINING", "STARTTLS"], true, "220 go ahead", [], ["PIPELINING", "AUTH PLAIN"], ["S: 220"]),
        new HandshakeFacts(true, null, "TLSv1.3", "TLS_AES_256_GCM_SHA384", [Certificate], [], true, true, "DaneEe"))
    {
        Injection = new InjectionFacts(false, "nothing"),
        Reverse = new ReverseFacts(["mx.good.example"], true),
        ServerNames = new ServerNameFacts(new ShownFacts(new string('a', 64), true, true, null), new ShownFacts(null, null, null, "no TLS") { Refused = true }),
        PlaintextMail = new PlaintextMailFacts(true, "250 ok"),
        Tls = Tls,
    };

    public static HostFacts Host { get; } = new(
        "mx.good.example", 10, null, true,
        new TlsaFacts(TlsaAnswer.Signed, "_25._tcp.mx.good.example", [$"3 1 1 {new string('b', 64)}", $"3 1 1 {new string('c', 64)}"], []), [Endpoint])
    {
        Caa = new CaaFacts("good.example", ["0 issue \"ca.example\""]) { Restricts = true },
    };

    public static DomainFacts Domain { get; } = new(
        "good.example",
        new MxFacts(MxState.Found, true, [new ExchangerFacts(10, "mx.good.example")]),
        new StsFacts("1", true, null, new StsPolicyFacts("enforce", 86400 * 30, ["mx.good.example"]), null) { HostCertificateUntil = At.AddDays(60) },
        new TlsRptFacts("v=TLSRPTv1; rua=mailto:tls@good.example", true, null, []));

    public static AuditFacts All { get; } = new("good.example", At, TimeSpan.FromSeconds(1), true, Domain, [Host]);

    public static AuditFacts With(DomainFacts domain) => All with { Domain = domain };

    public static AuditFacts With(HostFacts host) => All with { Hosts = [host] };

    public static AuditFacts With(EndpointFacts endpoint) => With(Host with { Endpoints = [endpoint] });

    public static AuditFacts With(HandshakeFacts handshake) => With(Endpoint with { Handshake = handshake });

    public static AuditFacts With(TlsFacts tls) => With(Endpoint with { Tls = tls });

    public static AuditFacts With(CertificateFacts certificate) => With(Endpoint.Handshake! with { Chain = [certificate] });
}
