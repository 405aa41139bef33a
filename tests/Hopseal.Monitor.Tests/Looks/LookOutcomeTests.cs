using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;

namespace Hopseal.Monitor.Tests.Looks;

public sealed class LookOutcomeTests
{
    static readonly AuditFacts s_renewed = BankFacts.With(BankFacts.Certificate with { Fingerprint = new string('d', 64) });

    static LookOutcome Of(AuditFacts seen, PendingLook? pending = null) => LookOutcome.Of(seen, BankFacts.All, pending, [], WatchedAs.Own, Wrong).Outcome;

    static IEnumerable<(string Rule, string Subject)> Wrong(AuditFacts facts) =>
        facts.Hosts.SelectMany(host => host.Endpoints).Where(endpoint => endpoint.Dialogue.StartTls is false).Select(endpoint => ("monitor.starttls-gone", endpoint.Address));

    static PendingLook Pending(AuditFacts facts, int rounds = 1) => new(facts, BankFacts.At, rounds);

    [Fact]
    public void The_first_look_counts_at_once()
    {
        Assert.Equal(BankFacts.At, Assert.IsType<LookOutcome.Confirmed>(LookOutcome.Of(BankFacts.All, null, null, [], WatchedAs.Own, Wrong).Outcome).Since);
        Assert.IsType<LookOutcome.Nothing>(LookOutcome.Of(BankFacts.NoDns, null, null, [], WatchedAs.Own, Wrong).Outcome);
    }

    [Fact]
    public void A_change_has_to_be_seen_twice()
    {
        Assert.IsType<LookOutcome.Same>(Of(BankFacts.All));
        var pending = Assert.IsType<LookOutcome.Pending>(Of(BankFacts.WithoutStartTls));
        Assert.True(pending.Soon);

        var later = BankFacts.WithoutStartTls with { At = BankFacts.At.AddMinutes(10) };
        var confirmed = Assert.IsType<LookOutcome.Confirmed>(Of(later, pending.Look));
        Assert.Equal(BankFacts.At, confirmed.Since);
        Assert.Equal(later.At, confirmed.Facts.At);
    }

    [Fact]
    public void What_is_back_with_the_second_look_was_nothing() => Assert.IsType<LookOutcome.Same>(Of(BankFacts.All, Pending(BankFacts.WithoutStartTls)));

    [Fact]
    public void A_second_look_that_is_turned_away_says_neither()
    {
        var still = Assert.IsType<LookOutcome.Pending>(Of(BankFacts.TurnedAway, Pending(BankFacts.WithoutStartTls)));

        Assert.True(FactsDigest.Same(BankFacts.WithoutStartTls, still.Look.Facts, WatchedAs.Own));
        Assert.Equal(2, still.Look.Rounds);
        Assert.False(Assert.IsType<LookOutcome.Pending>(Of(BankFacts.TurnedAway, Pending(BankFacts.WithoutStartTls, LookOutcome.MostRounds))).Soon);
        Assert.IsType<LookOutcome.Confirmed>(Of(BankFacts.WithoutStartTls, Pending(BankFacts.WithoutStartTls, LookOutcome.MostRounds + 1)));
    }

    [Fact]
    public void A_second_look_that_is_turned_away_by_the_host_that_did_not_change_confirms_what_the_other_shows()
    {
        var changed = BankFacts.All with { Domain = BankFacts.Published with { TlsRpt = new TlsRptFacts(null, true, null, []) } };

        var confirmed = Assert.IsType<LookOutcome.Confirmed>(Of(BankFacts.TurnedAway with { Domain = changed.Domain }, Pending(changed)));

        Assert.Equal(Reach.Talked, confirmed.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
    }

    [Fact]
    public void What_differs_from_look_to_look_is_taken_in_the_end()
    {
        var next = Assert.IsType<LookOutcome.Pending>(Of(s_renewed, Pending(BankFacts.WithoutStartTls)));
        Assert.Equal(2, next.Look.Rounds);
        Assert.True(FactsDigest.Same(s_renewed, next.Look.Facts, WatchedAs.Own));

        Assert.IsType<LookOutcome.Confirmed>(Of(s_renewed, Pending(BankFacts.WithoutStartTls, LookOutcome.MostRounds)));
    }

    [Fact]
    public void What_is_wrong_with_it_then_has_to_be_seen_twice_all_the_same()
    {
        var pending = Assert.IsType<LookOutcome.Pending>(Of(BankFacts.WithoutStartTls, Pending(s_renewed, LookOutcome.MostRounds)));
        Assert.False(pending.Soon);
        Assert.True(FactsDigest.Same(BankFacts.WithoutStartTls, pending.Look.Facts, WatchedAs.Own));

        // Something else is different the next time, and this is wrong again.
        var without = BankFacts.WithoutStartTls with { Domain = BankFacts.Published with { TlsRpt = new TlsRptFacts(null, true, null, []) } };
        Assert.IsType<LookOutcome.Confirmed>(Of(without, pending.Look));

        // It was not there the next time.
        Assert.IsType<LookOutcome.Confirmed>(Of(s_renewed, pending.Look));
    }

    [Fact]
    public void Silence_is_told_from_a_domain_without_servers()
    {
        Assert.Null(LookOutcome.Silence(BankFacts.All));
        Assert.Contains("421", LookOutcome.Silence(BankFacts.TurnedAway), StringComparison.Ordinal);
        Assert.Equal("time-out", LookOutcome.Silence(BankFacts.NoDns));
        Assert.Null(LookOutcome.Silence(BankFacts.With(BankFacts.Published with { Mx = new MxFacts(MxState.Null, true, []) }) with { Hosts = [] }));
    }
}
