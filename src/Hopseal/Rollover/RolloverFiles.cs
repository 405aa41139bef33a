namespace Hopseal.Rollover;

/// <summary>What the rollover of certificates keeps under <c>DataDirectory</c>.</summary>
static class RolloverFiles
{
    /// <summary>A <see cref="TlsaHistoryFile"/>.</summary>
    public static string History(string dataDirectory) => Path.Combine(dataDirectory, "tlsa-seen");

    /// <summary>Of <see cref="CertificateCopies"/>.</summary>
    public static string Copies(string dataDirectory) => Path.Combine(dataDirectory, "shown-certificates");
}
