#pragma warning disable RS0030 // a server that does wrong what TlsUpgrade does right
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Audit.Tests;

/// <summary>What no program of today does, or none that is kept up to date.</summary>
static class BadServers
{
    public const string Hello = "250-mx.bad.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n";

    /// <summary>Says something else to EHLO than a server should, and to STARTTLS that there is none.</summary>
    public static ScriptedServer Saying(string hello) => ScriptedServer.Smtp("220 mx ESMTP\r\n", line => line[..4] switch
    {
        "EHLO" => hello,
        "HELO" => "250 mx\r\n",
        "STAR" => "454 4.7.0 TLS not available\r\n",
        _ => null,
    });

    /// <summary>Executes inside TLS what came behind STARTTLS (CVE-2011-0411), and offers STARTTLS there again.</summary>
    public static ScriptedServer KeepingCommands(X509Certificate2 certificate) => ScriptedServer.Start(async (stream, stop) =>
    {
        await ScriptedServer.SendAsync(stream, "220 mx\r\n", stop);
        await ScriptedServer.LineAsync(stream, stop);
        await ScriptedServer.SendAsync(stream, Hello, stop);
        var buffer = new byte[100];
        var kept = Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, stop)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1).ToArray();
        await ScriptedServer.SendAsync(stream, "220 go ahead\r\n", stop);
        await using var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop);
        foreach (var _ in kept)
        {
            await ScriptedServer.SendAsync(tls, "250 ok\r\n", stop);
        }

        while (await ScriptedServer.LineAsync(tls, stop) is { } line)
        {
            await ScriptedServer.SendAsync(tls, line.StartsWith("EHLO", StringComparison.Ordinal) ? Hello : "250 ok\r\n", stop);
        }
    });

    /// <summary>Self-signed, expired, with a short key, signed with SHA-1, for clients and for another name; certificate and key as a file
    /// for OpenSSL.</summary>
    public static string BadCertificate()
    {
#pragma warning disable CA5385 // that is what is wrong with it
        using var rsa = RSA.Create(1024);
#pragma warning restore CA5385
        var request = new CertificateRequest("CN=other.example", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(request.SubjectName, new Sha1(rsa), now.AddDays(-20), now.AddDays(-10), [1, 2, 3, 4]);
        return $"{certificate.ExportCertificatePem()}\n{rsa.ExportPkcs8PrivateKeyPem()}\n";
    }

    /// <summary>The platform signs no certificate with it any more.</summary>
    sealed class Sha1(RSA rsa) : X509SignatureGenerator
    {
        /// <summary>sha1WithRSAEncryption (RFC 8017 §A.2.4).</summary>
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05, 0x05, 0x00];

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => rsa.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

        protected override PublicKey BuildPublicKey() => new(rsa);
    }

    /// <summary>Vouched for by nobody.</summary>
    public static X509Certificate2 SelfSigned(string name, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(days));
    }
}
