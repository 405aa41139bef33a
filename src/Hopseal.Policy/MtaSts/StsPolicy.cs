using System.Collections.Immutable;
using Hopseal.Dns;

namespace Hopseal.Policy.MtaSts;

/// <summary>What a policy wants done where it is not met (RFC 8461 §5).</summary>
public enum StsMode
{
    /// <summary>As if there were no policy.</summary>
    None,

    /// <summary>Deliver as if there were no policy, and report what would have failed.</summary>
    Testing,

    /// <summary>Deliver only as the policy says.</summary>
    Enforce,
}

/// <summary>An MTA-STS policy (RFC 8461 §3.2).</summary>
/// <param name="Mx">Host names, or <c>*.</c> and a domain for exactly one label before it; A-labels, lower case. Empty only with
/// <see cref="StsMode.None"/>.</param>
/// <param name="MaxAge">How long it may be used after it was fetched; at most a year (§3.2).</param>
/// <param name="Id">Of the DNS record that announced it (§3.1).</param>
public sealed record StsPolicy(StsMode Mode, ImmutableArray<string> Mx, TimeSpan MaxAge, string Id)
{
    /// <summary>Whether the policy names this host (§4.1).</summary>
    public bool Names(DomainName host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Mx.Any(pattern => Covers(pattern, host.Ascii));
    }

    /// <summary>Whether one of <see cref="Mx"/> means this host (§4.1); both in lower case.</summary>
    public static bool Covers(string pattern, string host)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(host);
        return pattern == host || (pattern.StartsWith("*.", StringComparison.Ordinal) && IsOneLabelUnder(host, pattern));
    }

    public bool Equals(StsPolicy? other) =>
        other is not null && (Mode, MaxAge, Id) == (other.Mode, other.MaxAge, other.Id) && Mx.AsSpan().SequenceEqual(other.Mx.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Mode, MaxAge, Id, Mx.Length);

    static bool IsOneLabelUnder(string host, string pattern)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && host.AsSpan(dot).SequenceEqual(pattern.AsSpan(1));
    }
}
