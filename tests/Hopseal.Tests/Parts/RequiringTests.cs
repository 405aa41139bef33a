using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Parts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Parts;

public sealed class RequiringTests : IDisposable
{
    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(new(2026, 12, 1, 13, 0, 0, TimeSpan.Zero));

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void What_was_required_before_a_next_hop_was_configured_is_told_at_the_start()
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("hopseal.json", """
            {
              "Hostname": "mx1.example.org", "DataDirectory": ".", "RelayFrom": [ "127.0.0.1" ],
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
              "Domains": { "bank.example": { "NextHop": "gateway.bank.example:25" } }
            }
            """);
        var configuration = Assert.IsType<ConfigurationResult.Usable>(ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], _clock)).Configuration;
        RequiredFile.In(configuration.DataDirectory).Save([Rule("bank.example"), Rule("shop.example")]);
        var log = new ListLog<Requiring>();
        using var logs = new OneLog<Requiring>(log);
        var requiring = new Requiring(configuration, logs, _clock);

        requiring.Restore();

        Assert.Equal(2, requiring.Rules.All.Length);
        var line = Assert.Single(log.Lines);
        Assert.StartsWith("3452 Warning What alice requires of bank.example since 2026-11-30T12:00:00.000Z still holds, but ", line, StringComparison.Ordinal);
        Assert.Contains("goes to a next hop of Domains", line, StringComparison.Ordinal);
    }

    static RequiredRule Rule(string domain) =>
        new(DomainName.Parse(domain), SecurityFloor.Encrypted, null, [], "alice", new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero), "seen");
}
