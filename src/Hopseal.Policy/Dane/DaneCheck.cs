using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>Judges a peer's certificates by TLSA records (RFC 7671, RFC 7672 §3). One record that matches is enough.</summary>
/// <remarks>
/// <para>DANE-EE (3): the record is the peer's certificate or key. Its names, dates, issuer and purpose say nothing: DNS says
/// whose it is, and for how long (RFC 7671 §5.1).</para>
/// <para>DANE-TA (2): the record is an authority. The chain from the peer's certificate up to it must be valid now, out of what the peer sent and
/// what the records hold in full, and the certificate must be for one of the names (RFC 7671 §5.2, RFC 7672 §3.2). What is above
/// the authority does not matter, nor which authorities the system trusts.</para>
/// <para>Any thread may use it.</para>
/// </remarks>
public sealed class DaneCheck(TimeProvider clock)
{
    // No honest peer sends more; each one costs time.
    const int MostCertificates = 32;

    /// <summary><see cref="PeerIdentity.DaneEe"/> or <see cref="PeerIdentity.DaneTa"/> where a record matches, else every
    /// failure. Never throws for what peer or records hold.</summary>
    public PeerVerdict Judge(PeerChain peer, TransportPolicy.Dane policy)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(policy);
        try
        {
            return Judge(peer, policy, TlsaSet.WithStrongestDigests(TlsaSet.Usable(policy.Usable)));
        }
        catch (CryptographicException e)
        {
            return Refused(new TlsFailure(TlsResultType.ValidationFailure, "malformed-certificate", e.Message));
        }
    }

    PeerVerdict Judge(PeerChain peer, TransportPolicy.Dane policy, ImmutableArray<TlsaRecord> records)
    {
        var leaf = new TlsaForms(peer.Leaf);
        if (records.Any(record => record.Usage == TlsaSet.DaneEe && leaf.Match(record)))
        {
            return new PeerVerdict(PeerIdentity.DaneEe, []);
        }

        ImmutableArray<X509Certificate2> sent = [.. peer.Sent.Take(MostCertificates)];
        ImmutableArray<TlsaRecord> authorities = [.. records.Where(record => record.Usage == TlsaSet.DaneTa)];
        using var anchors = TrustAnchors.Of(peer.Leaf, sent, authorities, clock.GetUtcNow());
        ImmutableArray<TlsFailure> closest = [];
        foreach (var anchor in anchors.All)
        {
            if (FailuresUnder(anchor, peer.Leaf, sent) is { } chain)
            {
                ImmutableArray<TlsFailure> failures = [.. chain, .. NameFailures(peer.Leaf, policy.ReferenceNames)];
                if (failures.IsEmpty)
                {
                    return new PeerVerdict(PeerIdentity.DaneTa, []);
                }

                closest = closest.IsEmpty || failures.Length < closest.Length ? failures : closest;
            }
        }

        return closest.IsEmpty ? Refused(NoMatch(policy, leaf)) : new PeerVerdict(PeerIdentity.Unauthenticated, closest);
    }

    /// <summary>Null where the records do not mean this peer's chain.</summary>
    ImmutableArray<TlsFailure>? FailuresUnder(TrustAnchors.Anchor anchor, X509Certificate2 leaf, ImmutableArray<X509Certificate2> sent)
    {
        var failures = AnchoredChain.Failures(leaf, sent, anchor.Certificate, clock.GetUtcNow());
        return anchor.Origin switch
        {
            AnchorOrigin.Sent => failures ?? [new TlsFailure(
                TlsResultType.CertificateNotTrusted, "not-issued-by-anchor", $"it is not issued by {anchor.Certificate.Subject}, which was sent with it")],
            AnchorOrigin.Certificate => failures,
            AnchorOrigin.Key => failures is { } found && found.Any(failure => failure.ReasonCode == AnchoredChain.BadSignature) ? null : failures,
        };
    }

    /// <summary>"None of the records in the RRset were found to be valid" (RFC 8460 §4.3.2.1).</summary>
    static TlsFailure NoMatch(TransportPolicy.Dane policy, TlsaForms leaf) => new(
        TlsResultType.TlsaInvalid,
        "no-tlsa-match",
        $"none of {policy.Usable.Length} at {policy.Base} matches; for its key it would be {leaf.Recommended}");

    static ImmutableArray<TlsFailure> NameFailures(X509Certificate2 leaf, ImmutableArray<string> references)
    {
        var presented = CertificateNames.Presented(leaf);
        return references.Any(reference => presented.Any(name => CertificateNames.Match(reference, name)))
            ? []
            : [new TlsFailure(
                TlsResultType.CertificateHostMismatch, "name-mismatch", $"for {List(presented)}; asked for {List(references)}")];
    }

    static PeerVerdict Refused(TlsFailure failure) => new(PeerIdentity.Unauthenticated, [failure]);

    static string List(ImmutableArray<string> names) => names.IsEmpty ? "no name" : string.Join(", ", names.Take(10));
}
