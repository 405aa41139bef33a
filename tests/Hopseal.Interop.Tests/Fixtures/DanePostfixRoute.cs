using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A Postfix that sends as DANE wants it, Hopseal, and a Postfix that receives. Hopseal and the second Postfix each have a domain with TLSA
/// records for their key, and one with records for another.</summary>
public sealed class DanePostfixRoute : IAsyncLifetime
{
    /// <summary>Of Hopseal.</summary>
    public const string Right = "right.test";

    /// <summary>Of Hopseal, with records for another key.</summary>
    public const string Wrong = "wrong.test";

    public const string PostfixRight = "pf-right.test";
    public const string PostfixWrong = "pf-wrong.test";

    readonly TestDirectory _directory = new("dane-postfix");
    readonly List<IAsyncDisposable> _parts = [];
    TestAuthority? _authority;
    GatewayProcess? _gateway;
    PostfixInstance? _sender;
    PostfixInstance? _receiver;

    /// <summary>Why it cannot be here; null when it can.</summary>
    public static string? Unavailable => PostfixInstance.Unavailable ?? SignedTree.Unavailable;

    internal int GatewayPort { get; } = Ports.Next();

    internal GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    internal PostfixInstance Sender => _sender ?? throw new InvalidOperationException("not started");

    internal PostfixInstance Receiver => _receiver ?? throw new InvalidOperationException("not started");

    internal string Story => $"{Gateway.Output}\n--- sender\n{Sender.Log}\n--- receiver\n{Receiver.Log}";

    public async ValueTask InitializeAsync()
    {
        if (Unavailable is not null)
        {
            return;
        }

        var cancel = TestContext.Current.CancellationToken;
        _authority = new TestAuthority(_directory);
        var (own, other, unknown) = (_authority.Issue("own.test"), _authority.Issue("other.test"), _authority.Issue("unknown.test"));
        _receiver = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-dane-receiver", "mx.postfix.test") { Domains = [PostfixRight, PostfixWrong], Certificate = other }, cancel);
        _parts.Add(_receiver);
        var tree = await SignedTree.StartAsync(
            [new TreeZone("test", ZoneState.Signed)],
            [
                .. Published(Right, GatewayPort, own), .. Published(Wrong, GatewayPort, unknown),
                .. Published(PostfixRight, _receiver.Port, other), .. Published(PostfixWrong, _receiver.Port, unknown),
            ],
            cancel,
            atRealPort: true);
        _parts.Add(tree);
        _sender = await PostfixInstance.StartAsync(
            new PostfixOptions("pf-dane-sender", "mx.origin.test")
            {
                Resolver = tree.Address,
                Settings =
                [
                    "smtp_tls_security_level = dane",
                    "smtp_dns_support_level = dnssec",
                    "smtp_host_lookup = dns",
                    $"transport_maps = inline:{{ {{ {Right} = smtp:{Right}:{GatewayPort} }}, {{ {Wrong} = smtp:{Wrong}:{GatewayPort} }} }}",
                ],
            },
            cancel);
        _parts.Add(_sender);
        _gateway = new GatewayProcess(_directory, Configuration(tree.Port, own), GatewayPort);
        await _gateway.StartAsync(cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, .. _parts], _authority, _directory);

    static string[] Published(string domain, int port, CertificatePaths paths)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(paths.Chain);
        return
        [
            $"{domain}. MX 10 mx.{domain}.", $"mx.{domain}. A 127.0.0.1",
            $"_{port}._tcp.mx.{domain}. TLSA {ShownCertificate.Tlsa(3, 1, 1, certificate)}",
        ];
    }

    object Configuration(int resolverPort, CertificatePaths certificate)
    {
        string[] loopback = ["127.0.0.0/8"];
        int[] retryMinutes = [10];
        return new
        {
            Hostname = "gateway.test",
            DataDirectory = _directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{GatewayPort}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = loopback,
            Domains = new[] { Right, Wrong }.ToDictionary(domain => domain, domain => new { Maildir = _directory["maildir"] }),
            Outbound = new { Receiver.Port, RetryMinutes = retryMinutes },
            Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" }, HealthMinutes = 0 },
        };
    }
}
