using System.Net;
using System.Security.Authentication;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Tests.Configuration;

public sealed class GatewayConfigurationTests : IDisposable
{
    const string Hash = "SCRAM-SHA-256$600000:AfNWr469bD3LRB4bVYuPIQ==$GZi8ZzvqjhY4rdtEj4SQvfGVjss7gZeZ1n8RwvCsToQ=:vUgR8yNZUm03jaGtUtfrj/D/lF4CuxIq1SGfdRzrIVw=";

    readonly Workspace _workspace = new();

    public GatewayConfigurationTests()
    {
        _workspace.WriteCertificate("mx");
        _workspace.WriteSecret("secret", "geheim\r\nmore");
    }

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Every_key_arrives_where_it_belongs()
    {
        var configuration = Load($$"""
            {
              // Comments and trailing commas are welcome.
              "Hostname": "MX1.Example.ORG.",
              "DataDirectory": "data",
              "Listeners": [
                { "Name": "mx", "Endpoint": "0.0.0.0:25", "Mode": "StartTls", "ProxyFrom": [ "10.1.0.0/16" ] },
                { "Name": "submissions", "Endpoint": "[::]:465", "Mode": "ImplicitTls", "Authentication": "Required" },
              ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
              "Tls": { "MinimumVersion": "1.3", "SessionTickets": false },
              "Domains": {
                "example.org": { "NextHop": "exchange.internal", "Tls": "Encrypted" },
                "bücher.example": { "NextHop": "smtps://[2001:db8::1]" },
                "kept.example": { "Maildir": "kept" },
              },
              "RelayFrom": [ "127.0.0.0/8", "::1/128", "192.0.2.7" ],
              "Users": [ { "Name": "app", "PasswordHash": "{{Hash}}" } ],
              "Limits": { "MessageBytes": 100000, "Recipients": 200, "Connections": 300, "ConnectionsPerAddress": 4, "CommandSeconds": 5,
                          "HandshakeSeconds": 6, "MessageSeconds": 70, "FreeBytes": 12, "LineBytes": 800, "Errors": 9, "AuthenticationFailures": 10,
                          "ShutdownSeconds": 11 },
              "Outbound": {
                "Port": 2500, "SmartHost": "smtp://relay.example.net:587", "SmartHostUser": "me", "SmartHostPasswordFile": "secret",
                "SmartHostTls": "Authenticated", "RetryMinutes": [ 1, 2 ], "GiveUpHours": 3, "DelayWarningHours": 2,
                "ConnectionsPerDestination": 4, "Connections": 5, "IdleSeconds": 0, "MessagesPerSession": 7, "RememberTlsDays": 6,
                "Rules": [
                  { "Destination": "Bank.example", "Tls": "Authenticated", "Names": [ "*.Mail.example" ] },
                  { "Destination": "*.old.example", "Tls": "Plaintext", "Until": "9998-12-31", "Reason": "ticket 4711", "Owner": "ops" },
                ],
              },
              "Dns": { "Servers": [ "127.0.0.1", "[::1]:5353" ], "TrustAuthenticData": true, "TimeoutSeconds": 7,
                       "HealthMinutes": 8, "HealthSigned": "Signed.example", "HealthBogus": "bogus.example" },
              "Trust": { "Roots": [ "mx.pem" ] },
              "Log": { "Format": "json", "Level": "Warning" },
            }
            """);

        Assert.Equal("mx1.example.org", configuration.Hostname.Ascii);
        Assert.Equal(_workspace.PathOf("data"), configuration.DataDirectory);
        Assert.Equal(2, configuration.Listeners.Length);
        Assert.Equal(IPNetwork.Parse("10.1.0.0/16"), Assert.Single(configuration.Listeners[0].ProxyFrom));
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Any, 465), configuration.Listeners[1].Endpoint);
        Assert.Equal(ListenerMode.ImplicitTls, configuration.Listeners[1].Mode);
        Assert.Equal(AuthenticationUse.Required, configuration.Listeners[1].Authentication);
        Assert.Equal(new CertificateFiles(_workspace.PathOf("mx.pem"), _workspace.PathOf("mx.key")), Assert.Single(configuration.Certificates));
#pragma warning disable CA5398 // compares with what was configured
        Assert.Equal(new TlsSettings(SslProtocols.Tls13, SessionTickets: false), configuration.Tls);
