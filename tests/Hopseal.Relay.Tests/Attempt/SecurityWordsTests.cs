using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class SecurityWordsTests
{
    static readonly TransportPolicy.Operator s_exception = new(
        SecurityFloor.Plaintext, "Outbound.Rules[1]", new ExceptionTerms(new DateOnly(2026, 5, 31), "ticket\n4711", "ops"));

    static readonly HostPlan s_plan = Samples.Host() with
    {
        Policies =
        [
            new TransportPolicy.Opportunistic(),
            new TransportPolicy.Excepted(new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]"), s_exception),
            s_exception,
            new TransportPolicy.Excepted(new TransportPolicy.ProvenTls(Samples.Noon), s_exception),
        ],
    };

    [Fact]
    public void An_exception_is_named_with_all_that_it_lowers() => Assert.Equal(
        $"exception: Outbound.Rules[1] until 2026-05-31, ops: ticket?4711, instead of Encrypted (configured: Outbound.Rules[0]), Encrypted (it completed TLS on {Samples.Noon:yyyy-MM-dd})",
        SecurityWords.Source(s_plan, internally: true));

    [Fact]
    public void Outside_the_house_nobody_learns_who_owns_it_and_why() =>
        Assert.DoesNotContain("4711", SecurityWords.Source(s_plan), StringComparison.Ordinal);

    [Fact]
    public void An_exception_that_lowers_nothing_is_not_the_reason()
    {
        var plan = s_plan with { Policies = s_plan.Policies.Add(new TransportPolicy.Operator(SecurityFloor.Authenticated, "Domains.example")) };
        Assert.Equal("configured: Domains.example", SecurityWords.Source(plan, internally: true));
    }

    [Fact]
    public void Whoever_asks_for_the_floor_is_named_and_a_rule_once()
    {
        var plan = Samples.Host() with
        {
            Policies =
            [
                new TransportPolicy.Opportunistic(),
                new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]"),
                new TransportPolicy.MinimumVersion(TlsVersion.Tls13, "Outbound.Rules[0]"),
                new TransportPolicy.ProvenTls(Samples.Noon),
            ],
        };
        Assert.Equal($"configured: Outbound.Rules[0]; it completed TLS on {Samples.Noon:yyyy-MM-dd}", SecurityWords.Source(plan));
    }
}
