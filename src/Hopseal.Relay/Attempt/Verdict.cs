using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Attempt;

/// <summary>Where an attempt goes on after a verdict.</summary>
public enum NextStep
{
    /// <summary>The outcome is final for this attempt.</summary>
    Stop,

    /// <summary>The next address of the same host; after its last one, the next host.</summary>
    NextAddress,

    /// <summary>The next host; another address of this one would say the same.</summary>
    NextHost,

    /// <summary>The same address once more, in plaintext: the handshake failed, it had failed in an earlier attempt too, and no
    /// policy asks for more (RFC 7435 §3).</summary>
    SameAddressInPlaintext,

    /// <summary>The same address once more, over a new connection: the one that had been kept was of no use. Nothing is known of the
    /// mail yet.</summary>
    SameAddressAnew,
}

/// <summary>A judgement on one session or one recipient.</summary>
/// <param name="Outcome">What it comes to if nothing better follows in this attempt.</param>
/// <param name="TlsFailed">A handshake failed where the floor allows plaintext: a later attempt may go without.</param>
/// <param name="LeavesHope">A host will take this very recipient later. What the hosts behind it say against him does not return the mail: a
/// backup that knows nobody is a common slip, and greylisting would make it cost mail.</param>
public sealed record Verdict(RecipientOutcome Outcome, NextStep Next, bool TlsFailed = false, bool LeavesHope = false);
