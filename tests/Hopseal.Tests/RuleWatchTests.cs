using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests;

public sealed class RuleWatchTests : IDisposable
{
    static readonly DateOnly s_until = new(2026, 5, 31);

    static readonly DatedRule s_exception = new(
        new OutboundRule("old.test", SecurityFloor.Plaintext, [], "Outbound.Rules[1]", new ExceptionTerms(s_until, "ticket 4711", "ops")), s_until);

    static readonly DatedRule s_rule = new(new OutboundRule("*", SecurityFloor.Encrypted, [], "Outbound.Rules[0]"), null);

    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 5, 20, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void The_end_is_told_once_before_and_once_after()
    {
        var log = new ListLog<RuleWatch>();
        var watch = new RuleWatch([s_rule, s_exception], _clock, log);
        while (_clock.GetUtcNow().Month < 7)
        {
            watch.Look();
            _clock.Advance(TimeSpan.FromHours(6));
        }

        Assert.Equal(
            [
                "2201 Warning Outbound.Rules[1] (Plaintext for old.test) expires in 7 days: until 2026-05-31, ops: ticket 4711",
                "2202 Warning Outbound.Rules[1] (Plaintext for old.test) has expired and is not applied any more: until 2026-05-31, ops: ticket 4711",
            ],
            log.Lines);
    }

    [Fact]
    public void What_had_ended_before_the_start_is_told_at_the_start()
    {
        _clock.SetUtcNow(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        var log = new ListLog<RuleWatch>();
        new RuleWatch([s_exception], _clock, log).Look();
        Assert.StartsWith("2202 ", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_required_meanwhile_counts_at_once_and_no_longer_than_it_is_required()
    {
        var configuration = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), _clock);
        configuration = configuration with { Domains = new DomainTable(ImmutableDictionary<DomainName, DomainRoute>.Empty, null) };
        ImmutableArray<OutboundRule> required = [];
        var zone = ZoneResolver.Parse("old.test A 192.0.2.1");
        var planner = new DatedPlanner(configuration, zone, new ProvenTlsMemory(_clock), sts: null, () => required, _clock);

        Assert.Equal(SecurityFloor.Plaintext, await FloorAsync());
        required = [new OutboundRule("old.test", SecurityFloor.Authenticated, [], "required (old.test)") { Required = true }];
        Assert.Equal(SecurityFloor.Authenticated, await FloorAsync());
        required = [];
        Assert.Equal(SecurityFloor.Plaintext, await FloorAsync());

        async Task<SecurityFloor> FloorAsync() => Assert.IsType<DeliveryPlan.Relay>(
            await planner.PlanAsync("old.test", null, TestContext.Current.CancellationToken)).Hosts[0].Floor;
    }

    [Fact]
    public async Task An_exception_ends_with_its_day_and_without_a_restart()
    {
        var configuration = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), _clock);
        configuration = configuration with
        {
            Domains = new DomainTable(ImmutableDictionary<DomainName, DomainRoute>.Empty, null),
            Outbound = configuration.Outbound with { Rules = [s_rule, s_exception] },
        };
        var zone = ZoneResolver.Parse("old.test A 192.0.2.1");
        var planner = new DatedPlanner(configuration, zone, new ProvenTlsMemory(_clock), sts: null, () => [], _clock);

        _clock.SetUtcNow(new DateTimeOffset(2026, 5, 31, 23, 59, 59, TimeSpan.Zero));
        Assert.Equal(SecurityFloor.Plaintext, await FloorAsync());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(SecurityFloor.Encrypted, await FloorAsync());

        async Task<SecurityFloor> FloorAsync() => Assert.IsType<DeliveryPlan.Relay>(
            await planner.PlanAsync("old.test", null, TestContext.Current.CancellationToken)).Hosts[0].Floor;
    }
}
