using System.Collections.Immutable;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Tests;

public sealed class OperatorRulesTests
{
    static readonly ImmutableArray<string> s_destinations =
        ["bank.example", "*.bank.example", "*", "*.example", "[192.0.2.1]", "BÜCHER.example", "[IPv6:2001:DB8:0::1]"];

    readonly OperatorRules _rules = new([.. s_destinations.Select(destination =>
        new OutboundRule(destination, SecurityFloor.Encrypted, [], destination))]);

    [Theory]
    [InlineData("bank.example", "bank.example * *.example")]
    [InlineData("Bank.Example.", "bank.example * *.example")]
    [InlineData("mx.bank.example", "*.bank.example * *.example")]
    [InlineData("a.b.bank.example", "*.bank.example * *.example")]
    [InlineData("embank.example", "* *.example")]
    [InlineData("example", "*")]
    [InlineData("example.org", "*")]
    [InlineData("xn--bcher-kva.example", "* *.example BÜCHER.example")]
    [InlineData("[192.0.2.1]", "* [192.0.2.1]")]
    [InlineData("[192.0.2.2]", "*")]
    [InlineData("[ipv6:2001:db8::1]", "* [IPv6:2001:DB8:0::1]")]
    public void All_rules_that_match_apply(string name, string expected) =>
        Assert.Equal(expected, string.Join(' ', _rules.Matching(name, null).Select(rule => rule.Source)));

    [Theory]
    [InlineData("")]
    [InlineData("*.")]
    [InlineData("*example.org")]
    [InlineData("mx.*.example")]
    [InlineData("**.example")]
    [InlineData("192.0.2.1")]
    [InlineData("[192.0.2.256]")]
    [InlineData("bank.example:25")]
    public void A_destination_that_could_never_match_is_refused(string destination)
    {
        Assert.False(OperatorRules.IsDestination(destination));
        Assert.Throws<ArgumentException>(() => new OperatorRules([new OutboundRule(destination, SecurityFloor.Encrypted, [], "")]));
    }

    [Theory]
    [InlineData("*", "a.example", true)]
    [InlineData("*", "*.example", true)]
    [InlineData("*", "[192.0.2.1]", true)]
    [InlineData("*", "*", false)]
    [InlineData("*.example", "*", false)]
    [InlineData("*.example", "a.example", true)]
    [InlineData("*.EXAMPLE", "a.b.example.", true)]
    [InlineData("*.example", "*.a.example", true)]
    [InlineData("*.example", "*.example", false)]
    [InlineData("*.example", "example", false)]
    [InlineData("*.example", "an-example", false)]
    [InlineData("*.a.example", "*.example", false)]
    [InlineData("*.bank.example", "embank.example", false)]
    [InlineData("a.example", "a.example", false)]
    [InlineData("a.example", "b.a.example", false)]
    [InlineData("[192.0.2.1]", "*", false)]
    public void A_destination_is_wider_than_one_that_lies_within_it(string destination, string than, bool expected) =>
        Assert.Equal(expected, OperatorRules.IsWider(destination, than));

    [Fact]
    public void Two_rules_for_one_destination_both_apply()
    {
        var rules = new OperatorRules(
        [
            new OutboundRule("a.example", SecurityFloor.Encrypted, [], "first"),
            new OutboundRule("A.example", SecurityFloor.Authenticated, [], "second"),
        ]);
        Assert.Equal(["first", "second"], rules.Matching("a.example", null).Select(rule => rule.Source));
    }
}
