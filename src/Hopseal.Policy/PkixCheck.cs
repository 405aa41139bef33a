using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>Judges a peer's certificate by the web PKI: a chain to a trusted authority (RFC 5280 §6), for serving TLS, in time,
/// and for one of the names that the plan believes (RFC 9525). No network access: what the peer did not send is missing.</summary>
/// <remarks>Revocation is not checked: neither CRL nor OCSP can be had without asking hosts that the certificate names, and an
/// answer that an attacker can suppress decides nothing. Any thread may use it.</remarks>
public sealed class PkixCheck(TrustedRoots roots, TimeProvider clock)
{
    // No honest peer sends more; each one costs time in building the chain.
    const int MostCertificates = 32;

    const string UnknownIssuer = "unknown-issuer";
    const string UntrustedRoot = "untrusted-root";
    const string SelfSigned = "self-signed";

    static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");
    static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>The verifier for <see cref="TlsDemand.Verify"/>.</summary>
    public Func<PeerChain, PeerVerdict> For(HostPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return chain => Judge(chain, plan.ReferenceNames);
    }

    /// <summary>Every rule the peer breaks. <see cref="PeerIdentity.Pkix"/> only when it breaks none.</summary>
    /// <param name="only">The authorities that count; null for the usual ones.</param>
    public PeerVerdict Judge(PeerChain peer, ImmutableArray<string> referenceNames, TrustedRoots? only = null)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ImmutableArray<TlsFailure> failures;
        try
        {
            failures =
            [
                .. only is null ? ChainFailures(peer, s_serverAuthentication) : Build(peer, only.Extra, s_serverAuthentication),
                .. NameFailures(peer.Leaf, referenceNames),
            ];
        }
        catch (CryptographicException e)
        {
            failures = [new TlsFailure(TlsResultType.ValidationFailure, "malformed-certificate", e.Message)];
        }

        return new PeerVerdict(failures.IsEmpty ? PeerIdentity.Pkix : PeerIdentity.Unauthenticated, failures);
    }

    /// <summary>The same of a client's certificate, which is for authenticating clients, and whatever name it is for.</summary>
    public PeerVerdict JudgeClient(PeerChain peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var failures = ChainFailures(peer, s_clientAuthentication);
        return new PeerVerdict(failures.IsEmpty ? PeerIdentity.Pkix : PeerIdentity.Unauthenticated, failures);
    }

    static IEnumerable<TlsFailure> NameFailures(X509Certificate2 leaf, ImmutableArray<string> referenceNames)
    {
        if (referenceNames.IsEmpty)
        {
            return [Mismatch("no-reference-name", "no name of this host is known from a source that can be believed")];
        }

        var presented = CertificateNames.Presented(leaf);
        return referenceNames.Any(reference => presented.Any(name => CertificateNames.Match(reference, name)))
            ? []
            : [Mismatch("name-mismatch", $"for {List(presented)}; asked for {List(referenceNames)}")];

        static TlsFailure Mismatch(string reason, string detail) => new(TlsResultType.CertificateHostMismatch, reason, detail);
    }

    ImmutableArray<TlsFailure> ChainFailures(PeerChain peer, Oid purpose)
    {
        var bySystem = Build(peer, only: default, purpose);
        if (bySystem.IsEmpty || roots.Extra.IsEmpty)
        {
            return bySystem;
        }

        // What is wrong besides the anchor is told by the attempt that reached one.
        var byExtra = Build(peer, roots.Extra, purpose);
        return byExtra.Any(IsUnanchored) && !bySystem.Any(IsUnanchored) ? bySystem : byExtra;
    }

    static bool IsUnanchored(TlsFailure failure) => failure.ReasonCode is UnknownIssuer or UntrustedRoot or SelfSigned;

    /// <param name="only">The roots that count; those of the system if not given.</param>
    ImmutableArray<TlsFailure> Build(PeerChain peer, ImmutableArray<X509Certificate2> only, Oid purpose)
    {
        var now = clock.GetUtcNow();
        using var chain = new X509Chain();
        chain.ChainPolicy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            TrustMode = only.IsDefault ? X509ChainTrustMode.System : X509ChainTrustMode.CustomRootTrust,
            VerificationTimeIgnored = false,
            VerificationTime = now.UtcDateTime,
        };
        chain.ChainPolicy.ApplicationPolicy.Add(purpose);
        foreach (var sent in peer.Sent.Take(MostCertificates))
        {
            chain.ChainPolicy.ExtraStore.Add(sent);
        }

        foreach (var root in only.IsDefault ? [] : only)
        {
            chain.ChainPolicy.CustomTrustStore.Add(root);
        }

        try
        {
            return chain.Build(peer.Leaf) ? [] : [.. Failures(chain, now).DistinctBy(failure => failure.ReasonCode)];
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    static IEnumerable<TlsFailure> Failures(X509Chain chain, DateTimeOffset now)
    {
        var depth = 0;
        foreach (var element in chain.ChainElements)
        {
            foreach (var status in element.ChainElementStatus)
            {
                yield return Failure(status, element.Certificate, isLeaf: depth == 0, isOnly: chain.ChainElements.Count == 1, now);
            }

            depth++;
        }

        if (chain.ChainElements.All(element => element.ChainElementStatus.Length == 0))
        {
            yield return new TlsFailure(TlsResultType.ValidationFailure, "no-chain", "no chain could be built");
        }
    }

    static TlsFailure Failure(X509ChainStatus status, X509Certificate2 certificate, bool isLeaf, bool isOnly, DateTimeOffset now)
    {
        var detail = $"{certificate.Subject}: {status.StatusInformation.Trim()}";
        return status.Status switch
        {
            X509ChainStatusFlags.NotTimeValid => new TlsFailure(
                TlsResultType.CertificateExpired,
                (isLeaf ? "" : "issuer-") + (now < certificate.NotBefore.ToUniversalTime() ? "not-yet-valid" : "expired"),
                $"{certificate.Subject}: from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}"),
            X509ChainStatusFlags.PartialChain => NotTrusted(UnknownIssuer),
            X509ChainStatusFlags.UntrustedRoot => NotTrusted(isOnly ? SelfSigned : UntrustedRoot),
            X509ChainStatusFlags.NotValidForUsage => NotTrusted("wrong-usage"),
            X509ChainStatusFlags.ExplicitDistrust => NotTrusted("distrusted"),
            X509ChainStatusFlags.NotSignatureValid => Invalid("bad-signature"),
            X509ChainStatusFlags.InvalidBasicConstraints => Invalid("bad-basic-constraints"),
            X509ChainStatusFlags.HasWeakSignature => Invalid("weak-signature"),
            _ => Invalid("invalid-chain"),
        };

        TlsFailure NotTrusted(string reason) => new(TlsResultType.CertificateNotTrusted, reason, detail);

        TlsFailure Invalid(string reason) => new(TlsResultType.ValidationFailure, reason, $"{detail} ({status.Status})");
    }

    static string List(ImmutableArray<string> names) => names.IsEmpty ? "no name" : string.Join(", ", names.Take(10));
}