#pragma warning restore CA5398
        Assert.Equal(Hash, configuration.Access.Users["app"].ToString());
        Assert.Equal(["127.0.0.0/8", "::1/128", "192.0.2.7/32"], configuration.Access.RelayFrom.Select(network => network.ToString()));
        Assert.Equal(
            new LimitSettings
            {
                MessageBytes = 100_000,
                Recipients = 200,
                Connections = 300,
                ConnectionsPerAddress = 4,
                Command = TimeSpan.FromSeconds(5),
                Handshake = TimeSpan.FromSeconds(6),
                Message = TimeSpan.FromSeconds(70),
                FreeBytes = 12,
                LineBytes = 800,
                Errors = 9,
                AuthenticationFailures = 10,
                Shutdown = TimeSpan.FromSeconds(11),
            },
            configuration.Limits);
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)], configuration.Outbound.Schedule.Delays);
        Assert.Equal(TimeSpan.FromHours(3), configuration.Outbound.Schedule.GiveUpAfter);
        Assert.Equal(TimeSpan.FromHours(2), configuration.Outbound.DelayWarning);
        Assert.Equal((4, 5), (configuration.Outbound.ConnectionsPerDestination, configuration.Outbound.Connections));
        Assert.Equal((TimeSpan.Zero, 7), (configuration.Outbound.IdleTime, configuration.Outbound.MessagesPerSession));
        Assert.Equal(TimeSpan.FromDays(6), configuration.Outbound.RememberTls);
        Assert.Equal(("me", "geheim"), (configuration.SmartHostCredentials?.User, configuration.SmartHostCredentials?.Password));
        Assert.Equal([new(IPAddress.Loopback, 53), new(IPAddress.IPv6Loopback, 5353)], configuration.Dns.Servers);
        Assert.Equal((true, TimeSpan.FromSeconds(7)), (configuration.Dns.TrustAuthenticData, configuration.Dns.Timeout));
        Assert.Equal(
            new ResolverHealthSettings(TimeSpan.FromMinutes(8), DomainName.Parse("signed.example"), DomainName.Parse("bogus.example")),
            configuration.Dns.Health);
        Assert.Equal([_workspace.PathOf("mx.pem")], configuration.Roots);
        Assert.Equal(new LogSettings(LogFormat.Json, LogLevel.Warning), configuration.Log);

        var routing = configuration.RoutingOn(new DateOnly(2026, 7, 1));
        Assert.Equal(
            new DomainRoute(new NextHop(DomainName.Parse("exchange.internal"), null, 25, TlsStart.StartTls), SecurityFloor.Encrypted, null),
            routing.Domains[DomainName.Parse("example.org")]);
        Assert.Equal(
            new DomainRoute(new NextHop(null, IPAddress.Parse("2001:db8::1"), 465, TlsStart.Implicit), null, null),
            routing.Domains[DomainName.Parse("xn--bcher-kva.example")]);
        Assert.Equal(_workspace.PathOf("kept"), routing.Domains[DomainName.Parse("kept.example")].Maildir);
        Assert.Equal(new NextHop(DomainName.Parse("relay.example.net"), null, 587, TlsStart.StartTls), routing.SmartHost);
        Assert.True(routing.SmartHostCredentials);
        Assert.Equal((SecurityFloor.Authenticated, 2500), (routing.SmartHostFloor, routing.MxPort));
        Assert.Equal(["bank.example", "*.old.example"], routing.Rules.Select(rule => rule.Destination));
        Assert.Equal(["*.mail.example"], routing.Rules[0].Names);
        Assert.Equal("Outbound.Rules[1]", routing.Rules[1].Source);
        Assert.Equal([DomainName.Parse("mx1.example.org")], routing.OwnNames);
    }

    [Fact]
    public void A_rule_ends_with_the_day_it_names()
    {
        var configuration = Load(Small.Replace(
            "\"Limits\"",
            """
            "Outbound": { "Rules": [
              { "Destination": "a.example", "Tls": "Encrypted" },
              { "Destination": "b.example", "Tls": "Plaintext", "Until": "9998-12-30", "Reason": "r", "Owner": "o" }
            ] }, "Limits"
            """,
            StringComparison.Ordinal));
        Assert.Equal(["a.example", "b.example"], Destinations(new DateOnly(9998, 12, 30)));
        Assert.Equal(["a.example"], Destinations(new DateOnly(9998, 12, 31)));

        IEnumerable<string> Destinations(DateOnly day) => configuration.RoutingOn(day).Rules.Select(rule => rule.Destination);
    }

    const string Small = """
        {
          "Hostname": "mx1.example.org", "DataDirectory": ".",
          "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
          "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
          "RelayFrom": [ "127.0.0.1" ],
          "Limits": { "Errors": 5 }
        }
        """;

    [Fact]
    public void What_is_not_said_has_its_default()
    {
        var configuration = Load(Small);
        Assert.Equal(new LimitSettings { Errors = 5 }, configuration.Limits);
        Assert.Equal(TimeSpan.FromHours(4), configuration.Outbound.DelayWarning);
        Assert.Equal((TimeSpan.FromSeconds(5), 500), (configuration.Outbound.IdleTime, configuration.Outbound.MessagesPerSession));
        Assert.Equal((25, 200, 10), (configuration.Outbound.Port, configuration.Outbound.Connections, configuration.Outbound.ConnectionsPerDestination));
        Assert.Empty(configuration.Dns.Servers);
        Assert.False(configuration.Dns.TrustAuthenticData);
        Assert.Equal(ResolverHealthSettings.Standard, configuration.Dns.Health);
        Assert.Equal(new LogSettings(LogFormat.Automatic, LogLevel.Information), configuration.Log);
    }

    [Fact]
    public void The_environment_lies_over_the_file()
    {
        var configuration = Load(
            Small,
            ("HOPSEAL__Limits__MessageBytes", "70000"),
            ("HOPSEAL__Limits__Errors", ""),
            ("HOPSEAL__Tls__SessionTickets", "false"),
            ("HOPSEAL__Listeners__0__Endpoint", "127.0.0.1:2525"),
            ("HOPSEAL__RelayFrom__1", "10.0.0.0/8"),
            ("HOPSEAL__Domains__example.org__NextHop", "b.example:26"),
            ("HOPSEAL_DEBUG", "x"),
            ("PATH", "/bin"));
        Assert.Equal(new LimitSettings { MessageBytes = 70_000 }, configuration.Limits);
        Assert.False(configuration.Tls.SessionTickets);
        Assert.Equal(2525, Assert.Single(configuration.Listeners).Endpoint.Port);
        Assert.Equal(["127.0.0.1/32", "10.0.0.0/8"], configuration.Access.RelayFrom.Select(network => network.ToString()));
        Assert.Equal(26, configuration.Domains.Domains[DomainName.Parse("example.org")].NextHop?.Port);
    }

    [Fact]
    public void A_list_made_of_variables_is_in_the_order_of_its_indexes()
    {
        var configuration = Load(
            Small, [.. Enumerable.Range(0, 12).Reverse().Select(i => ($"HOPSEAL__RelayFrom__{i}", $"10.0.0.{i}"))]);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"10.0.0.{i}/32"), configuration.Access.RelayFrom.Select(network => network.ToString()));
    }

    [Theory]
    [InlineData("HOPSEAL__Limits__Erors", "1", "HOPSEAL__Limits__Erors: Limits.Erors: there is no such key; did you mean Errors?")]
    [InlineData("HOPSEAL__LIMITS__Errors", "1", "HOPSEAL__LIMITS__Errors: LIMITS: there is no such key; did you mean Limits?")]
    [InlineData("HOPSEAL__Limits__Errors", "many", "HOPSEAL__Limits__Errors: Limits.Errors: \"many\" is not a whole number")]
    [InlineData("HOPSEAL__RelayFrom__3", "10.0.0.0/8", "HOPSEAL__RelayFrom__3: RelayFrom: index 3 leaves a gap: the list has 1 items")]
    [InlineData("HOPSEAL__RelayFrom__x", "10.0.0.0/8", "HOPSEAL__RelayFrom__x: RelayFrom: is a list: expected an index, found \"x\"")]
    [InlineData("HOPSEAL__RelayFrom", "10.0.0.0/8", "HOPSEAL__RelayFrom: RelayFrom: expected a list [ … ], found a text")]
    [InlineData("HOPSEAL__Hostname__x", "1", "HOPSEAL__Hostname__x: Hostname: is a text in hopseal.json:2, and has nothing named \"x\"")]
    [InlineData("HOPSEAL__", "1", "HOPSEAL__: names no key: every part between the double underscores needs a name or an index")]
    [InlineData("HOPSEAL__Tls__SessionTickets", "yes", "HOPSEAL__Tls__SessionTickets: Tls.SessionTickets: expected true or false, found a text")]
    public void A_wrong_variable_is_named(string name, string value, string expected)
    {
        _workspace.Write("hopseal.json", Small);
        var result = ConfigurationFile.Load("hopseal.json", _workspace.Directory, [new(name, value)], TimeProvider.System);
        Assert.Equal(expected, Assert.Single(Assert.IsType<ConfigurationResult.Faulty>(result).Faults).ToString());
    }

    GatewayConfiguration Load(string json, params (string Name, string Value)[] variables)
    {
        _workspace.Write("hopseal.json", json);
        var result = ConfigurationFile.Load(
            "hopseal.json",
            _workspace.Directory,
            variables.Select(variable => KeyValuePair.Create(variable.Name, variable.Value)),
            TimeProvider.System);
        if (result is ConfigurationResult.Faulty { Faults: var faults })
        {
            Assert.Fail(string.Join('\n', faults));
        }

        return Assert.IsType<ConfigurationResult.Usable>(result).Configuration;
    }
}
