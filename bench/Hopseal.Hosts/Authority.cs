using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Hosts;

/// <summary>Signs a certificate for each name that is asked for, and keeps it.</summary>
sealed class Authority
{
    readonly ConcurrentDictionary<string, SslStreamCertificateContext> _issued = new(StringComparer.Ordinal);
    readonly X509Certificate2 _root;

    // One for all: what making one costs is not what is measured.
    readonly RSA _rsa = RSA.Create(2048);
    readonly DateTimeOffset _from = DateTimeOffset.UtcNow.AddDays(-1);

    public Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Simulated world", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(_from, _from.AddDays(30));
    }

    public string RootPem => _root.ExportCertificatePem() + "\n";

    public SslStreamCertificateContext For(string name) => _issued.GetOrAdd(name, Issue);

    /// <summary>For a TLSA record 3 1 1.</summary>
    public byte[] KeyDigestOf(string name) => SHA256.HashData(For(name).TargetCertificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>RSA for most, ECDSA for every third.</summary>
    SslStreamCertificateContext Issue(string name)
    {
        using var ecdsa = name.Sum(character => character) % 3 == 0 ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : null;
        var request = ecdsa is null
            ? new CertificateRequest($"CN={name}", _rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", ecdsa, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_root, true, false));
        using var bare = request.Create(
            _root.SubjectName, X509SignatureGenerator.CreateForECDsa(_root.GetECDsaPrivateKey()!), _from, _from.AddDays(29), RandomNumberGenerator.GetBytes(12));
        using var whole = ecdsa is null ? bare.CopyWithPrivateKey(_rsa) : bare.CopyWithPrivateKey(ecdsa);
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null), null, offline: true);
    }
}
