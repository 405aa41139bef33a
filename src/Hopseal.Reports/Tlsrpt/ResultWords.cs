using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>A result type (RFC 8460 §4.3) in plain words, to whoever runs the servers that were reported on.</summary>
/// <param name="Meaning">What the sender met.</param>
/// <param name="ToDo">What to look at first.</param>
public sealed record ResultWords(string Meaning, string ToDo)
{
    /// <param name="domain">The policy domain, where it is known.</param>
    public static ResultWords Of(ReportedName<TlsResultType> type, string? domain) => type.Known is { } known ? Of(known, domain ?? "DOMAIN") : new ResultWords(
        "The sender names a result that RFC 8460 does not list.",
        "Ask the reporter what it means; the reason and the contact of the report may help.");

    /// <summary>No default arm: a new member does not compile until it has words.</summary>
    static ResultWords Of(TlsResultType type, string domain) => type switch
    {
        TlsResultType.StarttlsNotSupported => new(
            "The server did not offer STARTTLS, or refused it.",
            "Connect to it on port 25 and look for STARTTLS after EHLO. If it is there, something between the sender and it removes it: a firewall that inspects mail, or an attacker."),
        TlsResultType.CertificateHostMismatch => new(
            "The certificate is for another name than that of the MX host.",
            "Get a certificate that has the name of the MX record among its names, and see that the server shows it for that name (SNI)."),
        TlsResultType.CertificateExpired => new(
            "The certificate has expired, or is not valid yet.",
            "Renew it, make the server load the new one, and see that every address of the host shows it. Then find out why it was not renewed by itself."),
        TlsResultType.CertificateNotTrusted => new(
            "The certificate does not lead to an authority that the sender trusts.",
            "Send the intermediate certificates along with it; a self-signed one does not do for MTA-STS."),
        TlsResultType.ValidationFailure => new(
            "TLS failed in a way that has no name of its own.",
            "Look at the reason, and at the server's log for that time and address: versions and ciphers, a host that the policy does not name, or a handshake that broke off."),
        TlsResultType.TlsaInvalid => new(
            "No TLSA record of the host matches the certificate that it shows.",
            "Mail from senders with DANE stops here. Publish the TLSA record of the certificate in use, or go back to the certificate before; announce the next key before you use it."),
        TlsResultType.DnssecInvalid => new(
            "The DNSSEC answers for the host could not be validated.",
            "Mail from senders with DANE stops here. Look for expired signatures, a DS record that does not fit, and name servers that fail on TLSA questions."),
        TlsResultType.DaneRequired => new(
            "The sender demands DANE, and the host has no validated TLSA records.",
            "Sign the zones of the domain and of the host, and publish TLSA records; or agree with the sender on something else."),
        TlsResultType.StsPolicyFetchError => new(
            "The MTA-STS policy could not be fetched.",
            $"Fetch https://mta-sts.{domain}/.well-known/mta-sts.txt from outside: it must answer with 200 and text/plain, without a redirect."),
        TlsResultType.StsPolicyInvalid => new(
            "The MTA-STS policy was fetched, and cannot be used.",
            "Look for its version, mode, mx and max_age lines, each as name: value."),
        TlsResultType.StsWebpkiInvalid => new(
            "The certificate of the host with the MTA-STS policy is not valid.",
            $"Renew the certificate of mta-sts.{domain}; it must be for that name, and from a public authority."),
    };
}
