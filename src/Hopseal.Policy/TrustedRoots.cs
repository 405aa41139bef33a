using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Policy;

/// <summary>Certification authorities believed besides those of the system. Loaded once, used by any thread.</summary>
public sealed class TrustedRoots
{
    const int MaxFileOctets = 4 * 1024 * 1024; // All that a browser trusts is a quarter of a megabyte.

    TrustedRoots(ImmutableArray<X509Certificate2> extra, string description) => (Extra, Description) = (extra, description);

    /// <summary>The system's authorities only.</summary>
    public static TrustedRoots System { get; } = new([], "the system");

    public ImmutableArray<X509Certificate2> Extra { get; }

    /// <summary>Where they come from, for people: the names of their files.</summary>
    public string Description { get; }

    /// <param name="pemFiles">Each with one or more certificates.</param>
    /// <exception cref="InvalidDataException">A file cannot be read as PEM, holds no certificate, or is larger than 4 MiB; the message names
    /// it.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static TrustedRoots Load(IEnumerable<string> pemFiles)
    {
        ArgumentNullException.ThrowIfNull(pemFiles);
        var certificates = new X509Certificate2Collection();
        var files = pemFiles.ToArray();
        foreach (var file in files)
        {
            var before = certificates.Count;
            var pem = Read(file);
            try
            {
                certificates.ImportFromPem(pem);
            }
            catch (CryptographicException e)
            {
                throw new InvalidDataException($"{file} holds a certificate that cannot be read: {e.Message}", e);
            }

            if (certificates.Count == before)
            {
                throw new InvalidDataException($"{file} holds no certificate");
            }
        }

        return new TrustedRoots([.. certificates], string.Join(", ", files.Select(Path.GetFileName)));
    }

    public static TrustedRoots Of(params IEnumerable<X509Certificate2> extra) => new([.. extra], "memory");

    /// <summary>By what can be read and not by what the file says of its length: a device says nothing.</summary>
    static string Read(string path)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[Math.Clamp(file.Length, 0, MaxFileOctets) + 1];
        var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length < buffer.Length
            ? Encoding.ASCII.GetString(buffer.AsSpan(0, length))
            : throw new InvalidDataException($"{path} is larger than {MaxFileOctets} octets, or is being written to");
    }
}
