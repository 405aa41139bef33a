using System.Collections.Immutable;
using System.Net;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.Dane;

/// <summary>What TLSA records make of a plan.</summary>
public sealed class DanePlanTests
{
    const string Digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    const string Zone = $"""
        half.test                    MX     10 mx.full.test
        insecure.test                MX     10 mx.insecure.test
        mx.insecure.test             A      192.0.2.1
        elsewhere.test               A      192.0.2.2
        $SECURE on
        full.test                    MX     10 mx.full.test
        full.test                    MX     20 mx2.full.test
        mx.full.test                 A      192.0.2.3
        mx.full.test                 AAAA   2001:db8::3
        _25._tcp.mx.full.test        TLSA   3 1 1 {Digest}
        mx2.full.test                CNAME  target.full.test
        target.full.test             AAAA   2001:db8::4
        _25._tcp.target.full.test    TLSA   2 0 1 {Digest}
        _25._tcp.mx2.full.test       TLSA   3 0 1 {Digest}
        unusable.test                MX     10 mx.unusable.test
        mx.unusable.test             A      192.0.2.5
        _25._tcp.mx.unusable.test    TLSA   1 1 1 {Digest}
        alias.test                   MX     10 mx.alias.test
        mx.alias.test                CNAME  elsewhere.test
        _25._tcp.mx.alias.test       TLSA   3 1 1 {Digest}
        implicit.test                A      192.0.2.6
        _25._tcp.implicit.test       TLSA   3 1 1 {Digest}
        partly.test                  MX     10 mx.failing.test
        partly.test                  MX     20 mx.full.test
        failing.test                 MX     10 mx.failing.test
        mx.failing.test              A      192.0.2.7
        _25._tcp.mx.failing.test     FAIL   TLSA
        hop.test                     A      192.0.2.8
        _587._tcp.hop.test           TLSA   2 0 1 {Digest}
        mixed.test                   MX     10 mx.full.test
        mixed.test                   MX     20 mx.insecure.test
        """;

