using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>A host that had TLS, and whatever keeps it from us later: over sockets, with the memory and the watch that a gateway has.</summary>
public sealed class StrippedHostTests : IDisposable
{
    static readonly IDnsResolver s_zone = ZoneResolver.Parse("""
        example.org      MX 10 mx.example.org
        mx.example.org   A  127.0.0.1
        """);

    readonly LocalAuthority _authority = LocalAuthority.Create("scripted", TimeProvider.System);
    readonly ProvenTlsMemory _memory = new(TimeProvider.System);
    readonly RecordingLog<StrippingAlerts> _log = new();
    readonly StrippingAlerts _alerts;
    readonly StrippingWatch _watch = new();

    public StrippedHostTests() => _alerts = new StrippingAlerts(_watch, _log);

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("removed", "starttls-not-offered")]
    [InlineData("overwritten", "starttls-masked")]
    [InlineData("refused", "starttls-refused")]
    [InlineData("without EHLO", "starttls-not-offered")]
    public async Task Its_mail_waits_and_somebody_is_told_until_it_has_TLS_again(string way, string reason)
    {
        var stripped = way switch
        {
            "overwritten" => new Script { Extensions = ["8BITMIME", "XXXXXXXA"] },
            "refused" => new Script(Starttls.Works) { Answers = { ["STARTTLS"] = "454 4.7.0 TLS not available" } },
            "without EHLO" => new Script { Answers = { ["EHLO"] = "502 what" } },
            _ => new Script(),
        };
        using var certificate = _authority.Issue("mx.example.org");
        await using var server = new ScriptedServer(certificate, new Script(Starttls.Works), stripped, stripped, new Script(Starttls.Works));

        Assert.IsType<RecipientOutcome.Delivered>(await DeliverAsync(server));
        Assert.Empty(_log.Lines);
        Assert.IsType<RecipientOutcome.Deferred>(await DeliverAsync(server));
        Assert.IsType<RecipientOutcome.Deferred>(await DeliverAsync(server));
        var lost = Assert.Single(_log.Lines);
        Assert.Equal(StrippingAlerts.HostLostEvent, lost.Event);
        Assert.Contains(reason, lost.Text, StringComparison.Ordinal);
        Assert.Equal(1, server.MailsBegun);

        Assert.IsType<RecipientOutcome.Delivered>(await DeliverAsync(server));
        Assert.Equal([StrippingAlerts.HostLostEvent, StrippingAlerts.HostBackEvent], _log.Lines.Select(line => line.Event));
        Assert.Equal(2, server.MailsBegun);
    }

    [Fact]
    public async Task Once_it_is_forgotten_its_mail_goes_without()
    {
        using var certificate = _authority.Issue("mx.example.org");
        await using var server = new ScriptedServer(certificate, new Script(Starttls.Works), new Script());
        await DeliverAsync(server);
        Assert.IsType<RecipientOutcome.Deferred>(await DeliverAsync(server));

        Assert.True(_memory.Forget("mx.example.org", server.Port));
        Assert.IsType<RecipientOutcome.Delivered>(await DeliverAsync(server));
        Assert.Equal([StrippingAlerts.HostLostEvent, StrippingAlerts.HostLetGoEvent], _log.Lines.Select(line => line.Event));
    }

    async Task<RecipientOutcome> DeliverAsync(ScriptedServer server)
    {
        var cancel = TestContext.Current.CancellationToken;
        var planner = new DeliveryPlanner(new Routing { MxPort = server.Port }, s_zone, _memory);
        await using var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net" },
                Verify = _ => _ => new PeerVerdict(PeerIdentity.Unauthenticated, []),
                Proven = (plan, tls) => _memory.Prove(plan.Host, TimeProvider.System.GetUtcNow(), tls.Identity is not PeerIdentity.Unauthenticated),
                LastProven = host => _memory.Find(host)?.AsPolicy(),
            },
            _alerts,
            NullLogger<Deliverer>.Instance);
        var plan = Assert.IsType<DeliveryPlan.Relay>(await planner.PlanAsync("example.org", null, cancel));
        return Assert.Single((await deliverer.DeliverAsync(Samples.Lease(), plan, Samples.Open, cancel)).Recipients).Outcome;
    }
}
