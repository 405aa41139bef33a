using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;

namespace Hopseal.Monitor.Tests.Looks;

public sealed class LookOutcomeTests
{
    static readonly AuditFacts s_renewed = Seen.With(Seen.Certificate with { Fingerprint = new string('d', 64) });

    static LookOutcome Of(AuditFacts seen, PendingLook? pending = null) => LookOutcome.Of(seen, Seen.All, pending, [], WatchedAs.Own).Outcome;

    static PendingLook Pending(AuditFacts facts, int rounds = 1) => new(facts, Seen.At, rounds);

    [Fact]
    public void The_first_look_counts_at_once()
    {
        Assert.Equal(Seen.At, Assert.IsType<LookOutcome.Confirmed>(LookOutcome.Of(Seen.All, null, null, [], WatchedAs.Own).Outcome).Since);
        Assert.IsType<LookOutcome.Nothing>(LookOutcome.Of(Seen.NoDns, null, null, [], WatchedAs.Own).Outcome);
    }

    [Fact]
    public void A_change_has_to_be_seen_twice()
    {
        Assert.IsType<LookOutcome.Same>(Of(Seen.All));
        var pending = Assert.IsType<LookOutcome.Pending>(Of(Seen.WithoutStartTls));
        Assert.True(pending.Soon);

        var later = Seen.WithoutStartTls with { At = Seen.At.AddMinutes(10) };
        var confirmed = Assert.IsType<LookOutcome.Confirmed>(Of(later, pending.Look));
        Assert.Equal(Seen.At, confirmed.Since);
        Assert.Equal(later.At, confirmed.Facts.At);
    }

    [Fact]
    public void What_is_back_with_the_second_look_was_nothing() => Assert.IsType<LookOutcome.Same>(Of(Seen.All, Pending(Seen.WithoutStartTls)));

    [Fact]
    public void A_second_look_that_is_turned_away_says_neither()
    {
        var still = Assert.IsType<LookOutcome.Pending>(Of(Seen.TurnedAway, Pending(Seen.WithoutStartTls)));

        Assert.True(FactsDigest.Same(Seen.WithoutStartTls, still.Look.Facts, WatchedAs.Own));
        Assert.Equal(2, still.Look.Rounds);
        Assert.False(Assert.IsType<LookOutcome.Pending>(Of(Seen.TurnedAway, Pending(Seen.WithoutStartTls, LookOutcome.MostRounds))).Soon);
        Assert.IsType<LookOutcome.Confirmed>(Of(Seen.WithoutStartTls, Pending(Seen.WithoutStartTls, LookOutcome.MostRounds + 1)));
    }

    [Fact]
    public void A_second_look_that_is_turned_away_by_the_host_that_did_not_change_confirms_what_the_other_shows()
    {
        var changed = Seen.All with { Domain = Seen.Published with { TlsRpt = new TlsRptFacts(null, true, null, []) } };

        var confirmed = Assert.IsType<LookOutcome.Confirmed>(Of(Seen.TurnedAway with { Domain = changed.Domain }, Pending(changed)));

        Assert.Equal(Reach.Talked, confirmed.Facts.Hosts[0].Endpoints[0].Dialogue.Reach);
    }

    [Fact]
    public void What_differs_from_look_to_look_is_taken_in_the_end()
    {
        var next = Assert.IsType<LookOutcome.Pending>(Of(s_renewed, Pending(Seen.WithoutStartTls)));
        Assert.Equal(2, next.Look.Rounds);
        Assert.True(FactsDigest.Same(s_renewed, next.Look.Facts, WatchedAs.Own));

        Assert.IsType<LookOutcome.Confirmed>(Of(s_renewed, Pending(Seen.WithoutStartTls, LookOutcome.MostRounds)));
    }

    [Fact]
    public void Silence_is_told_from_a_domain_without_servers()
    {
        Assert.Null(LookOutcome.Silence(Seen.All));
        Assert.Contains("421", LookOutcome.Silence(Seen.TurnedAway), StringComparison.Ordinal);
        Assert.Equal("time-out", LookOutcome.Silence(Seen.NoDns));
        Assert.Null(LookOutcome.Silence(Seen.With(Seen.Published with { Mx = new MxFacts(MxState.Null, true, []) }) with { Hosts = [] }));
    }
}
