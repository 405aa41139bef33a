using Hopseal.Audit.Facts;

namespace Hopseal.Monitor;

/// <summary>What a domain looked like for some time. A look that finds the same makes no new one.</summary>
/// <param name="Id">Grows with time.</param>
/// <param name="Facts">Of the look that saw it first. Where that look could not find something out, what was known before stands in its place.</param>
/// <param name="FirstSeenAt">When it was new.</param>
/// <param name="LastSeenAt">When a look found it the last time.</param>
public sealed record Observation(long Id, AuditFacts Facts, DateTimeOffset FirstSeenAt, DateTimeOffset LastSeenAt);
