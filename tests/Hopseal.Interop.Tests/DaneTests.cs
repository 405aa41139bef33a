using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>DANE for SMTP (RFC 7672) from a signed root down to real servers: what <c>hopseal plan</c> says of each destination, and what
/// <c>hopseal serve</c> does with a message for it.</summary>
public sealed class DaneTests(DaneRoute route) : IClassFixture<DaneRoute>
{
    public static TheoryData<string> Domains => [.. DaneCases.World.All.Select(one => one.Domain)];

    [Theory(Timeout = 90_000)]
    [MemberData(nameof(Domains))]
    public async Task Each_destination_is_planned_for_and_given_mail_as_it_publishes(string domain)
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        var expected = DaneCases.World.All.Single(one => one.Domain == domain);

        Assert.Equal(expected.Plan, await DaneRoute.PlanAsync(route.Directory, domain, cancel));
        var outcome = await route.OutcomeAsync(route.Gateway, domain, cancel);
        Assert.StartsWith(expected.Outcome, outcome, StringComparison.Ordinal);
        Assert.True(outcome.Contains(expected.Says, StringComparison.Ordinal), $"{expected.Says} is not in: {outcome}");
    }

    /// <summary>RFC 7672 §2.2.2: many a large hoster's servers fail them, and their zones are not signed.</summary>
    [Fact(Timeout = 90_000)]
    public async Task No_tlsa_question_is_asked_for_a_host_that_is_not_signed()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await route.OutcomeAsync(route.Gateway, "silence.unsigned.test", cancel);
        await route.OutcomeAsync(route.Gateway, "chosen.test", cancel);
        await route.OutcomeAsync(route.Gateway, "ee.test", cancel);

        var questions = route.Tree.Questions.Split('\n').Where(line => line.Contains(" TLSA IN", StringComparison.Ordinal)).ToList();
        Assert.Contains(questions, line => line.Contains("_tcp.mx.ee.test.", StringComparison.Ordinal));
        Assert.DoesNotContain(questions, line => line.Contains("unsigned.test.", StringComparison.Ordinal));
    }

    [Fact(Timeout = 90_000)]
    public async Task A_host_that_is_ruled_out_is_not_even_connected_to()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        foreach (var domain in new[] { "silence.test", "expired-signatures.test", "forged.test" })
        {
            await route.OutcomeAsync(route.Gateway, domain, cancel);
            Assert.Equal(0, route.Hosts["mx." + domain].Connections);
        }
    }

    [Fact(Timeout = 90_000)]
    public async Task A_host_that_fails_gets_nothing_and_the_failure_is_in_the_log()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await route.OutcomeAsync(route.Gateway, "several.test", cancel);

        var failed = await route.Gateway.LoggedAsync(1002, "mx1.several.test:", cancel);
        Assert.Equal("refused", failed.GetProperty("Level").GetString());
        Assert.Contains("tlsa-invalid (no-tlsa-match)", failed.GetProperty("TlsFailures").GetString(), StringComparison.Ordinal);
        Assert.Empty(route.Hosts["mx1.several.test"].Deliveries);
    }

    /// <summary>DANE is then off, and only then: nothing claims otherwise.</summary>
    [Fact(Timeout = 90_000)]
    public async Task A_resolver_that_does_not_validate_leaves_nothing_signed()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("dane-stripped");
        var port = Ports.Next();
        await using var gateway = DaneRoute.Gate(directory, port, route.Tree.StrippingPort);
        await gateway.StartAsync(cancel);

        Assert.Equal("relay mx.stripping.test none", await DaneRoute.PlanAsync(directory, "stripping.test", cancel));
        await DaneRoute.SendAsync(port, ["stripping.test"], cancel);
        Assert.Equal(
            "delivered to mx.stripping.test as mx.stripping.test, unauthenticated", await route.OutcomeAsync(gateway, "stripping.test", cancel));
    }

    [Fact(Timeout = 90_000)]
    public async Task Without_a_resolver_mail_waits()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("dane-down");
        var port = Ports.Next();
        await using var gateway = DaneRoute.Gate(directory, port, resolverPort: Ports.Next());
        await gateway.StartAsync(cancel);

        Assert.Equal("wait 4.4.3", await DaneRoute.PlanAsync(directory, "stripping.test", cancel));
        await DaneRoute.SendAsync(port, ["stripping.test"], cancel);
        Assert.StartsWith("deferred 4.4.3", await route.OutcomeAsync(gateway, "stripping.test", cancel), StringComparison.Ordinal);
    }

    [Fact(Timeout = 90_000)]
    public async Task A_configured_next_hop_is_held_to_its_records()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("dane-hop");
        var port = Ports.Next();
        await using var gateway = DaneRoute.Gate(directory, port, route.Tree.Port, new() { ["right.test"] = "mx.ee.test", ["wrong.test"] = "mx.ee-mismatch.test" });
        await gateway.StartAsync(cancel);

        Assert.Equal("relay mx.ee.test configured dane:authenticated", await DaneRoute.PlanAsync(directory, "right.test", cancel));
        await DaneRoute.SendAsync(port, ["right.test", "wrong.test"], cancel);
        Assert.Equal("delivered to mx.ee.test as mx.ee.test, dane-ee", await route.OutcomeAsync(gateway, "right.test", cancel));
        Assert.Contains("no-tlsa-match", await route.OutcomeAsync(gateway, "wrong.test", cancel), StringComparison.Ordinal);
    }
}
