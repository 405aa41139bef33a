using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Policy;

/// <summary>Whether a certificate is for one of the names it may be for (RFC 9525 §6). Only dNSName entries count; the
/// subject's common name never does.</summary>
public static class CertificateNames
{
    const string WildcardPrefix = "*.";

    /// <summary>The dNSName entries, as they are in the certificate.</summary>
    /// <exception cref="CryptographicException">The extension is malformed.</exception>
    public static ImmutableArray<string> Presented(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return
        [
            .. certificate.Extensions
                .OfType<X509SubjectAlternativeNameExtension>()
                .SelectMany(extension => extension.EnumerateDnsNames())
        ];
    }

    /// <param name="reference">An A-label name; a leading <c>*.</c> stands for exactly one label.</param>
    /// <param name="presented">A dNSName; a leading <c>*.</c> stands for exactly one label (RFC 9525 §6.3) and needs at least
    /// two labels after it, so that no certificate is for a whole top-level domain.</param>
    public static bool Match(string reference, string presented)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(presented);
        if (!Ascii.IsValid(presented))
        {
            return false;
        }

        // "*.example.org" in the certificate also answers for the same words among the references.
        return (!presented.Contains('*', StringComparison.Ordinal) || IsWildcard(presented))
            && (reference.Equals(presented, StringComparison.OrdinalIgnoreCase)
                || (IsWildcard(presented) && OneLabelUnder(presented, reference))
                || (reference.StartsWith(WildcardPrefix, StringComparison.Ordinal) && OneLabelUnder(reference, presented)));
    }

    static bool IsWildcard(string presented) =>
        presented.StartsWith(WildcardPrefix, StringComparison.Ordinal)
        && presented.LastIndexOf('*') == 0
        && presented.AsSpan(WildcardPrefix.Length).Trim('.').Contains('.');

    static bool OneLabelUnder(string wildcard, string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0
            && !name.AsSpan(0, dot).Contains('*')
            && name.AsSpan(dot).Equals(wildcard.AsSpan(1), StringComparison.OrdinalIgnoreCase);
    }
}
