using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Policy.Tests;

/// <summary>A certification authority of one test run.</summary>
public sealed class TestAuthority
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    static readonly ECCurve s_curve = ECCurve.NamedCurves.nistP256;

    readonly DateTimeOffset _from;
    readonly DateTimeOffset _to;

    TestAuthority(X509Certificate2 certificate, DateTimeOffset from, DateTimeOffset to) => (Certificate, _from, _to) = (certificate, from, to);

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public static TestAuthority Root(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(s_curve);
        return new TestAuthority(AuthorityRequest(name, key).CreateSelfSigned(from, to), from, to);
    }

    /// <param name="authority">False: its certificate does not say that it may issue any.</param>
    public TestAuthority Intermediate(string name, DateTimeOffset? to = null, bool authority = true)
    {
        using var key = ECDsa.Create(s_curve);
        using var issued = Issue(AuthorityRequest(name, key, authority), _from, to ?? _to);
        return new TestAuthority(issued.CopyWithPrivateKey(key), _from, _to);
    }

    /// <summary>Another certificate for the name and key of that authority, without the private key.</summary>
    public X509Certificate2 Cross(TestAuthority other)
    {
        var request = new CertificateRequest(other.Certificate.SubjectName, other.Certificate.PublicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return Issue(request, _from, _to);
    }

    public X509Certificate2 Leaf(
        IEnumerable<string> names, string? usage = ServerAuthentication, DateTimeOffset? from = null, DateTimeOffset? to = null, X509Extension? extra = null)
    {
        using var key = ECDsa.Create(s_curve);
        return Issue(LeafRequest(names, usage, key, extra), from ?? _from, to ?? _to);
    }

    /// <summary>With its private key, to be shown by a server.</summary>
    public X509Certificate2 ServerLeaf(string name, DateTimeOffset? from = null, DateTimeOffset? to = null)
    {
        using var key = ECDsa.Create(s_curve);
        using var issued = LeafRequest([name], ServerAuthentication, key, null)
            .Create(Certificate, from ?? _from, to ?? _to, RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }

    public static X509Certificate2 SelfSignedLeaf(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(s_curve);
        return LeafRequest([name], ServerAuthentication, key, null).CreateSelfSigned(from, to);
    }

    /// <summary>Also for a longer time than its own.</summary>
    X509Certificate2 Issue(CertificateRequest request, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = Certificate.GetECDsaPrivateKey()!;
        return request.Create(Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), from, to, RandomNumberGenerator.GetBytes(8));
    }

    static CertificateRequest AuthorityRequest(string name, ECDsa key, bool authority = true)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(authority ? X509KeyUsageFlags.KeyCertSign : X509KeyUsageFlags.DigitalSignature, true));
        return request;
    }

    static CertificateRequest LeafRequest(IEnumerable<string> names, string? usage, ECDsa key, X509Extension? extra)
    {
        // The common name is one that is asked for: it must never count.
        var request = new CertificateRequest("CN=mx.example.org", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        }

        if (extra is not null)
        {
            request.CertificateExtensions.Add(extra);
        }

        if (!names.Any())
        {
            return request;
        }

        var builder = new SubjectAlternativeNameBuilder();
        builder.AddEmailAddress("postmaster@example.org");
        foreach (var name in names)
        {
            builder.AddDnsName(name);
        }

        request.CertificateExtensions.Add(builder.Build());
        return request;
    }
}
