using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>What is published or configured for a destination.</summary>
public enum Guard
{
    /// <summary>Nothing, and the gateway never met the host.</summary>
    Nothing,

    /// <summary>Nothing, and the gateway had TLS with the host before.</summary>
    Proven,
    OperatorEncrypted,
    OperatorAuthenticated,
    Dane,
    StsEnforce,
    StsTesting,
    RequireTls,

    /// <summary>An operator's rule says Authenticated, and an exception from it Plaintext.</summary>
    Exception,
}

/// <summary>A gateway with a destination for every <see cref="Guard"/> and every <see cref="Attack"/>, each with an attacker of its own in the
/// way, who reads what is not encrypted; behind them all one honest host and one of the attackers'.</summary>
public sealed class AttackedRoute : IAsyncLifetime
{
    const string GatewayName = "gateway.test";
    const string AllHosts = "*.hosts.test";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    static readonly Guard[] s_guards = Enum.GetValues<Guard>();
    static readonly Attack[] s_attacks = Enum.GetValues<Attack>();

    readonly TestDirectory _directory = new("attacked");
    readonly int _gatewayPort = Ports.Next();
    readonly int _mxPort = Ports.Next();
    readonly byte[] _network = [(byte)Random.Shared.Next(128, 192), (byte)Random.Shared.Next(256)];
    readonly Dictionary<(Guard, Attack), OnPathAttacker> _attackers = [];
    readonly List<IAsyncDisposable> _parts = [];
    TestAuthority? _authority;
    TlsHost? _honest;
    TlsHost? _accomplice;
    GatewayProcess? _gateway;

    /// <summary>Why it cannot be here; null when it can.</summary>
    public static string? Unavailable => SignedTree.Unavailable ?? PolicySite.Unavailable;

    GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        if (Unavailable is not null)
        {
            return;
        }

        var cancel = TestContext.Current.CancellationToken;
        _authority = new TestAuthority(_directory);
        var shown = Load(_authority.Issue(AllHosts));
        var honest = new IPEndPoint(Address(0), _mxPort);
        var accomplice = new IPEndPoint(Address(1), _mxPort);
        _parts.Add(_honest = new TlsHost(honest, new ShownCertificate(shown)));
        _parts.Add(_accomplice = new TlsHost(accomplice, ShownCertificate.Of("anybody.test")));
        var site = new PolicySite();
        _parts.Add(site);

        var records = new List<string>();
        foreach (var (guard, attack) in Cells())
        {
            var (domain, host, at) = (Domain(guard, attack), Host(guard, attack), Address(2 + (int)guard * s_attacks.Length + (int)attack));
            records.AddRange([$"{domain}. MX 10 {host}.", $"{host}. A {at}"]);
            if (guard is Guard.Dane)
            {
                records.Add($"_{_mxPort}._tcp.{host}. TLSA {ShownCertificate.Tlsa(3, 1, 1, shown)}");
            }

            if (guard is Guard.StsEnforce or Guard.StsTesting)
            {
                records.AddRange([$"_mta-sts.{domain}. TXT \"v=STSv1; id=1;\"", $"mta-sts.{domain}. A {site.Address}"]);
                site.Serve(domain, _authority.Issue($"mta-sts.{domain}"), PolicySite.Policy(guard is Guard.StsEnforce ? "enforce" : "testing", host));
            }

            var attacker = new OnPathAttacker(new IPEndPoint(at, _mxPort), honest, accomplice) { Attack = attack };
            _attackers.Add((guard, attack), attacker);
            _parts.Add(attacker);
        }

