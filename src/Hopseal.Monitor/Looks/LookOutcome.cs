using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Looks;

/// <summary>A look that differs from what is known, until another one says the same.</summary>
/// <param name="SeenAt">When it was seen first.</param>
/// <param name="Rounds">So many looks are behind it.</param>
public sealed record PendingLook(AuditFacts Facts, DateTimeOffset SeenAt, int Rounds);

/// <summary>What a look means beside what was known.</summary>
public abstract record LookOutcome
{
    /// <summary>So often a domain that differs from look to look is asked soon again; then it is taken as it is, if nothing is wrong with it that only this look saw.</summary>
    public const int MostRounds = 3;

    LookOutcome()
    {
    }

    /// <summary>Not even which hosts there are could be found out.</summary>
    public sealed record Nothing(string Why) : LookOutcome;

    /// <summary>It is as it was.</summary>
    /// <param name="Facts">Of this look.</param>
    public sealed record Same(AuditFacts Facts) : LookOutcome;

    /// <summary>It differs, or it could not be found out whether it still does: another look has to say.</summary>
    public sealed record Pending(PendingLook Look) : LookOutcome
    {
        /// <summary>Soon, rather than at the usual time.</summary>
        public bool Soon => Look.Rounds <= MostRounds;
    }

    /// <summary>It is different for sure.</summary>
    /// <param name="Since">When it was seen first.</param>
    public sealed record Confirmed(AuditFacts Facts, DateTimeOffset Since) : LookOutcome;

    /// <param name="current">What is known; null: nothing.</param>
    /// <param name="unanswered">Of the look before.</param>
    /// <param name="wrong">What would be wrong with a domain that is like this: rule and subject of each.</param>
    /// <returns>With what could not be found out.</returns>
    public static (LookOutcome Outcome, ImmutableArray<UnansweredPart> Unanswered) Of(
        AuditFacts seen, AuditFacts? current, PendingLook? pending, ImmutableArray<UnansweredPart> unanswered, WatchedAs watched,
        Func<AuditFacts, IEnumerable<(string Rule, string Subject)>> wrong)
    {
        ArgumentNullException.ThrowIfNull(seen);
        var merged = FactsMerge.Of(seen, current, unanswered);
        if (seen.Domain is { Mx.State: MxState.NotKnown, Sts.RecordKnown: false, TlsRpt.Known: false })
        {
            return (new Nothing(seen.Domain.Mx.Detail ?? "DNS does not answer"), merged.Unanswered);
        }

        return (current is null ? new Confirmed(merged.Facts, seen.At) : Compare(seen, merged.Facts, current, pending, unanswered, watched, wrong), merged.Unanswered);
    }

    static LookOutcome Compare(
        AuditFacts seen, AuditFacts merged, AuditFacts current, PendingLook? pending, ImmutableArray<UnansweredPart> unanswered, WatchedAs watched,
        Func<AuditFacts, IEnumerable<(string Rule, string Subject)>> wrong)
    {
        var same = FactsDigest.Same(merged, current, watched);
        if (pending is null)
        {
            return same ? new Same(merged) : new Pending(new PendingLook(merged, seen.At, 1));
        }

        // Where the look could not find out what differs, it says the same as either.
        var likePending = FactsMerge.Of(seen, pending.Facts, unanswered).Facts;
        return (same, FactsDigest.Same(likePending, pending.Facts, watched)) switch
        {
            (true, true) => new Pending(pending with { Rounds = Math.Min(pending.Rounds + 1, MostRounds + 1) }),
            (true, false) => new Same(merged),
            (false, true) => new Confirmed(likePending, pending.SeenAt),
            (false, false) when pending.Rounds < MostRounds || OnlyHere() => new Pending(new PendingLook(merged, seen.At, Math.Min(pending.Rounds + 1, MostRounds + 1))),
            (false, false) => new Confirmed(merged, seen.At),
        };

        // Whoever changes all the time is wrong about something when two looks in a row say so, like everybody else.
        bool OnlyHere() => wrong(merged).Except(wrong(current)).Except(wrong(pending.Facts)).Any();
    }

    /// <summary>Null when some server of the domain talked, or there is none to talk; else why none did.</summary>
    public static string? Silence(AuditFacts seen)
    {
        ArgumentNullException.ThrowIfNull(seen);
        if (seen.Domain is { Mx: { State: MxState.NotKnown } mx })
        {
            return mx.Detail ?? "its MX records are not known";
        }

        EndpointFacts[] asked = [.. seen.Hosts.SelectMany(host => host.Endpoints).Where(endpoint => endpoint.Dialogue.Reach is not Reach.NotAsked)];
        return asked.Any(endpoint => endpoint.Dialogue.Reach is Reach.Talked) ? null
            : asked.FirstOrDefault() is { } first ? $"[{first.Address}] {first.Dialogue.Why ?? "did not answer"}"
            : seen.Hosts.FirstOrDefault(host => !host.AddressesKnown) is { } unknown ? $"{unknown.Name}: {unknown.AddressProblem}"
            : null;
    }
}
