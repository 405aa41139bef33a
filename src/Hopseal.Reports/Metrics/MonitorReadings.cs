using System.Collections.Immutable;

namespace Hopseal.Reports.Metrics;

/// <summary>The domains that are watched, in numbers.</summary>
/// <param name="Domains">How many there are, by why they are watched and the worst of their verdicts.</param>
/// <param name="Silent">Of them, those whose last look found nothing out.</param>
/// <param name="OldestLook">How long ago the one was looked at that waits longest; null before each was once.</param>
public sealed record MonitorReadings(ImmutableArray<(string As, string Verdict, int Domains)> Domains, int Silent, TimeSpan? OldestLook);
