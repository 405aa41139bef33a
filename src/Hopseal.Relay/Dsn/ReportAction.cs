using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Dsn;

/// <summary>What a report says of its recipients (RFC 3464 §2.3.3).</summary>
public enum ReportAction
{
    Failed,

    /// <summary>Not delivered yet; it is tried again.</summary>
    Delayed,

    /// <summary>In the recipient's mailbox.</summary>
    Delivered,

    /// <summary>With a host that does not report deliveries.</summary>
    Relayed,
}

/// <summary>What a recipient's NOTIFY makes of an outcome (RFC 3461 §4.1, §5.2).</summary>
static class NotifyRule
{
    /// <summary>Null: nothing is reported. Without NOTIFY, failures are.</summary>
    public static ReportAction? ActionFor(Recipient recipient, RecipientOutcome outcome) => outcome switch
    {
        RecipientOutcome.Bounced when Allows(recipient, DsnNotify.Failure) => ReportAction.Failed,
        RecipientOutcome.Delivered delivered when recipient.Notify?.HasFlag(DsnNotify.Success) == true => delivered.To switch
        {
            DeliveredTo.ReportingHost => null,
            DeliveredTo.SilentHost => ReportAction.Relayed,
            DeliveredTo.Mailbox => ReportAction.Delivered,
        },
        _ => null,
    };

    /// <summary>RFC 3461 §5.2.5: also where nothing was said.</summary>
    public static bool AllowsDelay(Recipient recipient) => Allows(recipient, DsnNotify.Delay);

    static bool Allows(Recipient recipient, DsnNotify when) => recipient.Notify is not { } notify || notify.HasFlag(when);
}
