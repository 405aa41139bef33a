using System.Collections.Immutable;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>A message that waits for one domain, whose delay nobody has reported yet.</summary>
/// <param name="Pending">The envelope with only those recipients of this domain that are not settled yet.</param>
/// <param name="Failures">One per recipient: why its last attempt failed, null when there was none yet.</param>
/// <param name="Size">Octets of content.</param>
public sealed record DelayedEntry(
    QueueId Id,
    string Domain,
    Envelope Pending,
    ImmutableArray<LastFailure?> Failures,
    DateTimeOffset ReceivedAt,
    long Size);

/// <summary>A deferral as the queue remembers it.</summary>
/// <param name="Status">As text (RFC 3463).</param>
/// <param name="Remote">The host that had a say, null when none had.</param>
/// <param name="Security">See <see cref="MissedFloor"/>.</param>
public sealed record LastFailure(string Status, string Reason, string? Remote, string? Security);

/// <summary>What one look for delayed entries found.</summary>
/// <param name="Next">Where the next look goes on; null when there is nothing more to find.</param>
public sealed record DelayScan(ImmutableArray<DelayedEntry> Entries, DelayCursor? Next);

/// <summary>A place in the queue, in the order in which messages came in.</summary>
/// <param name="Message">The store's number of it.</param>
public sealed record DelayCursor(long Message, string Domain);
