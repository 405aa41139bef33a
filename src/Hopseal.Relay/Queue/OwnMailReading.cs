using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>One lease after its recipients that the gateway reads itself (<see cref="OwnMail"/>) had their turn: what came of them, and what is left to
/// attempt.</summary>
sealed class OwnMailReading
{
    readonly QueueLease _lease;

    /// <summary>For each recipient of the lease; null: to be attempted.</summary>
    readonly ImmutableArray<RecipientOutcome?> _settled;

    OwnMailReading(QueueLease lease, ImmutableArray<RecipientOutcome?> settled)
    {
        _lease = lease;
        _settled = settled;
        var rest = lease.Pending.Recipients.Where((_, index) => settled[index] is null).ToImmutableArray();
        Rest = rest.IsEmpty ? null
            : rest.Length == settled.Length ? lease
            : lease with { Pending = lease.Pending with { Recipients = rest } };
    }

    /// <summary>The lease for those that are to be attempted; null: nobody.</summary>
    public QueueLease? Rest { get; }

    /// <param name="open">The content, from its first octet.</param>
    /// <exception cref="OperationCanceledException">It was broken off; nothing is settled.</exception>
    public static async ValueTask<OwnMailReading> OfAsync(
        OwnMail? own, QueueLease lease, Func<CancellationToken, ValueTask<Stream>> open, CancellationToken cancel)
    {
        if (own is null || !lease.Pending.Recipients.Any(IsOwn))
        {
            return new OwnMailReading(lease, [.. Enumerable.Repeat<RecipientOutcome?>(null, lease.Pending.Recipients.Length)]);
        }

        RecipientOutcome outcome;
        await using (var content = await open(cancel))
        {
            outcome = await own.ReadAsync(lease, content, cancel);
        }

        var goesOn = own.AlsoDelivered && outcome is RecipientOutcome.Delivered;
        return new OwnMailReading(lease, [.. lease.Pending.Recipients.Select(recipient => IsOwn(recipient) && !goesOn ? outcome : null)]);

        bool IsOwn(Recipient recipient) => own.IsRead(recipient.Mailbox);
    }

    /// <summary>After it could not be read.</summary>
    public static OwnMailReading Unread(OwnMail own, QueueLease lease, RecipientOutcome outcome) =>
        new(lease, [.. lease.Pending.Recipients.Select(recipient => own.IsRead(recipient.Mailbox) ? outcome : null)]);

    /// <summary>Where there is no rest to attempt.</summary>
    public DeliveryAttempt Alone(OwnMail own, DateTimeOffset startedAt, TimeSpan elapsed) => new(
        _lease, startedAt, elapsed, new DeliveryPlan.Keep(own.Place), [], [.. _lease.Pending.Recipients.Zip(_settled, (recipient, outcome) => (recipient, outcome!))], TlsFailed: false);

    /// <summary>The attempt at the rest, as one of the whole lease.</summary>
    public DeliveryAttempt With(DeliveryAttempt rest)
    {
        if (ReferenceEquals(Rest, _lease))
        {
            return rest;
        }

        var outcomes = new Queue<RecipientOutcome>(rest.Recipients.Select(recipient => recipient.Outcome));
        ImmutableArray<int> places = [.. Enumerable.Range(0, _settled.Length).Where(place => _settled[place] is null)];
        return rest with
        {
            Lease = _lease,
            Sessions =
            [
                .. rest.Sessions.Select(use => use with
                {
                    DeliveredPlaces = [.. use.DeliveredPlaces.Select(place => places[place])],
                    BouncedPlaces = [.. use.BouncedPlaces.Select(place => places[place])],
                })
            ],
            Recipients = [.. _lease.Pending.Recipients.Zip(_settled, (recipient, outcome) => (recipient, outcome ?? outcomes.Dequeue()))],
        };
    }
}
