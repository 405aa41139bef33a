using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Changes;

/// <summary>TLSA records as facts have them, held against certificates as facts have them: by the digests that both hold.</summary>
static class TlsaText
{
    /// <summary>Whether one of the records matches; null where that cannot be told from facts.</summary>
    public static bool? AnyMatches(ImmutableArray<string> records, ImmutableArray<CertificateFacts> chain)
    {
        bool?[] each = [.. records.Select(record => Matches(record, chain))];
        return each.Contains(true) ? true : each.Contains(null) ? null : false;
    }

    /// <param name="record">In presentation format (RFC 6698 §2.2).</param>
    static bool? Matches(string record, ImmutableArray<CertificateFacts> chain) => record.Split(' ') switch
    {
        ["3", "1", "1", var digest] => !chain.IsEmpty && Same(chain[0].KeyFingerprint, digest),
        ["3", "0", "1", var digest] => !chain.IsEmpty && Same(chain[0].Fingerprint, digest),

        // An authority may stand for the chain without being sent in it.
        ["2", "1", "1", var digest] => chain.Any(certificate => Same(certificate.KeyFingerprint, digest)) ? true : null,
        ["2", "0", "1", var digest] => chain.Any(certificate => Same(certificate.Fingerprint, digest)) ? true : null,
        _ => null,
    };

    static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
