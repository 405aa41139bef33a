using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary>Certificates that no decent authority issues.</summary>
static class CertificateTricks
{
    public static X509Certificate2 IssueWithExtensions(LocalAuthority authority, string? name, params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=tricks", key, HashAlgorithmName.SHA256);
        if (name is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
        }

        foreach (var extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        var issuer = authority.Certificate;
        using var certificate = request.Create(issuer, issuer.NotBefore, issuer.NotAfter, [1, 2, 3, 4]);
        return certificate.CopyWithPrivateKey(key);
    }

    public static X509Extension AuthorityInformationAccess(string url) =>
        new X509AuthorityInformationAccessExtension([url], [url], critical: false);

    public static X509Extension CrlDistributionPoint(string url) => CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([url]);

    /// <summary>RSA with a key of the given size, self-signed.</summary>
    public static X509Certificate2 SelfSignedRsa(int bits)
    {
#pragma warning disable CA5385 // small keys are what is tested
        using var key = RSA.Create(bits);
#pragma warning restore CA5385
        var request = new CertificateRequest("CN=mx.test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>An empty DER SEQUENCE, for extensions.</summary>
    public static byte[] EmptySequence()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
        }

        return writer.Encode();
    }
}
