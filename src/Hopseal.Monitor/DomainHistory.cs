using System.Collections.Immutable;

namespace Hopseal.Monitor;

/// <summary>What is known of a domain that is watched: what rules compare, and people are shown.</summary>
/// <param name="Reference">What it is expected to look like: the best that was seen and not yet lost, or what an operator accepted. Null before
/// the first look that found something out.</param>
/// <param name="Recent">Confirmed observations, the oldest first: those that began within <see cref="Memory"/>, and the one before them. The last one
/// is what it looks like now. One that differs from the one before it counts only when a second look, soon after the first, found the same.</param>
/// <param name="Looks">How looking goes.</param>
public sealed record DomainHistory(WatchedDomain Domain, Observation? Reference, ImmutableArray<Observation> Recent, LookState Looks)
{
    /// <summary>So long a change is told of that is nothing wrong in itself, such as another issuer.</summary>
    public static TimeSpan Memory { get; } = TimeSpan.FromDays(7);

    /// <summary>Null before the first look that found something out.</summary>
    public Observation? Current => Recent.IsEmpty ? null : Recent[^1];
}

/// <param name="LastAt">Of the last look; null before the first.</param>
/// <param name="NextAt">Of the next one.</param>
/// <param name="Inconclusive">So many looks in a row found nothing out about its mail servers.</param>
/// <param name="Why">Of the last one of those.</param>
public sealed record LookState(DateTimeOffset? LastAt, DateTimeOffset NextAt, int Inconclusive, string? Why)
{
    /// <summary>What the last look could not find out; what was known before stands in its place, for <see cref="Looks.FactsMerge.Patience"/> at most.</summary>
    public ImmutableArray<UnansweredPart> Unanswered { get; init; } = [];

    /// <summary>It looked different, and one more look has to say the same: when that was seen first. Null mostly.</summary>
    public DateTimeOffset? PendingSince { get; init; }
}

/// <param name="Part">A host, an address of it, or what DNS was asked for.</param>
/// <param name="Why">In words; may quote the peer.</param>
/// <param name="Since">Of the first look of an unbroken row of those that could not find it out.</param>
public sealed record UnansweredPart(string Part, string Why, DateTimeOffset Since);
