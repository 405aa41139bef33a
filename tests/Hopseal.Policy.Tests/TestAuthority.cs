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

    public TestAuthority Intermediate(string name, DateTimeOffset? to = null)
    {
        using var key = ECDsa.Create(s_curve);
        using var issued = AuthorityRequest(name, key).Create(Certificate, _from, to ?? _to, RandomNumberGenerator.GetBytes(8));
        return new TestAuthority(issued.CopyWithPrivateKey(key), _from, _to);
    }

    public X509Certificate2 Leaf(
        IEnumerable<string> names, string? usage = ServerAuthentication, DateTimeOffset? from = null, DateTimeOffset? to = null, X509Extension? extra = null)
    {
        using var key = ECDsa.Create(s_curve);
        return LeafRequest(names, usage, key, extra).Create(Certificate, from ?? _from, to ?? _to, RandomNumberGenerator.GetBytes(8));
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

    static CertificateRequest AuthorityRequest(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
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
