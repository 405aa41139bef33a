using Hopseal.Configuration;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Rollover;

/// <summary>Which certificates a gateway shows, worked out from its files by another process.</summary>
/// <param name="Fault">Why what it remembers could not be read; null when it could, or when there is nothing.</param>
sealed record RolloverState(OwnTlsa Tlsa, ServerCertificates Certificates, string? Fault)
{
    public static RolloverState Load(GatewayConfiguration configuration, TlsaAcceptance acceptance, TimeProvider clock)
    {
        var tlsa = new OwnTlsa(configuration.MxNames, acceptance, clock);
        string? fault = null;
        try
        {
            // What may not be listed looks as if it were empty.
            if (Directory.Exists(configuration.DataDirectory))
            {
                _ = Directory.EnumerateFileSystemEntries(configuration.DataDirectory).Any();
            }

            foreach (var published in new TlsaHistoryFile(RolloverFiles.History(configuration.DataDirectory)).Load())
            {
                tlsa.Set(published);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
        }

        var copies = new CertificateCopies(RolloverFiles.Copies(configuration.DataDirectory), NullLogger<CertificateCopies>.Instance);
        var certificates = ServerCertificates.Load(configuration.Certificates, clock, tlsa.Rollover(copies.Find, (_, _) => { }));
        return new RolloverState(tlsa, certificates, fault);
    }
}
