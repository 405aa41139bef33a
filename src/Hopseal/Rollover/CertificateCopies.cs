using System.Security.Cryptography;
using System.Text;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Rollover;

/// <summary>Copies of certificates that senders verify by TLSA records, with their keys: whoever renews a certificate replaces the old key,
/// and a restart in that moment must not lose it while the old TLSA records are out. One file for each entry of <c>Certificates</c>, in a
/// directory that only the gateway reads; removed when nothing verifies by TLSA any more.</summary>
sealed partial class CertificateCopies(string directory, ILogger<CertificateCopies> log)
{
    const int NameLength = 16;
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly Lock _keeping = new();
    readonly Dictionary<string, string> _written = new(StringComparer.Ordinal);
    bool _failing;

    /// <summary>The copy of what was last shown for these files, chain and key in one; null when there is none.</summary>
    public CertificateFiles? Find(CertificateFiles files)
    {
        var path = PathOf(files);
        return File.Exists(path) ? new CertificateFiles(path, path) : null;
    }

    /// <summary>Writes what is new, and removes what is of no use any more. A fault is told once, until it is over.</summary>
    /// <param name="worth">Whether a certificate is worth a copy; null: not known, so that a copy is left as it is.</param>
    public void Keep(ServerCertificates certificates, Func<ServerCertificate, bool?> worth)
    {
        using var alone = _keeping.EnterScope();
        try
        {
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var (files, certificate) in certificates.InUse)
            {
                var path = PathOf(files);
                var isWorth = worth(certificate);
                if (isWorth == true && certificate.Pem is { } pem && !IsWritten(path, pem))
                {
                    Write(path, pem);
                }

                if (isWorth != false)
                {
                    known.Add(path);
                }
            }

            RemoveAllBut(known);
            _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
            {
                LogFault(directory, e);
            }

            _failing = true;
        }
    }

    void RemoveAllBut(HashSet<string> known)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        // Only what has a name of ours: somebody may have put other files there.
        foreach (var path in Directory.EnumerateFiles(directory, "*.pem").Where(path => IsCopy(path) && !known.Contains(path)))
        {
            File.Delete(path);
            _written.Remove(path);
        }
    }

    bool IsWritten(string path, string pem)
    {
        if (!_written.TryGetValue(path, out var written) && File.Exists(path))
        {
            _written[path] = written = File.ReadAllText(path);
        }

        return written == pem;
    }

    void Write(string path, string pem)
    {
        var candidate = path + ".new";
        Directory.CreateDirectory(directory);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(directory, OwnerOnly | UnixFileMode.UserExecute);
        }

        File.Delete(candidate);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(candidate, options))
        {
            file.Write(Encoding.ASCII.GetBytes(pem));
            file.Flush(flushToDisk: true);
        }

        File.Move(candidate, path, overwrite: true);
        _written[path] = pem;
    }

    static bool IsCopy(string path) => Path.GetFileNameWithoutExtension(path) is { Length: NameLength } name && name.All(char.IsAsciiHexDigitLower);

    // The same entry of the configuration has the same copy, wherever it stands in the list.
    string PathOf(CertificateFiles files) =>
        Path.Combine(directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(files.Chain)))[..NameLength] + ".pem");

    [LoggerMessage(2006, LogLevel.Warning, "The certificate in use cannot be copied to {Directory}: after a restart only what the files hold then can be shown")]
    partial void LogFault(string directory, Exception e);
}
