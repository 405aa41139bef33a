using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;

namespace Hopseal.Monitor.Tests.Looks;

public sealed class FactsMergeTests
{
    static readonly AuditFacts s_unknownHost = BankFacts.With(BankFacts.Host with
    {
        AddressProblem = "SERVFAIL",
        AddressesKnown = false,
        AddressesSigned = false,
        Tlsa = new TlsaFacts(TlsaAnswer.Absent, null, [], [], "its addresses are not signed"),
        Endpoints = [],
    });

    public static TheoryData<AuditFacts, string[]> Silences => new()
    {
        { BankFacts.TurnedAway, ["mx.bank.example [192.0.2.1]:25"] },
        { BankFacts.With(BankFacts.Silent(Reach.Unreachable, "timed out")), ["mx.bank.example [192.0.2.1]:25"] },
        { BankFacts.With(BankFacts.Silent(Reach.Unreadable, "an endless greeting")), ["mx.bank.example [192.0.2.1]:25"] },
        { BankFacts.With(BankFacts.Silent(Reach.TurnedAway, "421") with { Address = "192.0.2.77" }), ["mx.bank.example [192.0.2.77]:25", "mx.bank.example at its new addresses"] },
        { s_unknownHost, ["mx.bank.example"] },
        { BankFacts.NoDns, ["MX bank.example", "_mta-sts.bank.example", "_smtp._tls.bank.example"] },
        { BankFacts.With(BankFacts.Endpoint with { Tls = null, Injection = null }), ["mx.bank.example [192.0.2.1]:25 hellos"] },
        {
            BankFacts.With(BankFacts.Tls with { Versions = BankFacts.Tls.Versions.SetItem("TLS 1.0", null), BrokenKnown = false, GroupsKnown = false, Groups = ["x25519"], PostQuantumPreferred = null }),
            ["mx.bank.example [192.0.2.1]:25 hellos"]
        },
    };

    [Theory]
    [MemberData(nameof(Silences))]
    public void What_was_not_found_out_stays_as_it_was_and_is_named(AuditFacts seen, string[] parts)
    {
        var merged = FactsMerge.Of(seen, BankFacts.All, []);

        Assert.True(FactsDigest.Same(BankFacts.All, merged.Facts, WatchedAs.Own), string.Join('\n', FactsDigest.Lines(merged.Facts, WatchedAs.Own)));
        Assert.Equal(parts, merged.Unanswered.Select(part => part.Part));
        Assert.All(merged.Unanswered, part => Assert.Equal(BankFacts.At, part.Since));
    }

    [Theory]
    [MemberData(nameof(FactsDigestTests.Changes), MemberType = typeof(FactsDigestTests))]
    public void What_was_found_out_counts(string what, AuditFacts seen)
    {
        var merged = FactsMerge.Of(seen, BankFacts.All, []);

        Assert.NotEmpty(what);
        Assert.True(FactsDigest.Same(seen, merged.Facts, WatchedAs.Own));
        Assert.Empty(merged.Unanswered);
    }

    [Fact]
    public void A_fault_at_one_address_does_not_hide_a_change_at_another()
    {
        var two = BankFacts.With(BankFacts.Endpoint, BankFacts.Endpoint with { Address = "192.0.2.2" });
        var plain = BankFacts.WithoutStartTls.Hosts[0].Endpoints[0] with { Address = "192.0.2.2" };

        var merged = FactsMerge.Of(BankFacts.With(BankFacts.Silent(Reach.TurnedAway, "421"), plain), two, []);

        Assert.True(FactsDigest.Same(BankFacts.With(BankFacts.Endpoint, plain), merged.Facts, WatchedAs.Own));
    }

    [Fact]
    public void What_was_known_before_stands_for_a_while_only()
    {
        var first = FactsMerge.Of(BankFacts.TurnedAway, BankFacts.All, []);
        var within = FactsMerge.Of(BankFacts.TurnedAway with { At = BankFacts.At.AddDays(13) }, first.Facts, first.Unanswered);
        var after = FactsMerge.Of(BankFacts.TurnedAway with { At = BankFacts.At.AddDays(14) }, within.Facts, within.Unanswered);

        Assert.Equal(Reach.Talked, within.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
        Assert.Equal(Reach.TurnedAway, after.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
        Assert.Equal([BankFacts.At], after.Unanswered.Select(part => part.Since));
    }

    [Fact]
    public void Who_answers_again_begins_anew()
    {
        var silent = FactsMerge.Of(BankFacts.TurnedAway, BankFacts.All, []);
        var back = FactsMerge.Of(BankFacts.All with { At = BankFacts.At.AddDays(13) }, silent.Facts, silent.Unanswered);
        var again = FactsMerge.Of(BankFacts.TurnedAway with { At = BankFacts.At.AddDays(20) }, back.Facts, back.Unanswered);

        Assert.Empty(back.Unanswered);
        Assert.Equal(Reach.Talked, again.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
    }

    [Fact]
    public void A_host_on_the_do_not_scan_list_is_not_shown_as_it_was()
    {
        var merged = FactsMerge.Of(BankFacts.With(BankFacts.Silent(Reach.NotAsked, "")), BankFacts.All, []);

        Assert.Equal(Reach.NotAsked, merged.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
        Assert.Empty(merged.Unanswered);
    }

    [Fact]
    public void A_host_that_has_no_address_any_more_has_none()
    {
        var merged = FactsMerge.Of(BankFacts.With(BankFacts.Host with { AddressProblem = "mx.bank.example has no address", Endpoints = [] }), BankFacts.All, []);

        Assert.Empty(merged.Facts.Hosts[0].Endpoints);
        Assert.False(FactsDigest.Same(BankFacts.All, merged.Facts, WatchedAs.Partner));
    }

    [Fact]
    public void A_hostile_peer_cannot_make_the_list_of_what_it_hides_long()
    {
        var many = BankFacts.With([.. Enumerable.Range(0, 300).Select(i => BankFacts.Silent(Reach.Unreadable, new string('x', 5000)) with { Address = $"192.0.2.{i}" })]);

        var merged = FactsMerge.Of(many, null, []);

        Assert.Equal(100, merged.Unanswered.Length);
        Assert.All(merged.Unanswered, part => Assert.True(part.Why.Length <= 301));
    }
}
