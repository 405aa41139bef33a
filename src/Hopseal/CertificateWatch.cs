using System.Globalization;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Looks at the certificate files, and tells the log what became of them.</summary>
sealed partial class CertificateWatch(ServerCertificates certificates, ClientCertificates shown, ILogger<CertificateWatch> log)
{
    /// <summary>What was found when they were loaded.</summary>
    public void TellStart() => Tell([.. certificates.AtStart, .. shown.AtStart]);

    public void Look() => Tell([.. certificates.Reload(), .. shown.Reload()]);

    void Tell(IEnumerable<CertificateReload> changes)
    {
        foreach (var change in changes)
        {
            switch (change)
            {
                case CertificateReload.Loaded loaded:
                    Tell(loaded);
                    break;
                case CertificateReload.Kept kept:
                    LogBroken(kept.Files.Chain, kept.Why);
                    break;
            }
        }
    }

    void Tell(CertificateReload.Loaded loaded)
    {
        var names = string.Join(", ", loaded.Certificate.Names);
        LogLoaded(loaded.Files.Chain, names, DateOnly.FromDateTime(loaded.Certificate.NotAfter.UtcDateTime).ToString("O", CultureInfo.InvariantCulture));
        if (loaded.Warning is { } warning)
        {
            LogDoubtful(loaded.Files.Chain, warning);
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Certificate {File} for {Names} is in use; valid until {Until}")]
    partial void LogLoaded(string file, string names, string until);

    [LoggerMessage(2002, LogLevel.Warning, "Certificate {File} is in use, but the other side may refuse it: {Warning}")]
    partial void LogDoubtful(string file, string warning);

    [LoggerMessage(2003, LogLevel.Error, "Certificate {File} cannot be used: {Why}; what was loaded before, if anything, stays in use")]
    partial void LogBroken(string file, string why);
}
