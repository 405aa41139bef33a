using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Rollover;

/// <summary>The private key of the certificate after the one in use, in a file: made ahead, so that its TLSA record is out long before a
/// certificate is on it.</summary>
abstract record NextKey
{
    const int MaxOctets = 64 * 1024;

    NextKey()
    {
    }

    public sealed record Missing : NextKey;

    /// <summary>It is there, and not for us to read.</summary>
    public sealed record Forbidden(string Why) : NextKey;

    public sealed record Broken(string Why) : NextKey;

    public sealed record Usable(AsymmetricAlgorithm Key, PublicKey PublicKey, bool ReadByEverybody) : NextKey
    {
        /// <summary>A request for a certificate on it (RFC 2986), in PEM. The names are in its subjectAltName only.</summary>
        public string Request(IEnumerable<string> dnsNames)
        {
            var subject = new X500DistinguishedName("");
            var request = Key switch
            {
                ECDsa curve => new CertificateRequest(subject, curve, HashAlgorithmName.SHA256),
                RSA rsa => new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                _ => throw new InvalidOperationException($"no request can be signed with {Key.GetType().Name}"),
            };
            var names = new SubjectAlternativeNameBuilder();
            foreach (var name in dnsNames)
            {
                names.AddDnsName(name);
            }

            request.CertificateExtensions.Add(names.Build());
            return request.CreateSigningRequestPem();
        }
    }

    /// <summary>Makes a key (ECDSA P-256) that only its owner reads.</summary>
    /// <exception cref="IOException">The file exists, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be written.</exception>
    public static void Create(string path)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        file.Flush(flushToDisk: true);
    }

    public static NextKey Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var buffer = new byte[MaxOctets + 1];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > MaxOctets)
            {
                return new Broken($"{path} is larger than {MaxOctets} octets");
            }

            var everybody = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0;
            return (NextKey?)Parse(Encoding.ASCII.GetString(buffer.AsSpan(0, length)), everybody) ?? new Broken(
                $"{path} holds no private key (ECDSA or RSA) in PEM form without passphrase");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Missing();
        }
        catch (UnauthorizedAccessException e)
        {
            return Directory.Exists(path) ? new Broken($"{path} is a directory") : new Forbidden(e.Message);
        }
        catch (IOException e)
        {
            return new Broken(e.Message);
        }
    }

    static Usable? Parse(string pem, bool everybody)
    {
        AsymmetricAlgorithm[] kinds = [ECDsa.Create(), RSA.Create()];
        foreach (var kind in kinds)
        {
            try
            {
                kind.ImportFromPem(pem);

                // Only a private key signs; a public one is imported, too.
                _ = kind.ExportPkcs8PrivateKey();
                return new Usable(kind, new PublicKey(kind), everybody);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // Not of this kind; perhaps of the other.
            }
        }

        return null;
    }
}
