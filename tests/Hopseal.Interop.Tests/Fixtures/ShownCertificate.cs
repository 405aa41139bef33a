using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>What a server shows, and what can be published of it.</summary>
/// <param name="Leaf">With its key.</param>
/// <param name="Chain">Sent after it.</param>
sealed record ShownCertificate(X509Certificate2 Leaf, params X509Certificate2[] Chain)
{
    static readonly DateTimeOffset s_now = TimeProvider.System.GetUtcNow();
    static readonly DateTimeOffset s_start = s_now.AddYears(-3);

    /// <summary>A root that nobody knows or sends: .NET servers leave out a certificate that is its own issuer.</summary>
    static readonly X509Certificate2 s_hidden = SelfSigned("Hidden root", authority: true, s_now.AddYears(1));

    /// <summary>Its own issuer.</summary>
    public static ShownCertificate Of(string name, bool expired = false) =>
        new(SelfSigned(name, authority: false, expired ? s_now.AddYears(-1) : s_now.AddDays(1)));

    /// <summary>The first one of the chain.</summary>
    public static ShownCertificate Of(CertificatePaths files)
    {
        using var pem = X509Certificate2.CreateFromPemFile(files.Chain, files.Key);
        return new ShownCertificate(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null));
    }

    public static X509Certificate2 Authority(string name, X509Certificate2? issuer = null, bool expired = false) =>
        Issue(name, authority: true, issuer ?? s_hidden, expired ? s_now.AddDays(-1) : s_now.AddDays(2));

    /// <param name="chain">From the issuer up.</param>
    public static ShownCertificate Under(string name, X509Certificate2[] chain, bool expired = false) =>
        new(Issue(name, authority: false, chain[0], expired ? s_now.AddHours(-1) : s_now.AddDays(1)), chain);

    /// <summary>The data of a TLSA record (RFC 6698 §2.1).</summary>
    public static string Tlsa(int usage, int selector, int matching, X509Certificate2 certificate)
    {
        var whole = selector == 0 ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        var data = matching switch
        {
            0 => whole,
            1 => SHA256.HashData(whole),
            _ => SHA512.HashData(whole),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{usage} {selector} {matching} {Convert.ToHexStringLower(data)}");
    }

    public string Tlsa(int usage, int selector, int matching) => Tlsa(usage, selector, matching, Leaf);

    static X509Certificate2 SelfSigned(string name, bool authority, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Usable(Request(name, authority, key).CreateSelfSigned(s_start, to));
    }

    static X509Certificate2 Issue(string name, bool authority, X509Certificate2 issuer, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signing = issuer.GetECDsaPrivateKey()!;
        using var issued = Request(name, authority, key).Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(signing), s_start, to, RandomNumberGenerator.GetBytes(12));
        return Usable(issued.CopyWithPrivateKey(key));
    }

    static CertificateRequest Request(string name, bool authority, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        if (!authority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        }

        return request;
    }

    static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
        }
    }
}
