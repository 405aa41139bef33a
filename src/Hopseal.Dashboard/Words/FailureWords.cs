using Hopseal.Smtp.Tls;

namespace Hopseal.Dashboard.Words;

/// <summary>Why a hop was not as secure as it had to be, and what somebody can do about it.</summary>
/// <param name="What">In one sentence, for a person who does not know the standards.</param>
/// <param name="Do">The next step of an operator.</param>
sealed record FailureWords(string What, string Do)
{
    /// <param name="wire">As RFC 8460 §4.3 writes the type.</param>
    /// <returns>Null for any other word.</returns>
    public static FailureWords? Find(string? wire)
    {
        foreach (var type in Enum.GetValues<TlsResultType>())
        {
            if (type.ToWire() == wire)
            {
                return Of(type);
            }
        }

        return null;
    }

    public static FailureWords Of(TlsResultType type) => type switch
    {
        TlsResultType.StarttlsNotSupported => new(
            "The other server did not offer encryption, or somebody on the way took the offer out.",
            "If it offered encryption before, ask its postmaster by another way whether that changed. Mail waits until it is offered again. If it never will be, an exception with an end and an owner lets mail go."),
        TlsResultType.CertificateHostMismatch => new(
            "The other server's certificate is for another name than the one that was asked for.",
            "Tell its postmaster which name was expected; the details name both. Do not make an exception before you know that it is the right server."),
        TlsResultType.CertificateExpired => new(
            "The other server's certificate has expired, or is not valid yet.",
            "Tell its postmaster: renewing it mends this. Mail waits and goes by itself afterwards. If the clock of this machine is wrong, set it."),
        TlsResultType.CertificateNotTrusted => new(
            "The other server's certificate comes from an authority that is not trusted here.",
            "If it is a private authority that you know, name its file in Authorities of a rule for this destination. If not, ask its postmaster."),
        TlsResultType.ValidationFailure => new(
            "Encryption was begun and did not come about: the two servers have no version or cipher in common, or the connection broke.",
            "Look at the details. A server that only speaks TLS 1.0 or 1.1 has to be upgraded; a broken connection mends itself with the next attempt."),
        TlsResultType.TlsaInvalid => new(
            "The domain says by DANE which key its server has, and the server showed another one.",
            "Most often a certificate was renewed without its TLSA record. Tell the postmaster; until then mail waits, as DANE wants it to."),
        TlsResultType.DnssecInvalid => new(
            "The domain's DNSSEC signatures are not valid, so nothing it publishes can be believed.",
            "Check the domain with a DNSSEC analyser and tell its operator. If every domain fails, look at the resolver and the clock of this machine."),
        TlsResultType.DaneRequired => new(
            "DANE is demanded for this destination, and it has no usable TLSA record.",
            "Ask its operator to publish one, or change the rule that demands it."),
        TlsResultType.StsPolicyFetchError => new(
            "The domain announces an MTA-STS policy that cannot be fetched.",
            "Its web server for mta-sts has to answer. A policy that was fetched before goes on counting until it runs out."),
        TlsResultType.StsPolicyInvalid => new(
            "The domain's MTA-STS policy cannot be understood.",
            "Tell its postmaster what is wrong with the file; the details say it."),
        TlsResultType.StsWebpkiInvalid => new(
            "The web server that hands out the domain's MTA-STS policy has a certificate that is not valid.",
            "Tell its postmaster: until that is mended, the policy cannot be fetched anew."),
    };
}
