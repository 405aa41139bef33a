using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>The authorities that DANE-TA records stand for, as certificates that a chain can end in.</summary>
sealed class TrustAnchors : IDisposable
{
    // Each costs a chain; no honest host has more.
    const int Most = 16;

    readonly List<X509Certificate2> _own = [];

    TrustAnchors(IEnumerable<Anchor> sent) => All = [.. sent.Take(Most)];

    /// <summary>Those that the peer sent come first. Bounded: what is left out lets nobody in.</summary>
    public List<Anchor> All { get; }

    /// <param name="sent">Digests say which of these they mean. A peer has to send what is published as a digest (RFC 7671 §5.2.2).</param>
    /// <param name="records">Usable ones. A whole certificate (<c>2 0 0</c>) or a whole key (<c>2 1 0</c>) does not depend on what is sent (RFC 7671
    /// §5.2.2, §5.2.3).</param>
    /// <exception cref="CryptographicException">A certificate is malformed.</exception>
    public static TrustAnchors Of(
        X509Certificate2 leaf, ImmutableArray<X509Certificate2> sent, ImmutableArray<TlsaRecord> records, DateTimeOffset now)
    {
        var anchors = new TrustAnchors(
            from certificate in records.IsEmpty ? [] : sent
            where !certificate.RawDataMemory.Span.SequenceEqual(leaf.RawDataMemory.Span)
            let forms = new TlsaForms(certificate)
            where records.Any(forms.Match)
            select new Anchor(certificate, AnchorOrigin.Sent));
        try
        {
            foreach (var record in records.Where(record => record.MatchingType == TlsaSet.Full))
            {
                anchors.AddFull(record, sent, now);
            }
        }
        catch
        {
            anchors.Dispose();
            throw;
        }

        return anchors;
    }

    public void Dispose() => _own.ForEach(certificate => certificate.Dispose());

    void AddFull(TlsaRecord record, ImmutableArray<X509Certificate2> sent, DateTimeOffset now)
    {
        if (All.Count >= Most)
        {
            return;
        }

        if (record.Selector == TlsaSet.WholeCertificate)
        {
            Add(X509CertificateLoader.LoadCertificate(record.Data.AsSpan()), AnchorOrigin.Certificate);
            return;
        }

        // A key has no name. Whoever may have been issued by it says what its name is.
        var names = sent.Select(certificate => certificate.IssuerName).DistinctBy(name => Convert.ToHexString(name.RawData));
        foreach (var name in names.Take(Most - All.Count))
        {
            Add(Named(name, PublicKey.CreateFromSubjectPublicKeyInfo(record.Data.AsSpan(), out _), now), AnchorOrigin.Key);
        }
    }

    void Add(X509Certificate2 certificate, AnchorOrigin origin)
    {
        _own.Add(certificate);
        All.Add(new Anchor(certificate, origin));
    }

    /// <summary>A certificate for the key under that name. Nobody looks at who signed it: it is an anchor.</summary>
    static X509Certificate2 Named(X500DistinguishedName name, PublicKey key, DateTimeOffset now)
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.Create(
            new X500DistinguishedName("CN=nobody"), X509SignatureGenerator.CreateForECDsa(signer), now.AddDays(-1), now.AddDays(1), [1]);
    }

    public sealed record Anchor(X509Certificate2 Certificate, AnchorOrigin Origin);
}

/// <summary>Where an authority's certificate comes from.</summary>
enum AnchorOrigin
{
    /// <summary>The peer sent it, and a record names it.</summary>
    Sent,

    /// <summary>The record holds it.</summary>
    Certificate,

    /// <summary>The record holds its key; the name is a guess, and the guess may be wrong.</summary>
    Key,
}
