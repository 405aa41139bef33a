using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Policy;

/// <summary>Certification authorities believed besides those of the system. Loaded once, used by any thread.</summary>
public sealed class TrustedRoots
{
    TrustedRoots(ImmutableArray<X509Certificate2> extra, string description) => (Extra, Description) = (extra, description);

    /// <summary>The system's authorities only.</summary>
    public static TrustedRoots System { get; } = new([], "the system");

    public ImmutableArray<X509Certificate2> Extra { get; }

    /// <summary>Where they come from, for people: the names of their files.</summary>
    public string Description { get; }

    /// <param name="pemFiles">Each with one or more certificates.</param>
    /// <exception cref="InvalidDataException">A file cannot be read as PEM, or holds no certificate; the message names it.</exception>
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
            var pem = File.ReadAllText(file);
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
}
