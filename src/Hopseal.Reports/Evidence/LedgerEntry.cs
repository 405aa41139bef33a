using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Evidence;

/// <summary>What an entry of the ledger says beside its frame.</summary>
abstract record LedgerEntry
{
    LedgerEntry()
    {
    }

    /// <summary>A gateway begins to write.</summary>
    /// <param name="Configuration">A hash of what the operator wrote.</param>
    /// <param name="Head">As <c>head.json</c> had it; null when there was none.</param>
    public sealed record Start(string Version, string Configuration, LedgerPoint? Head, bool AfterCleanEnd) : LedgerEntry;

    /// <summary>It ends as it should.</summary>
    public sealed record Stop : LedgerEntry;

    /// <summary>Something is missing from here on back.</summary>
    /// <param name="Count">Records that could not be written; null when nobody knows, as after a crash.</param>
    /// <param name="Since">Nothing before is missing; null when that is not known either.</param>
    public sealed record Gap(long? Count, DateTimeOffset? Since, string Reason) : LedgerEntry;

    /// <summary>A line that was begun and not ended was put aside.</summary>
    public sealed record Recovered(string File, long Octets, string PutInto) : LedgerEntry;

    /// <summary>The ledger is not as it was left.</summary>
    public sealed record Damage(string What, LedgerPoint? Head, LedgerPoint Found) : LedgerEntry;

    /// <summary>Days that are past their time were deleted.</summary>
    /// <param name="Anchor">The last entry of them.</param>
    public sealed record Retention(LedgerPoint Anchor, DateTimeOffset At, int Files) : LedgerEntry;

    /// <summary>One message for one domain in one session of ours.</summary>
    /// <param name="To">Recipients that the peer took.</param>
    public sealed record Out(DeliveryAttempt Attempt, SessionUse Use, ImmutableArray<Recipient> To) : LedgerEntry;

    /// <summary>One message for one domain that came to its end, and not in a session: kept on this machine, or returned.</summary>
    public sealed record Ended(DeliveryAttempt Attempt, bool IsKept, ImmutableArray<Recipient> To) : LedgerEntry;

    /// <summary>One message for one domain that we took.</summary>
    public sealed record In(AcceptedMessage Message, string Domain, ImmutableArray<Recipient> To) : LedgerEntry;

    /// <summary>An attack on a session in which no message was taken.</summary>
    public sealed record Incident(SessionRecord.Inbound Session) : LedgerEntry;
}

/// <summary>From what is recorded to what is kept as evidence.</summary>
static class EvidenceOf
{
    /// <summary>In one entry; a message with more is told in several.</summary>
    const int MostRecipients = 50;

    /// <summary>One entry for each session of the attempt. Beside them only what is final, and not by a session, as for mail whose time is over: that nothing
    /// was tried crosses no hop.</summary>
    public static IEnumerable<LedgerEntry> Attempt(DeliveryAttempt attempt)
    {
        var outcomes = attempt.Recipients;
        if (attempt.Sessions is [var only] && outcomes is [var (recipient, outcome)] && outcome is RecipientOutcome.Delivered && only.DeliveredPlaces is [0])
        {
            // Nearly every attempt is one of these.
            return [new LedgerEntry.Out(attempt, only, [recipient])];
        }

        var kept = Chunks([.. Those<RecipientOutcome.Delivered>(attempt, use => use.DeliveredPlaces)]);
        var returned = Chunks([.. Those<RecipientOutcome.Bounced>(attempt, use => use.BouncedPlaces)]);
        return
        [
            .. attempt.Sessions.SelectMany(use => Chunks([.. use.DeliveredPlaces.Select(place => outcomes[place].Recipient)])
                .Select((to, index) => new LedgerEntry.Out(attempt, index == 0 ? use : use with { Deferred = 0, Bounced = 0, MayBeDelivered = 0 }, to))),
            .. kept.Where(to => to.Length > 0).Select(to => new LedgerEntry.Ended(attempt, true, to)),
            .. returned.Where(to => to.Length > 0).Select(to => new LedgerEntry.Ended(attempt, false, to)),
        ];
    }

    public static IEnumerable<LedgerEntry> Accepted(AcceptedMessage message)
    {
        // Nearly every message is one of these.
        var all = message.Envelope.Recipients;
        return all is [var only]
            ? [new LedgerEntry.In(message, DomainOf(only), all)]
            : all.GroupBy(DomainOf).SelectMany(same => Chunks([.. same]).Select(to => new LedgerEntry.In(message, same.Key, to)));
    }

    static string DomainOf(Recipient recipient) => recipient.Mailbox.Domain?.Ascii ?? recipient.Mailbox.AddressLiteral ?? "";

    /// <summary>Those who ended so, and of whom no session says it.</summary>
    static IEnumerable<Recipient> Those<T>(DeliveryAttempt attempt, Func<SessionUse, ImmutableArray<int>> places)
    {
        var said = attempt.Sessions.SelectMany(use => places(use)).ToHashSet();
        return attempt.Recipients.Where((recipient, place) => recipient.Outcome is T && !said.Contains(place)).Select(recipient => recipient.Recipient);
    }

    /// <summary>At least one.</summary>
    static IEnumerable<ImmutableArray<Recipient>> Chunks(ImmutableArray<Recipient> all) =>
        all.IsEmpty ? [[]] : all.Chunk(MostRecipients).Select(chunk => ImmutableCollectionsMarshal.AsImmutableArray(chunk));

    public static string Word(SecurityFloor floor) => Transport.Word(Transport.Of(floor));
}
