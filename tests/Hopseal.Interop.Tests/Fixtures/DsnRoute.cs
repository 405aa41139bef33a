namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A sender's Postfix, the gateway, and behind it a Postfix with DSN, one without, and a Maildir. Reports come back to
/// <see cref="Sender"/>.</summary>
public sealed class DsnRoute : IAsyncLifetime
{
    public const string GatewayName = "gateway.test";
    public const string ReportingHost = "mx.reporting.test";
    public const string Sender = "sender@origin.test";

    /// <summary>Of a host with DSN.</summary>
    public const string Reporting = "reporting.test";

    /// <summary>Of a host without DSN.</summary>
    public const string Silent = "silent.test";

    /// <summary>In a Maildir of the gateway.</summary>
    public const string Kept = "kept.test";

    /// <summary>Of a host that has no TLS and would need it.</summary>
    public const string Locked = "locked.test";

    readonly TestDirectory _directory = new("dsn");
    readonly int _gatewayPort = Ports.Next();
    readonly List<PostfixInstance> _postfix = [];
    GatewayProcess? _gateway;

    internal PostfixInstance Origin => _postfix[2];

    internal GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    /// <summary>For the message of a failed test.</summary>
    internal string Story => $"{Gateway.Output}\n{string.Join('\n', _postfix.Select(postfix => postfix.Log))}";

    /// <summary>The gateway's queue.</summary>
    internal string Database => Path.Combine(_directory["data"], "queue.db");

    public async ValueTask InitializeAsync()
    {
        if (PostfixInstance.Unavailable is not null)
        {
            return;
        }

        var cancel = TestContext.Current.CancellationToken;
        var toGateway = $"smtp:[127.0.0.1]:{_gatewayPort}";
        var reporting = await AddAsync(
            new PostfixOptions("pf-reporting", ReportingHost)
            {
                Domains = [Reporting],
                Settings = [$"transport_maps = inline:{{ {{ origin.test = {toGateway} }} }}", RejectNobody(Reporting)],
            },
            cancel);
        var silent = await AddAsync(
            new PostfixOptions("pf-silent", "mx.silent.test")
            {
                Domains = [Silent],
                Settings = ["smtpd_discard_ehlo_keywords = dsn", RejectNobody(Silent)],
            },
            cancel);
        var origin = await AddAsync(
            new PostfixOptions("pf-origin", "mx.origin.test")
            {
                Domains = ["origin.test"],
                Settings = [$"transport_maps = inline:{{ {string.Join(", ", new[] { Reporting, Silent, Kept, Locked }.Select(domain => $"{{ {domain} = {toGateway} }}"))} }}"],
            },
            cancel);
        _gateway = new GatewayProcess(_directory, Configuration(reporting.Port, silent.Port, origin.Port), _gatewayPort);
        await _gateway.StartAsync(cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, .. _postfix], _directory);

    object Configuration(int reportingPort, int silentPort, int originPort)
    {
        string[] relayFrom = ["127.0.0.0/8"];
        int[] retryMinutes = [1];
        return new
        {
            Hostname = GatewayName,
            DataDirectory = _directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{_gatewayPort}", Mode = "StartTls" } },
            Domains = new Dictionary<string, object>
            {
                [Reporting] = new { NextHop = $"127.0.0.1:{reportingPort}" },
                [Silent] = new { NextHop = $"127.0.0.1:{silentPort}" },
                [Kept] = new { Maildir = _directory["maildir"] },
                [Locked] = new { NextHop = $"127.0.0.1:{reportingPort}", Tls = "Encrypted" },
                ["origin.test"] = new { NextHop = $"127.0.0.1:{originPort}" },
            },
            RelayFrom = relayFrom,
            Outbound = new { RetryMinutes = retryMinutes },
        };
    }

    async Task<PostfixInstance> AddAsync(PostfixOptions options, CancellationToken cancel)
    {
        var postfix = await PostfixInstance.StartAsync(options, cancel);
        _postfix.Add(postfix);
        return postfix;
    }

    static string RejectNobody(string domain) =>
        $"smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ nobody@{domain} = 550 5.1.1 no such user }} }}";
}
