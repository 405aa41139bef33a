using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class RecipientLedgerTests
{
    static readonly RecipientOutcome s_delivered = new RecipientOutcome.Delivered(new SmtpReply(250, "ok"));
    static readonly RecipientOutcome s_refused = new RecipientOutcome.Bounced(new EnhancedStatus(5, 7, 1), "refused");
    static readonly RecipientOutcome s_unreachable = new RecipientOutcome.Deferred(new EnhancedStatus(4, 4, 1), "unreachable");
    static readonly RecipientOutcome s_left = new RecipientOutcome.Deferred(new EnhancedStatus(4, 3, 2), "left");

    [Fact]
    public void What_is_final_stays_whatever_follows()
    {
        var ledger = new RecipientLedger([Samples.Mailbox("a@example.org"), Samples.Mailbox("b@example.org")]);

        ledger.Enter(0, new Verdict(s_delivered, NextStep.Stop));
        ledger.EnterAll(new Verdict(s_unreachable, NextStep.NextAddress));
        ledger.Leave(s_left);

        Assert.Equal([1], ledger.Open);
        Assert.Equal([s_delivered, s_unreachable], ledger.Close(s_left).Select(entry => entry.Outcome));
    }

    [Fact]
    public void Leaving_early_turns_a_provisional_bounce_into_a_deferral()
    {
        var ledger = new RecipientLedger([Samples.Mailbox("a@example.org")]);

        ledger.EnterAll(new Verdict(s_refused, NextStep.NextHost));
        ledger.Leave(s_left);

        Assert.Equal(s_left, Assert.Single(ledger.Close(s_unreachable)).Outcome);
    }

    [Fact]
    public void A_final_verdict_replaces_a_provisional_one()
    {
        var ledger = new RecipientLedger([Samples.Mailbox("a@example.org")]);

        ledger.EnterAll(new Verdict(s_unreachable, NextStep.NextHost));
        ledger.Enter(0, new Verdict(s_refused, NextStep.Stop));

        Assert.True(ledger.IsSettled);
        Assert.Equal(s_refused, Assert.Single(ledger.Close(s_left)).Outcome);
    }
}
