using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Tests.Hello;

namespace Hopseal.Audit.Tests;

public enum Scene
{
    /// <summary>The gateway, with everything published in a signed zone.</summary>
    Gateway,

    /// <summary>OpenSSL 3.5, by Node.js.</summary>
    PostQuantum,
    Primes,
    NoDomain,
    Unpublished,
    WrongTlsa,
    TlsaUnanswered,
    TwoPolicies,
    PolicyOfStranger,
    PolicyForOthers,
    PolicyNotKept,
    HalfDead,
    Busy,
    NoTls,
    Masked,
    Refusing,
    KeepingCommands,
    PostfixTlsOnly,
    EximByName,
    EximOld,
    Antique,
    Weak,
    OddGroup,
    BadCertificate,
}

/// <summary>Servers and zones, each looked at once, deep.</summary>
public sealed class Scenes : IDisposable
{
    readonly Keys _keys = new();
    readonly ConcurrentDictionary<Scene, Lazy<Task<AuditReport>>> _seen = [];

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Null when a scene can be set here, else why not.</summary>
    public static string? Missing(Scene scene) => scene switch
    {
        Scene.PostQuantum => PostQuantumServer.Missing,
        Scene.PostfixTlsOnly => MailServers.NoPostfix,
        Scene.EximByName or Scene.EximOld => Exim.Missing,
        Scene.Primes or Scene.Weak or Scene.OddGroup or Scene.BadCertificate => OpenSslServer.Installed ? null : "there is no openssl",
        _ => null,
    };

    public Task<AuditReport> SeeAsync(Scene scene) => _seen.GetOrAdd(scene, _ => new Lazy<Task<AuditReport>>(() => LookAsync(scene))).Value;

    public void Dispose() => _keys.Dispose();

