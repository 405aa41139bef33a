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
/// <param name="Inconclusive">So many looks in a row found nothing out.</param>
/// <param name="Why">Of the last one of those.</param>
public sealed record LookState(DateTimeOffset? LastAt, DateTimeOffset NextAt, int Inconclusive, string? Why);
