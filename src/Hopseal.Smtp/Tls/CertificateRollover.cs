using Hopseal.Dns;

namespace Hopseal.Smtp.Tls;

/// <summary>Lets a renewed certificate wait, and lets what is shown in the meantime outlive a restart. What it waits for is known only to
/// whoever makes one of these.</summary>
public sealed record CertificateRollover
{
    /// <summary>Files with the certificate that was shown before the restart; null when none was kept. Asked once for each pair.</summary>
    public required Func<CertificateFiles, CertificateFiles?> ShownBefore { get; init; }

    /// <summary>Why the new certificate must not be shown yet, in words that stay the same for as long as the reason does; null: it may. Asked
    /// at each look. Must not ask <see cref="ServerCertificates"/> in turn.</summary>
    public required Func<CertificateChange, string?> WhyNotYet { get; init; }
}

/// <summary>A certificate that is shown, and the one that its files hold now.</summary>
/// <param name="Restored">It is shown from a copy made before a restart.</param>
/// <param name="IsShownFor">Whether <paramref name="Shown"/> is what a client gets who asks for this name.</param>
public sealed record CertificateChange(
    CertificateFiles Files, ServerCertificate Shown, ServerCertificate Candidate, bool Restored, Func<DomainName, bool> IsShownFor);
