using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Dsn;

public sealed class ReportActionTests
{
    static readonly RecipientOutcome s_refused = new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "no such user");
    static readonly RecipientOutcome s_deferred = new RecipientOutcome.Deferred(new EnhancedStatus(4, 4, 1), "nobody answers");

    [Theory]
    // NOTIFY → refused, in the mailbox, with a host that reports, with one that does not, and whether a delay is told
    [InlineData(null, ReportAction.Failed, null, null, true)]
    [InlineData(DsnNotify.Never, null, null, null, false)]
    [InlineData(DsnNotify.Success, null, ReportAction.Delivered, ReportAction.Relayed, false)]
    [InlineData(DsnNotify.Failure, ReportAction.Failed, null, null, false)]
    [InlineData(DsnNotify.Delay, null, null, null, true)]
    [InlineData(DsnNotify.Success | DsnNotify.Failure, ReportAction.Failed, ReportAction.Delivered, ReportAction.Relayed, false)]
    [InlineData(DsnNotify.Success | DsnNotify.Delay, null, ReportAction.Delivered, ReportAction.Relayed, true)]
    [InlineData(DsnNotify.Failure | DsnNotify.Delay, ReportAction.Failed, null, null, true)]
    [InlineData(DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay, ReportAction.Failed, ReportAction.Delivered, ReportAction.Relayed, true)]
    public void Notify_decides(DsnNotify? notify, ReportAction? refused, ReportAction? mailbox, ReportAction? silent, bool delay)
    {
        var recipient = new Recipient(Samples.Mailbox("bob@example.org"), notify);

        Assert.Equal(refused, NotifyRule.ActionFor(recipient, s_refused));
        Assert.Equal(mailbox, NotifyRule.ActionFor(recipient, Delivered(DeliveredTo.Mailbox)));
        Assert.Equal(silent, NotifyRule.ActionFor(recipient, Delivered(DeliveredTo.SilentHost)));
        Assert.Null(NotifyRule.ActionFor(recipient, Delivered(DeliveredTo.ReportingHost)));
        Assert.Null(NotifyRule.ActionFor(recipient, s_deferred));
        Assert.Equal(delay, NotifyRule.AllowsDelay(recipient));
    }

    static RecipientOutcome.Delivered Delivered(DeliveredTo to) => new(new SmtpReply(250, "ok"), to);
}
