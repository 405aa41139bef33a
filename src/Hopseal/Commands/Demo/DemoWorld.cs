using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Commands.Demo;

/// <summary>Everything the demo needs, on loopback and in one temporary directory: a certificate authority, a zone, a receiving hop,
/// an attacker on the path to another one, and the gateway itself, configured by a file as any gateway is.</summary>
sealed class DemoWorld : IAsyncDisposable
{
    public const string Sender = "sender.example";
    public const string Receiver = "receiver.example";
    public const string Bank = "bank.example";

    /// <summary>Publishes TLSA records, and has a certificate that nobody else would believe.</summary>
    public const string Dane = "dane.example";

    /// <summary>Publishes an MTA-STS policy.</summary>
    public const string Sts = "sts.example";

    public static readonly IPAddress ReceiverAddress = IPAddress.Parse("127.0.0.1");
    public static readonly IPAddress BankAddress = IPAddress.Parse("127.0.0.2");
    static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(5);

    readonly string _directory;
    readonly LocalAuthority _authority;
    readonly SmtpListener _receivingHop;
    readonly StsPolicyServer _policyHost;
    readonly Gateway _gateway;
    readonly PkixCheck _check;

    DemoWorld(
        string directory, LocalAuthority authority, SmtpListener receivingHop, StsPolicyServer policyHost, Gateway gateway, TimeProvider clock)
    {
        _directory = directory;
        _authority = authority;
        _receivingHop = receivingHop;
        _policyHost = policyHost;
        _gateway = gateway;
        _check = new PkixCheck(TrustedRoots.Of(authority.Certificate), clock);
    }

    public required DemoMailbox Mailbox { get; init; }

    /// <summary>What the gateway recorded.</summary>
    public required DemoRecords Records { get; init; }

    public required StrippingAttacker Attacker { get; init; }

    public IPEndPoint GatewayEndpoint => _gateway.Endpoints[0];

    public Uri Dashboard => _gateway.Dashboard!;

    /// <summary>The bank's MX host, as the zone has it; who answers there is the attacker.</summary>
    public IPEndPoint BankEndpoint => new(BankAddress, _receivingHop.Endpoint.Port);

    public string AuthorityFile => Path.Combine(_directory, "ca.pem");

    /// <summary>Messages that wait in the gateway.</summary>
    public ValueTask<long> CountWaitingAsync(CancellationToken cancel) => _gateway.CountMessagesAsync(cancel);

    /// <summary>Judges certificates as a sending hop does that trusts the demo's authority.</summary>
    public Func<PeerChain, PeerVerdict> VerifierFor(string name) => _check.For(new HostPlan(
        new PlannedHost(DomainName.Parse(name), 0, 25, TlsStart.StartTls, HostAuthenticity.Configured, []), [], [name]));

    public static async Task<DemoWorld> StartAsync(TimeProvider clock, CancellationToken cancel)
    {
        var directory = Directory.CreateTempSubdirectory("hopseal-demo-").FullName;
        var authority = LocalAuthority.LoadOrCreate(directory, "Hopseal demo authority", clock);
        var mailbox = new DemoMailbox();
        using var stranger = LocalAuthority.Create("An authority that nobody knows", clock);
        var unknown = stranger.Issue($"mx.{Dane}");
        var receivingHop = ReceivingHop(authority, unknown, mailbox, clock);
        await receivingHop.StartAsync();

        // The bank's MX has an address of its own, and somebody sits in the way to it.
        var port = receivingHop.Endpoint.Port;
        var attacker = StrippingAttacker.Start(new IPEndPoint(BankAddress, port), receivingHop.Endpoint);

        var policyHost = await DemoZone.HostPolicyAsync(authority);

        var configuration = Configure(directory, authority, port);
        var records = new DemoRecords();
        var gateway = await Gateway.StartAsync(Load(directory, configuration, clock), NullLoggerFactory.Instance, clock, DemoZone.Of(port, unknown), records, policyHost.Endpoint.Port);
        return new DemoWorld(directory, authority, receivingHop, policyHost, gateway, clock)
        {
            Attacker = attacker,
            Mailbox = mailbox,
            Records = records,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await Attacker.DisposeAsync();
        await _policyHost.DisposeAsync();
        await _receivingHop.StopAsync(s_stopTimeout);
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    static SmtpListener ReceivingHop(LocalAuthority authority, X509Certificate2 unknown, DemoMailbox mailbox, TimeProvider clock)
    {
        var options = new ListenerOptions
        {
            Name = "mx",
            Endpoint = new IPEndPoint(ReceiverAddress, 0),
            Server = new ServerOptions
            {
                Hostname = $"mx.{Receiver}",
                Certificates = ServerCertificates.FromCertificates(
                    new X509Certificate2Collection(authority.Issue($"mx.{Receiver}", $"mx.{Bank}", $"mx.{Sts}")), new X509Certificate2Collection(unknown)),
            },
        };
        return new SmtpListener(options, new ConnectionLimits(100, 100), mailbox, _ => { }, clock);
    }

    static string Configure(string directory, LocalAuthority authority, int mxPort)
    {
        authority.IssueFiles(directory, "gateway", "gateway.hopseal.example");
        var text =
            $$"""
            {
              "Hostname": "gateway.hopseal.example",
              "DataDirectory": "data",
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:{{FreePort()}}", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "gateway.pem", "Key": "gateway-key.pem" } ],
              "RelayFrom": [ "127.0.0.0/8" ],
              "Outbound": {
                "Port": {{mxPort}},
                "IdleSeconds": 0,
                "Rules": [
                  { "Destination": "{{Receiver}}", "Tls": "Authenticated" },
                  { "Destination": "{{Bank}}", "Tls": "Encrypted" }
                ]
              },
              "Trust": { "Roots": [ "ca.pem" ] },
              "Monitor": { "Partners": [ "{{Dane}}", "{{Sts}}" ], "IntervalHours": 1, "ConfirmMinutes": 1 },
              "Dashboard": { "Endpoint": "127.0.0.1:{{FreePort()}}" }
            }
            """;
        File.WriteAllText(Path.Combine(directory, "hopseal.json"), text);
        return text;
    }

    static GatewayConfiguration Load(string directory, string configuration, TimeProvider clock) =>
        ConfigurationFile.Load("hopseal.json", directory, [], clock) switch
        {
            ConfigurationResult.Usable usable => usable.Configuration,
            ConfigurationResult.Faulty faulty =>
                throw new InvalidOperationException($"{string.Join("; ", faulty.Faults)} in {configuration}"),
            ConfigurationResult.Unreadable unreadable => throw new InvalidOperationException(unreadable.Why),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>A port that was free a moment ago.</summary>
    static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
