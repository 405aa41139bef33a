using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>The chain from a certificate up to one given authority, and no further (RFC 5280 §6.1).</summary>
static class AnchoredChain
{
    public const string BadSignature = "bad-signature";

    static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>What is wrong with the chain, the authority's own certificate included; null where no chain leads to the authority.</summary>
    /// <param name="anchor">Of any kind: a root, or one that others issued.</param>
    /// <exception cref="CryptographicException">A certificate is malformed.</exception>
    public static ImmutableArray<TlsFailure>? Failures(
        X509Certificate2 leaf, ImmutableArray<X509Certificate2> sent, X509Certificate2 anchor, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            VerificationTimeIgnored = false,
            VerificationTime = now.UtcDateTime,
            // The chain may go on above the anchor, or end in one that is no root.
            VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority,
        };
        chain.ChainPolicy.ApplicationPolicy.Add(s_serverAuthentication);
        chain.ChainPolicy.CustomTrustStore.Add(anchor);
        foreach (var certificate in sent.Where(certificate => !IsTwin(certificate, anchor)))
        {
            chain.ChainPolicy.ExtraStore.Add(certificate);
        }

        try
        {
            chain.Build(leaf);
            return Failures(chain, anchor, now);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    static ImmutableArray<TlsFailure>? Failures(X509Chain chain, X509Certificate2 anchor, DateTimeOffset now)
    {
        var failures = ImmutableArray.CreateBuilder<TlsFailure>();
        for (var depth = 0; depth < chain.ChainElements.Count; depth++)
        {
            var element = chain.ChainElements[depth];
            var isAnchor = depth > 0 && element.Certificate.RawDataMemory.Span.SequenceEqual(anchor.RawDataMemory.Span);
            failures.AddRange(element.ChainElementStatus
                .Where(status => !isAnchor || status.Status is not (X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot))
                .Select(status => Failure(status, element.Certificate, isLeaf: depth == 0, now)));
            if (isAnchor)
            {
                // OpenSSL does not look at the dates of an anchor that is no root.
                if (now < anchor.NotBefore.ToUniversalTime() || now > anchor.NotAfter.ToUniversalTime())
                {
                    failures.Add(OutOfTime(anchor, isLeaf: false, now));
                }

                return [.. failures.DistinctBy(failure => failure.ReasonCode)];
            }
        }

        return null;
    }

    /// <summary>The same authority in another certificate: cross-signed, or renewed. The chain is to end in the one that is meant.</summary>
    static bool IsTwin(X509Certificate2 certificate, X509Certificate2 anchor) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(anchor.SubjectName.RawData)
        && CertificateKey.Encoded(certificate).Span.SequenceEqual(CertificateKey.Encoded(anchor).Span);

    static TlsFailure Failure(X509ChainStatus status, X509Certificate2 certificate, bool isLeaf, DateTimeOffset now) => status.Status switch
    {
        X509ChainStatusFlags.NotTimeValid => OutOfTime(certificate, isLeaf, now),
        X509ChainStatusFlags.NotSignatureValid => NotTrusted(certificate, BadSignature, status),
        X509ChainStatusFlags.NotValidForUsage => NotTrusted(certificate, "wrong-usage", status),
        X509ChainStatusFlags.InvalidBasicConstraints => NotTrusted(certificate, "bad-basic-constraints", status),
        _ => NotTrusted(certificate, "invalid-chain", status),
    };

    static TlsFailure NotTrusted(X509Certificate2 certificate, string reason, X509ChainStatus status) => new(
        TlsResultType.CertificateNotTrusted, reason, $"{certificate.Subject}: {status.StatusInformation.Trim()} ({status.Status})");

    static TlsFailure OutOfTime(X509Certificate2 certificate, bool isLeaf, DateTimeOffset now) => new(
        TlsResultType.CertificateExpired,
        (isLeaf ? "" : "issuer-") + (now < certificate.NotBefore.ToUniversalTime() ? "not-yet-valid" : "expired"),
        $"{certificate.Subject}: from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}");
}
