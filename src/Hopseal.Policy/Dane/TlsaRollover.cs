using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>Whether a renewed certificate may be shown.</summary>
public abstract record RolloverDecision
{
    RolloverDecision()
    {
    }

    /// <param name="Warning">What is lost by it all the same; null mostly.</param>
    public sealed record Switch(string? Warning = null) : RolloverDecision;

    /// <summary>Senders that verify by TLSA records would refuse the new certificate and take the old one.</summary>
    /// <param name="Why">For people.</param>
    /// <param name="Until">Null: until its TLSA record is published.</param>
    public sealed record Keep(string Why, DateTimeOffset? Until) : RolloverDecision;
}

/// <summary>When to change from one certificate to another, seen from DANE: never while a sender may hold TLSA records that match only the old
/// one (RFC 7671 §8.1, §8.4). Pure.</summary>
public static class TlsaRollover
{
    /// <param name="published">Of a host that the certificate is shown for.</param>
    /// <param name="shownMatches">Whether a sender who verifies by these records takes the certificate that is shown.</param>
    /// <param name="candidateMatches">The same of the new one.</param>
    /// <param name="shownExpiresAt">From then on the old one is of no use to senders that verify by authorities (MTA-STS), nor to people who
    /// submit mail. DANE would go on with it (RFC 7672 §3.1.1), but they are more.</param>
    public static RolloverDecision Decide(
        PublishedTlsa published,
        Func<ImmutableArray<TlsaRecord>, bool> shownMatches,
        Func<ImmutableArray<TlsaRecord>, bool> candidateMatches,
        DateTimeOffset shownExpiresAt,
        DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(published);
        ArgumentNullException.ThrowIfNull(shownMatches);
        ArgumentNullException.ThrowIfNull(candidateMatches);
        ImmutableArray<TlsaVersion> lost =
            [.. published.Versions.Where(version => version.Binds(now) && shownMatches(version.Records) && !candidateMatches(version.Records))];
        if (lost.IsEmpty)
        {
            return new RolloverDecision.Switch();
        }

        if (shownExpiresAt <= now)
        {
            return new RolloverDecision.Switch($"the old certificate has expired, and TLSA records of {published.Host} match only that one");
        }

        // Whoever asks now gets these: better that they match than what is left in caches.
        var current = published.Current!;
        if (current.Binds(now) && candidateMatches(current.Records) && !shownMatches(current.Records))
        {
            return new RolloverDecision.Switch(
                $"the TLSA records of {published.Host} match only the new certificate, and caches may hold others for a while");
        }

        if (lost.Contains(current))
        {
            return new RolloverDecision.Keep($"no published TLSA record of {published.Host} matches it", null);
        }

        var until = lost.Max(version => version.HeldUntil)!.Value;
        return new RolloverDecision.Keep(
            string.Create(
                CultureInfo.InvariantCulture,
                $"caches may hold older TLSA records of {published.Host}, which do not match it, until {until.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"),
            until);
    }
}