    Task<AuditReport> LookAsync(Scene scene) => scene switch
    {
        Scene.Gateway => DomainAsync(new Published()),
        Scene.PostQuantum => PostQuantumAsync(),
        Scene.Primes => OpenSslAsync("-cert", _keys.Rsa, "-tls1_2", "-cipher", "DHE:@SECLEVEL=1"),
        Scene.NoDomain => DomainAsync(new Published { Domain = "nobody.example" }),
        Scene.Unpublished => DomainAsync(new Published { Signed = false, Policy = null, Records = "" }),
        Scene.WrongTlsa => DomainAsync(new Published { Tlsa = [$"3 1 1 {new string('0', 64)}", $"0 0 1 {new string('0', 64)}"] }),
        Scene.TlsaUnanswered => DomainAsync(new Published { Tlsa = [] }),
        Scene.TwoPolicies => DomainAsync(new Published { Records = "_mta-sts.good.example TXT v=STSv1\\; id=2\\;" }),
        Scene.PolicyOfStranger => DomainAsync(new Published { PolicyCertificate = BadServers.SelfSigned("mta-sts.good.example", 3) }),
        Scene.PolicyForOthers => DomainAsync(new Published { Policy = "version: STSv1\nmode: testing\nmx: mx.other.example\nmax_age: 604800\n" }),
        Scene.PolicyNotKept => DomainAsync(new Published { Certificate = BadServers.SelfSigned("mx.other.example", 30) }),
        Scene.HalfDead => DomainAsync(new Published { Records = "mx.good.example A 127.0.0.9" }),
        Scene.Busy => ScriptedAsync(ScriptedServer.Smtp("421 4.7.0 too many connections\r\n", _ => null)),
        Scene.NoTls => ScriptedAsync(BadServers.Saying("250-mx\r\n250 AUTH PLAIN LOGIN\r\n")),
        Scene.Masked => ScriptedAsync(BadServers.Saying("250-mx\r\n250-XXXXXXXA\r\n250 SIZE\r\n")),
        Scene.Refusing => ScriptedAsync(BadServers.Saying("250-mx\r\n250 STARTTLS\r\n")),
        Scene.KeepingCommands => KeepingCommandsAsync(),
        Scene.PostfixTlsOnly => MailServerAsync(port => MailServers.PostfixAsync(_keys, port, ["smtpd_tls_security_level = encrypt"], Cancel), "mx.test"),
        Scene.EximByName => EximByNameAsync(),
        Scene.EximOld => MailServerAsync(port => Exim.StartAsync(_keys, port, ["tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0"], Cancel), "mx.test"),
        Scene.Antique => AntiqueAsync(),
        Scene.Weak => OpenSslAsync(
            "-cert", _keys.Rsa, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-dhparam", _keys.WriteFile("dh.pem", DhParameters.Of1024Bits), "-sigalgs", "RSA+SHA1:RSA+SHA256"),
        Scene.OddGroup => OpenSslAsync("-cert", _keys.Rsa, "-tls1_2", "-cipher", "ECDHE+AESGCM", "-groups", "secp256k1", "-no_ticket", "-no_cache"),
        Scene.BadCertificate => OpenSslAsync("-cert", _keys.WriteFile("bad.pem", BadServers.BadCertificate()), "-cipher", "ALL:@SECLEVEL=0"),
        _ => throw new ArgumentOutOfRangeException(nameof(scene)),
    };

    /// <summary>A domain with the gateway as its host.</summary>
    sealed record Published
    {
        public string Domain { get; init; } = "good.example";

        public bool Signed { get; init; } = true;

        /// <summary>Null: those of its certificate and of a next one; empty: the question for them fails.</summary>
        public string[]? Tlsa { get; init; }

        /// <summary>Null: none is announced.</summary>
        public string? Policy { get; init; } = "version: STSv1\nmode: enforce\nmx: mx.good.example\nmax_age: 2592000\n";

        public X509Certificate2? PolicyCertificate { get; init; }

        public X509Certificate2? Certificate { get; init; }

        public string Records { get; init; } =
            """
            good.example CAA 0 issue "ca.example"
            1.0.0.127.in-addr.arpa PTR mx.good.example
            _smtp._tls.good.example TXT v=TLSRPTv1\; rua=mailto:tls@good.example
            """;
    }

    static async Task<AuditReport> DomainAsync(Published published)
    {
        using var world = NewWorld();
        using var certificate = published.Certificate ?? world.Issue("mx.good.example");
        using var policyCertificate = published.PolicyCertificate ?? world.Issue("mta-sts.good.example");
        await using var server = await GoodServer.StartAsync(certificate);
        await using var site = PolicySite.Start(policyCertificate, published.Policy ?? "");
        var owner = $"_{server.Endpoint.Port}._tcp.mx.good.example";
        var key = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        string[] tlsa = published.Tlsa ?? [$"3 1 1 {key}", $"3 1 1 {new string('a', 64)}"];
        (world.MxPort, world.PolicyPort) = (server.Endpoint.Port, site.Endpoint.Port);
        world.Zone =
            $"""
            $SECURE {(published.Signed ? "on" : "off")}
            good.example MX 10 mx.good.example
            mx.good.example A 127.0.0.1
            mta-sts.good.example A 127.0.0.1
            {(published.Policy is null ? "" : "_mta-sts.good.example TXT v=STSv1\\; id=1\\;")}
            {(tlsa.Length == 0 ? $"{owner} FAIL TLSA" : string.Join('\n', tlsa.Select(record => $"{owner} TLSA {record}")))}
            {published.Records}
            """;
        return await world.CheckAsync(published.Domain, Cancel);
    }

    /// <summary>TLS from the first octet; whoever answers hellos needs to say no more.</summary>
    static async Task<AuditReport> OpenSslAsync(params string[] options)
    {
        using var server = await OpenSslServer.StartAsync(Cancel, options);
        return await HostAsync("smtps", "mx.test", server.Port);
    }

    async Task<AuditReport> PostQuantumAsync()
    {
        using var server = await PostQuantumServer.StartAsync(_keys.Rsa, "", Cancel);
        return await HostAsync("smtps", "mx.test", server.Port);
    }

    static async Task<AuditReport> AntiqueAsync()
    {
        await using var server = new OldServer
        {
            Versions = [0x0300, 0x0301],
            Suites = [0x0005, 0x000A, 0x0003],
            MasterSecret = false,
            Renegotiation = false,
            Compresses = true,
            Ssl2Answer = [0x80, 18, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 4, 7, 0, 0xC0, 1, 2, 3, 4],
        }.Start();
        return await HostAsync("smtps", "mx.test", server.Endpoint.Port);
    }

    static async Task<AuditReport> ScriptedAsync(ScriptedServer server)
    {
        await using (server)
        {
            using var world = NewWorld();
            return await world.CheckAsync(server.Endpoint, Cancel);
        }
    }

    static async Task<AuditReport> KeepingCommandsAsync()
    {
        using var certificate = BadServers.SelfSigned("mx.bad.example", 30);
        return await ScriptedAsync(BadServers.KeepingCommands(certificate));
    }

    static async Task<AuditReport> MailServerAsync(Func<int, Task<MailServer>> start, string name)
    {
        var port = MailServer.FreePort();
        using var server = await start(port);
        return await HostAsync("smtp", name, port);
    }

    /// <summary>One certificate for whoever asks for the name, and another for the rest.</summary>
    async Task<AuditReport> EximByNameAsync()
    {
        using var world = NewWorld();
        using var certificate = world.Issue("mx.test");
        using var key = certificate.GetECDsaPrivateKey()!;
        var own = _keys.WriteFile("mx.test.pem", $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        var file = $"${{if eq{{$tls_in_sni}}{{mx.test}}{{{own}}}{{{_keys.Rsa}}}}}";
        var port = MailServer.FreePort();
        using var server = await Exim.StartAsync(_keys, port, [Exim.Modern], Cancel, file);
        world.Zone = "mx.test A 127.0.0.1";
        return await world.CheckAsync($"smtp://mx.test:{port}", Cancel);
    }

    static async Task<AuditReport> HostAsync(string scheme, string name, int port)
    {
        using var world = NewWorld();
        world.Zone = $"{name} A 127.0.0.1";
        return await world.CheckAsync($"{scheme}://{name}:{port}", Cancel);
    }

    /// <summary>Patient where a loaded machine needs it; but for a greeting, which those who only do TLS never say.</summary>
    static AuditWorld NewWorld()
    {
        var world = new AuditWorld();
        world.Options = world.Options with
        {
            Deep = true,
            MostConnections = 40,
            ReplyTimeout = TimeSpan.FromSeconds(10),
            GreetingTimeout = TimeSpan.FromSeconds(3),
        };
        return world;
    }
}
