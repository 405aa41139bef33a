using System.Collections.Immutable;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>Whether senders verify by what is published.</summary>
public enum TlsaState
{
    /// <summary>There are no records: nobody verifies by them.</summary>
    Absent,

    /// <summary>There are records that nothing signs: nobody believes them (RFC 7672 §2.2).</summary>
    Unsigned,

    /// <summary>The records were signed before. Either the zone lost its signatures, or our resolver does not validate any more; so long as
    /// that is not known, senders may still verify by them.</summary>
    NoLongerSigned,

    Signed,
}

/// <summary>The TLSA records of a host as they were for a while.</summary>
/// <param name="Records">In a fixed order; empty when <see cref="TlsaState.Absent"/>.</param>
/// <param name="FirstSeenAt">By us: they may have been there before.</param>
/// <param name="Ttl">The longest that was seen: a resolver's cache shows what is left of it.</param>
/// <param name="ReplacedAt">When something else was seen in their place; null for what is published now.</param>
public sealed record TlsaVersion(
    TlsaState State, ImmutableArray<TlsaRecord> Records, DateTimeOffset FirstSeenAt, TimeSpan Ttl, DateTimeOffset? ReplacedAt = null)
{
    /// <summary>Until when a resolver somewhere may still answer with them; null when they are published now. Two times the TTL
    /// (RFC 7671 §8.1): one for caches, one for secondary servers that are late.</summary>
    public DateTimeOffset? HeldUntil => ReplacedAt + (2 * Ttl);

    /// <summary>Whether a sender may verify by them at that time.</summary>
    public bool Binds(DateTimeOffset now) =>
        State is TlsaState.Signed or TlsaState.NoLongerSigned && (HeldUntil is not { } until || until > now);

    public bool Equals(TlsaVersion? other) =>
        other is not null
        && (State, FirstSeenAt, Ttl, ReplacedAt) == (other.State, other.FirstSeenAt, other.Ttl, other.ReplacedAt)
        && Records.AsSpan().SequenceEqual(other.Records.AsSpan());

    public override int GetHashCode() => HashCode.Combine(State, FirstSeenAt, Ttl, ReplacedAt, Records.Length);
}

/// <summary>What a host of ours publishes under <c>_25._tcp</c>, and what it published before, for as long as somebody may hold it.</summary>
/// <param name="Versions">The newest first; empty when no look-up ever succeeded. No two have the same records and state.</param>
public sealed record PublishedTlsa(DomainName Host, ImmutableArray<TlsaVersion> Versions)
{
    /// <summary>More changes than this within two TTLs are no rollover; what is older is forgotten.</summary>
    public const int MostVersions = 16;

    const string Port = "_25._tcp.";

    /// <summary>The owner name of the records of a host's port 25 (RFC 6698 §3).</summary>
    /// <exception cref="FormatException">See <see cref="CanHave"/>.</exception>
    public static DomainName OwnerOf(DomainName host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return DomainName.Parse(Port + host.Ascii);
    }

    /// <summary>Not a host whose name is so long that nothing fits before it.</summary>
    public static bool CanHave(DomainName host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return DomainName.TryParse(Port + host.Ascii, out _);
    }

    public static PublishedTlsa Nothing(DomainName host) => new(host, []);

    /// <summary>Null when no look-up ever succeeded.</summary>
    public TlsaVersion? Current => Versions.IsEmpty ? null : Versions[0];

    public bool Equals(PublishedTlsa? other) => other is not null && Host == other.Host && Versions.AsSpan().SequenceEqual(other.Versions.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Host, Versions.Length);

    /// <summary>With one more answer. A failure to find out changes nothing.</summary>
    public PublishedTlsa With(DnsAnswer<TlsaRecord> answer, DateTimeOffset now)
    {
        var seen = answer switch
        {
            DnsAnswer<TlsaRecord>.Found found => new TlsaVersion(StateOf(found.Status), InOrder(found.Records), now, found.Ttl),
            DnsAnswer<TlsaRecord>.NoData or DnsAnswer<TlsaRecord>.NameError => new TlsaVersion(TlsaState.Absent, [], now, TimeSpan.Zero),
            DnsAnswer<TlsaRecord>.Failed => null,
            _ => throw new ArgumentException($"unknown answer {answer}", nameof(answer)),
        };
        return seen is null ? this : this with { Versions = Add(seen, now) };
    }

    ImmutableArray<TlsaVersion> Add(TlsaVersion seen, DateTimeOffset now)
    {
        if (Current is { } current && IsSame(current, seen))
        {
            return [current with { Ttl = Longer(current.Ttl, seen.Ttl) }, .. Still(Versions.Skip(1), now)];
        }

        // What was replaced is held for the longer of both TTLs: of the old one perhaps only the end was ever seen.
        var replaced = Current is { } last ? last with { ReplacedAt = now, Ttl = Longer(last.Ttl, seen.Ttl) } : null;
        var again = Versions.FirstOrDefault(version => IsSame(version, seen));
        IEnumerable<TlsaVersion> all =
        [
            seen with { Ttl = Longer(seen.Ttl, again?.Ttl ?? TimeSpan.Zero) },
            .. replaced is null ? Enumerable.Empty<TlsaVersion>() : [replaced],
            .. Still(Versions.Skip(1).Where(version => version != again), now),
        ];
        return [.. all.Take(MostVersions)];
    }

    TlsaState StateOf(DnssecStatus status) =>
        status is DnssecStatus.Secure ? TlsaState.Signed
        : Current is { State: TlsaState.Signed or TlsaState.NoLongerSigned } ? TlsaState.NoLongerSigned
        : TlsaState.Unsigned;

    static IEnumerable<TlsaVersion> Still(IEnumerable<TlsaVersion> replaced, DateTimeOffset now) => replaced.Where(version => version.HeldUntil > now);

    static bool IsSame(TlsaVersion one, TlsaVersion other) => one.State == other.State && one.Records.AsSpan().SequenceEqual(other.Records.AsSpan());

    static ImmutableArray<TlsaRecord> InOrder(ImmutableArray<TlsaRecord> records) =>
        [.. records.Distinct().OrderBy(record => record.ToString(), StringComparer.Ordinal)];

    static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