    static readonly string[] s_domains =
        ["half.test", "insecure.test", "full.test", "unusable.test", "alias.test", "implicit.test", "partly.test", "failing.test", "mixed.test"];

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("full.test", "mx.full.test Dane mx.full.test [mx.full.test full.test], mx2.full.test Dane target.full.test [target.full.test mx2.full.test full.test]")]
    [InlineData("half.test", "mx.full.test Dane mx.full.test [mx.full.test half.test] insecure MX")]
    [InlineData("insecure.test", "mx.insecure.test")]
    [InlineData("unusable.test", "mx.unusable.test DaneUnusable mx.unusable.test")]
    [InlineData("alias.test", "mx.alias.test Dane mx.alias.test [mx.alias.test alias.test]")]
    [InlineData("implicit.test", "implicit.test Dane implicit.test [implicit.test]")]
    [InlineData("partly.test", "mx.full.test Dane mx.full.test [mx.full.test partly.test], without mx.failing.test: DnssecInvalid")]
    [InlineData("failing.test", "4.7.5, without mx.failing.test: DnssecInvalid")]
    [InlineData("mixed.test", "mx.full.test Dane mx.full.test [mx.full.test mixed.test], mx.insecure.test")]
    public async Task Each_host_has_what_is_published_for_it(string domain, string expected) =>
        Assert.Equal(expected, Words(await PlanAsync(ZoneResolver.Parse(Zone), domain)));

    [Fact]
    public async Task A_next_hop_by_name_is_held_to_its_records_under_its_own_names_only()
    {
        var routing = new Routing { SmartHost = new NextHop(DomainName.Parse("hop.test"), null, 587, TlsStart.StartTls) };
        Assert.Equal("hop.test Dane hop.test [hop.test]", Words(await PlanAsync(ZoneResolver.Parse(Zone), "insecure.test", routing)));
    }

    [Fact]
    public async Task An_exception_lets_a_host_off_its_records_and_off_the_question()
    {
        var terms = new ExceptionTerms(new DateOnly(2030, 1, 1), "ticket", "ops");
        var routing = new Routing { Rules = [new OutboundRule("*.test", SecurityFloor.Encrypted, [], "r", terms), new OutboundRule("full.test", SecurityFloor.Encrypted, [], "r", terms), new OutboundRule("failing.test", SecurityFloor.Encrypted, [], "r", terms)] };
        var full = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(ZoneResolver.Parse(Zone), "full.test", routing));
        Assert.All(full.Hosts, host => Assert.Equal(SecurityFloor.Encrypted, host.Floor));
        Assert.All(full.Hosts, host => Assert.Single(host.Lowered, lowered => lowered.Policy is TransportPolicy.Dane));
        var failing = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(ZoneResolver.Parse(Zone), "failing.test", routing));
        Assert.Equal(SecurityFloor.Encrypted, Assert.Single(failing.Hosts).Floor);
        Assert.Contains(failing.Hosts[0].Notes, note => note.Failure is { Type: TlsResultType.DnssecInvalid });
    }

    [Property]
    public async Task A_failed_look_up_never_lowers_a_floor(int failures)
    {
        foreach (var domain in s_domains)
        {
            var known = await PlanAsync(ZoneResolver.Parse(Zone), domain);
            var guessing = await PlanAsync(new FailingResolver(ZoneResolver.Parse(Zone), failures), domain);
            Assert.IsNotType<DeliveryPlan.Bounce>(guessing);
            foreach (var host in Tried(guessing).Where(host => !host.Host.Addresses.IsEmpty))
            {
                var before = Assert.Single(Tried(known), same => same.Host.Name == host.Host.Name);
                Assert.True(host.Floor >= before.Floor, $"{domain}, {host.Host}: {before.Floor} became {host.Floor}");
                Assert.Equal(before.ServerName, host.ServerName);
            }
        }
    }

    [Property]
    public void Adding_records_never_lowers_a_floor((byte, byte, byte, byte[])[] records, int configured, bool failed, bool sts)
    {
        var host = new PlannedHost(DomainName.Parse("mx.test"), 0, 25, TlsStart.StartTls, HostAuthenticity.Dnssec, [IPAddress.Loopback]);
        var floor = (SecurityFloor)((uint)configured % 3);
        var plan = new HostPlan(host, [new TransportPolicy.Operator(floor, "r")], []);
        StsFinding policy = sts
            ? new StsFinding.Found(new StsPolicy(StsMode.Enforce, ["mx.test"], TimeSpan.FromDays(1), "1"), DateTimeOffset.UnixEpoch, [])
            : new StsFinding.None("", []);
        var published = records.Select(fields => new TlsaRecord(fields.Item1, fields.Item2, fields.Item3, [.. fields.Item4])).ToArray();
        DaneFinding finding = failed ? new DaneFinding.Failed(new TlsFailure(TlsResultType.DnssecInvalid, "x"))
            : new DaneFinding.Found(host.Name!, TlsaSet.InOrder(published), TlsaSet.Usable(published));

        var without = PublishedPolicies.Add(plan, policy, new DaneFinding.None(""), DomainName.Parse("test"), out var allowed);
        var with = PublishedPolicies.Add(plan, policy, finding, DomainName.Parse("test"), out var excluded);

        Assert.Null(allowed);
        Assert.Equal(failed, excluded is not null);
        Assert.True(with.Floor >= without.Floor);
        Assert.True(failed || with.Floor >= SecurityFloor.Encrypted);
    }

    static async Task<DeliveryPlan> PlanAsync(IDnsResolver resolver, string domain, Routing? routing = null) =>
        await new DeliveryPlanner(routing ?? new Routing(), resolver, new ProvenTlsMemory(new FakeTimeProvider())).PlanAsync(domain, null, Cancel);

    static ImmutableArray<HostPlan> Tried(DeliveryPlan plan) => plan is DeliveryPlan.Relay relay ? relay.Hosts : [];

    static string Words(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Relay relay => string.Join(", ", relay.Hosts.Select(Words).Concat(relay.Excluded.Select(Words))),
        DeliveryPlan.Defer defer => string.Join(", ", [defer.Status.ToString(), .. defer.Excluded.Select(Words)]),
        _ => throw new ArgumentException($"unexpected {plan}", nameof(plan)),
    };

    static string Words(ExcludedHost host) => $"without {host.Plan.Host.Name}: {host.Why.Type}";

    static string Words(HostPlan plan) => plan.Host.Name + string.Concat(plan.Policies.Select(policy => policy switch
    {
        TransportPolicy.Dane dane => $" Dane {dane.Base} [{string.Join(' ', dane.ReferenceNames)}]{(dane.SecureMx ? "" : " insecure MX")}",
        TransportPolicy.DaneUnusable unusable => $" DaneUnusable {unusable.Base}",
        _ => "",
    }));

    /// <summary>Fails every question whose bit is set.</summary>
    sealed class FailingResolver(IDnsResolver inner, int failures) : IDnsResolver
    {
        int _asked;

        public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.MxAsync(name, cancel));

        public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) => OrFails(() => inner.Ipv4Async(name, cancel));

        public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) => OrFails(() => inner.Ipv6Async(name, cancel));

        public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.TlsaAsync(name, cancel));

        public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.TxtAsync(name, cancel));

        public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.CnameAsync(name, cancel));

        public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.CaaAsync(name, cancel));

        public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) => OrFails(() => inner.PtrAsync(name, cancel));

        async ValueTask<DnsAnswer<T>> OrFails<T>(Func<ValueTask<DnsAnswer<T>>> ask) => (failures >> (_asked++ % 8) & 1) == 0
            ? await ask()
            : new DnsAnswer<T>.Failed(DnsFailureKind.TimedOut, "no answer");
    }
}