        var tree = await SignedTree.StartAsync([new TreeZone("test", ZoneState.Signed)], records, cancel);
        _parts.Add(tree);
        _gateway = new GatewayProcess(_directory, Configuration(tree.Port, _authority.Issue(GatewayName)), _gatewayPort);
        await _gateway.StartAsync(cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, .. _parts], _authority, _directory);

    /// <summary>Sends one message the guarded and attacked way, and says in a word each what became of it and what the attacker could
    /// read.</summary>
    internal async Task<(string Outcome, string Read, string Story)> TryAsync(Guard guard, Attack attack, CancellationToken cancel)
    {
        var attacker = _attackers[(guard, attack)];
        if (guard is Guard.Proven)
        {
            attacker.Attack = Attack.None;
            var (first, read, _) = await SendAsync(guard, attack, $"before.{attack}", cancel);
            Assert.Equal(("delivered", "nothing"), (first, read));
            attacker.Attack = attack;
        }

        return await SendAsync(guard, attack, $"secret.{guard}.{attack}", cancel);
    }

    async Task<(string Outcome, string Read, string Story)> SendAsync(Guard guard, Attack attack, string local, CancellationToken cancel)
    {
        var recipient = $"{local.ToLowerInvariant()}@{Domain(guard, attack)}";
        var marker = $"marker {Guid.NewGuid():n}";
        await using (var client = await RawSmtp.OpenTlsAsync(_gatewayPort, _authority!.Root, GatewayName, cancel))
        {
            var content = Encoding.ASCII.GetBytes($"Subject: {marker}\r\nFrom: <a@origin.test>\r\n\r\n{marker}\r\n");
            var reply = await client.SendMessageAsync("a@origin.test", [recipient], content, cancel, guard is Guard.RequireTls ? " REQUIRETLS" : "");
            Assert.True(reply.Code == 250, $"the gateway refuses it: {reply}");
        }

        var told = await Eventually.FindAsync(
            $"an outcome for {recipient}",
            s_limit,
            () => Gateway.Output.Split('\n').FirstOrDefault(line =>
                line.Contains($"to {recipient} ", StringComparison.Ordinal) && line.Contains("\"EventId\":110", StringComparison.Ordinal)),
            () => Gateway.Output,
            cancel);
        using var document = JsonDocument.Parse(told);
        var outcome = document.RootElement.GetProperty("EventId").GetInt32() switch
        {
            1101 => "delivered",
            1102 => "deferred",
            _ => "bounced",
        };
        var seen = _attackers[(guard, attack)].Seen;
        var heard = new[] { "MAIL FROM", "RCPT TO", recipient, "a@origin.test", marker }
            .Where(text => seen.Contains(text, StringComparison.OrdinalIgnoreCase)).ToList();
        var wasTaken = _accomplice!.Deliveries.Any(delivery => delivery.Recipient == recipient);
        var reached = wasTaken || _honest!.Deliveries.Any(delivery => delivery.Recipient == recipient);
        Assert.Equal(outcome == "delivered", reached);
        return (outcome, wasTaken || heard.Count == 5 ? "everything" : heard.Count == 0 ? "nothing" : string.Join(", ", heard), told);
    }

    object Configuration(int resolverPort, CertificatePaths certificate)
    {
        string[] loopback = ["127.0.0.0/8"];
        int[] retryMinutes = [10];
        var exceptions = s_attacks.Select(attack => (object)new
        {
            Destination = Domain(Guard.Exception, attack),
            Tls = "Plaintext",
            Until = $"{TimeProvider.System.GetUtcNow().AddDays(30):yyyy-MM-dd}",
            Reason = "ticket 4711",
            Owner = "ops",
        });
        return new
        {
            Hostname = GatewayName,
            DataDirectory = _directory["data"],
            Listeners = new[] { new { Name = "in", Endpoint = $"127.0.0.1:{_gatewayPort}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = loopback,
            Outbound = new
            {
                Port = _mxPort,
                RetryMinutes = retryMinutes,
                IdleSeconds = 0,
                Rules = new object[]
                {
                    new { Destination = $"*.{Zone(Guard.OperatorEncrypted)}", Tls = "Encrypted" },
                    new { Destination = $"*.{Zone(Guard.OperatorAuthenticated)}", Tls = "Authenticated" },
                    new { Destination = $"*.{Zone(Guard.Exception)}", Tls = "Authenticated" },
                }.Concat(exceptions),
            },
            Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" }, HealthMinutes = 0 },
            Trust = new { Roots = new[] { _authority!.RootPath } },
        };
    }

    static IEnumerable<(Guard Guard, Attack Attack)> Cells() => s_guards.SelectMany(guard => s_attacks.Select(attack => (guard, attack)));

    IPAddress Address(int number) => new([127, .. _network, (byte)(number + 1)]);

    static string Zone(Guard guard) => $"{guard}.test".ToLowerInvariant();

    static string Domain(Guard guard, Attack attack) => $"{attack}.{Zone(guard)}".ToLowerInvariant();

    static string Host(Guard guard, Attack attack) => $"{attack}-{guard}.hosts.test".ToLowerInvariant();

    static X509Certificate2 Load(CertificatePaths paths)
    {
        using var pem = X509Certificate2.CreateFromPemFile(paths.Chain, paths.Key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
