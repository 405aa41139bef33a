using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Attempt;

/// <summary>What is known of each recipient of a lease in the course of one attempt. A recipient is open until a verdict is
/// final; of several failures on the way, <see cref="ReplyVerdict.Prefer"/> says which stands for it.</summary>
sealed class RecipientLedger(ImmutableArray<Recipient> recipients)
{
    readonly RecipientOutcome?[] _outcomes = new RecipientOutcome?[recipients.Length];
    readonly bool[] _final = new bool[recipients.Length];
    readonly bool[] _hope = new bool[recipients.Length];

    /// <summary>The positions that another session may still change.</summary>
    public ImmutableArray<int> Open => [.. Enumerable.Range(0, recipients.Length).Where(position => !_final[position])];

    public bool IsSettled => !_final.Contains(false);

    public Recipient this[int position] => recipients[position];

    public void Enter(int position, Verdict verdict)
    {
        _final[position] = verdict.Next == NextStep.Stop;
        _hope[position] |= verdict.LeavesHope;
        if (_hope[position] && verdict.Outcome is RecipientOutcome.Bounced)
        {
            return;
        }

        _outcomes[position] = _final[position] ? verdict.Outcome : ReplyVerdict.Prefer(_outcomes[position], verdict.Outcome);
    }

    /// <summary>For every open recipient.</summary>
    public void EnterAll(Verdict verdict)
    {
        foreach (var position in Open)
        {
            Enter(position, verdict);
        }
    }

    /// <summary>Why the open recipients are not tried further: it stands for those nothing is known of, and keeps those
    /// from bouncing for whom there was hope.</summary>
    public void Leave(RecipientOutcome why)
    {
        foreach (var position in Open)
        {
            if (_outcomes[position] is not RecipientOutcome.Deferred)
            {
                _outcomes[position] = why;
            }
        }
    }

    /// <summary>One outcome per recipient, in order.</summary>
    public ImmutableArray<(Recipient Recipient, RecipientOutcome Outcome)> Close(RecipientOutcome otherwise) =>
        [.. recipients.Select((recipient, position) => (recipient, _outcomes[position] ?? otherwise))];
}
