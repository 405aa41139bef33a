namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Postfix, the gateway, Postfix, with TLS required on both hops. The gateway finds the destination by its MX record,
/// at a resolver that knows nothing else.</summary>
public sealed class MailRoute : IAsyncLifetime
{
    public const string GatewayName = "gateway.test";

    readonly TestDirectory _directory = new("route");
    TestAuthority? _authority;
    PostfixPair? _hops;
    UnboundInstance? _resolver;
    GatewayProcess? _gateway;

    internal PostfixPair Hops => _hops ?? throw new InvalidOperationException("not started");

    internal GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    internal int GatewayPort { get; } = Ports.Next();

    public async ValueTask InitializeAsync()
    {
        if (PostfixInstance.Unavailable is not null)
        {
            return;
        }

        var cancel = TestContext.Current.CancellationToken;
        _authority = new TestAuthority(_directory);
        _hops = await PostfixPair.StartAsync(_authority, GatewayPort, GatewayName, cancel);
        _resolver = await UnboundInstance.StartAsync(
            [$"{PostfixPair.RoutedDomain}. MX 10 {PostfixPair.DestinationHost}.", $"{PostfixPair.DestinationHost}. A 127.0.0.1"], cancel);
        var certificate = _authority.Issue(GatewayName);
        string[] relayFrom = ["127.0.0.0/8"];
        int[] retryMinutes = [1];
        _gateway = new GatewayProcess(
            _directory,
            new
            {
                Hostname = GatewayName,
                DataDirectory = _directory["data"],
                Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{GatewayPort}", Mode = "StartTlsRequired" } },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                RelayFrom = relayFrom,
                Limits = new { ConnectionsPerAddress = 1000 },
                Outbound = new
                {
                    Port = _hops.Destination.Port,
                    RetryMinutes = retryMinutes,
                    Rules = new[]
                    {
                        new { Destination = PostfixPair.RoutedDomain, Tls = "Authenticated", Names = new[] { PostfixPair.DestinationHost } },
                    },
                },
                Dns = new { Servers = new[] { $"127.0.0.1:{_resolver.Port}" } },
                Trust = new { Roots = new[] { _authority.RootPath } },
            },
            GatewayPort);
        await _gateway.StartAsync(cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, _resolver, _hops], _authority, _directory);
}
