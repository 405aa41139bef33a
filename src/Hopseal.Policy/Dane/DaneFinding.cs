using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>What DNS says of a host's TLSA records (RFC 7672 §2.2).</summary>
public abstract record DaneFinding
{
    DaneFinding()
    {
    }

    /// <summary>DANE does not apply to this host.</summary>
    /// <param name="Why">For people: not signed, denied securely, an address that is not signed, and so on.</param>
    public sealed record None(string Why) : DaneFinding;

    /// <summary>Validated records.</summary>
    /// <param name="Base">The name under whose <c>_port._tcp</c> they are: the expanded name, or the original one (§2.2.3).</param>
    /// <param name="Published">All of them, in a fixed order; at least one.</param>
    /// <param name="Usable">Those that can be verified with; may be empty, and then TLS is mandatory and unauthenticated (§2.2).</param>
    public sealed record Found(DomainName Base, ImmutableArray<TlsaRecord> Published, ImmutableArray<TlsaRecord> Usable) : DaneFinding;

    /// <summary>Not known: bogus, SERVFAIL or no answer, for a host whose addresses are signed. The host is not to be used now
    /// (§2.1.2, §2.2).</summary>
    public sealed record Failed(TlsFailure Failure) : DaneFinding;
}
