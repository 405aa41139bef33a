using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Looks at the certificate files, and tells the log what became of them.</summary>
sealed partial class CertificateWatch(ServerCertificates certificates, ClientCertificates shown, ILogger<CertificateWatch> log)
{
    ImmutableDictionary<CertificateFiles, CertificateReload.Waiting> _waiting = ImmutableDictionary<CertificateFiles, CertificateReload.Waiting>.Empty;

    /// <summary>New certificates that are not shown yet.</summary>
    public ImmutableArray<CertificateReload.Waiting> Waiting => [.. Volatile.Read(ref _waiting).Values];

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
                    ImmutableInterlocked.TryRemove(ref _waiting, loaded.Files, out _);
                    Tell(loaded);
                    break;
                case CertificateReload.Kept kept:
                    LogBroken(kept.Files.Chain, kept.Why);
                    break;
                case CertificateReload.Waiting waiting:
                    ImmutableInterlocked.Update(ref _waiting, known => known.SetItem(waiting.Files, waiting));
                    LogWaiting(waiting.Files.Chain, waiting.Why, Day(waiting.Shown.Description.NotAfter));
                    break;
            }
        }
    }

    void Tell(CertificateReload.Loaded loaded)
    {
        var names = string.Join(", ", loaded.Certificate.Names);
        LogLoaded(loaded.Files.Chain, names, Day(loaded.Certificate.NotAfter));
        if (loaded.Warning is { } warning)
        {
            LogDoubtful(loaded.Files.Chain, warning);
        }
    }

    static string Day(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime).ToString("O", CultureInfo.InvariantCulture);

    [LoggerMessage(2001, LogLevel.Information, "Certificate {File} for {Names} is in use; valid until {Until}")]
    partial void LogLoaded(string file, string names, string until);

    [LoggerMessage(2002, LogLevel.Warning, "Certificate {File} is in use, but the other side may refuse it: {Warning}")]
    partial void LogDoubtful(string file, string warning);

    [LoggerMessage(2003, LogLevel.Error, "Certificate {File} cannot be used: {Why}; what was loaded before, if anything, stays in use")]
    partial void LogBroken(string file, string why);

    [LoggerMessage(2004, LogLevel.Warning,
        "Certificate {File} is new and waits: {Why}; the one before stays in use, at most until it expires on {Until}. `hopseal dns` shows what to publish")]
    partial void LogWaiting(string file, string why, string until);
}
