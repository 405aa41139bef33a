using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary>Demands and verifiers for tests.</summary>
static class Demands
{
    public static readonly TlsFailure NotTrusted = new(TlsResultType.CertificateNotTrusted, "test-not-trusted");

    /// <summary>Encrypted is enough; nobody is verified.</summary>
    public static TlsDemand Any(string serverName = "mx.test", TlsStart start = TlsStart.StartTls) =>
        new(SecurityFloor.Plaintext, serverName, _ => new PeerVerdict(PeerIdentity.Unauthenticated, [NotTrusted]), start);

    /// <summary>PKIX against one root, by the runtime: what a policy would do, in short.</summary>
    public static TlsDemand Pkix(LocalAuthority root, SecurityFloor floor, string serverName = "mx.test", TlsStart start = TlsStart.StartTls) =>
        new(floor, serverName, peer => Verify(root, peer, serverName), start);

    static PeerVerdict Verify(LocalAuthority root, PeerChain peer, string serverName)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root.Certificate);
        chain.ChainPolicy.ExtraStore.AddRange(peer.Sent.ToArray());
        var failures = new List<TlsFailure>();
        if (!chain.Build(peer.Leaf))
        {
            var expired = chain.ChainStatus.Any(status => status.Status.HasFlag(X509ChainStatusFlags.NotTimeValid));
            failures.Add(expired ? new TlsFailure(TlsResultType.CertificateExpired, "expired") : NotTrusted);
        }

        if (!peer.Leaf.MatchesHostname(serverName, allowWildcards: true, allowCommonName: false))
        {
            failures.Add(new TlsFailure(TlsResultType.CertificateHostMismatch, "name-mismatch"));
        }

        return new PeerVerdict(failures.Count == 0 ? PeerIdentity.Pkix : PeerIdentity.Unauthenticated, [.. failures]);
    }
}
