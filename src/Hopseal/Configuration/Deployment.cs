using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The checks that look beyond the text: the files and directories that it names.</summary>
static class Deployment
{
    static readonly TimeSpan s_soon = TimeSpan.FromDays(14);

    /// <summary>The files load, the key belongs to the certificate; a certificate that clients will not like is a warning.</summary>
    public static void CheckCertificate(CertificateSetting certificate, DomainName? hostname, TimeProvider clock)
    {
        var setting = certificate.Setting;
        switch (ServerCertificates.Load([certificate.Files], clock).AtStart)
        {
            case [CertificateReload.Kept kept]:
                setting.Error($"cannot be used: {kept.Why}");
                break;
            case [CertificateReload.Loaded { Warning: { } warning }]:
                setting.Warn(warning);
                break;
            case [CertificateReload.Loaded { Certificate: var leaf }]:
                if (leaf.NotAfter < clock.GetUtcNow() + s_soon)
                {
                    setting.Warn($"expires on {leaf.NotAfter:yyyy-MM-dd}");
                }

                if (hostname is not null && !leaf.Names.Any(name => CertificateNames.Match(hostname.Ascii, name)))
                {
                    setting.Warn($"is not for {hostname} but for {string.Join(", ", leaf.Names)}");
                }

                break;
        }
    }

    /// <summary>The gateway itself needs the next key for nothing: only what cannot be right is an error.</summary>
    public static void CheckNextKey(CertificateSetting certificate)
    {
        if (certificate is not { NextKey: { } setting, Files.NextKey: { } path })
        {
            return;
        }

        switch (NextKey.Read(path))
        {
            case NextKey.Missing:
                setting.Warn($"{path} does not exist; `hopseal certificate next-key` makes it");
                break;
            case NextKey.Broken broken:
                setting.Error(broken.Why);
                break;
            case NextKey.Usable usable when path == certificate.Files.Key || IsKeyOf(usable, certificate.Files):
                setting.Warn("is the key of the certificate in use, and no next one; move it away, and `hopseal certificate next-key` makes another");
                break;
            case NextKey.Usable { ReadByEverybody: true }:
                setting.Warn($"{path} can be read by everybody on this machine");
                break;
            case NextKey.Usable or NextKey.Forbidden:
                break;
        }
    }

    /// <summary>The same for a certificate that we show as a client.</summary>
    public static void CheckClientCertificate(Setting setting, CertificateFiles files, TimeProvider clock)
    {
        switch (ClientCertificates.Load([files], clock).AtStart)
        {
            case [CertificateReload.Kept kept]:
                setting.Error($"cannot be used: {kept.Why}");
                break;
            case [CertificateReload.Loaded { Warning: { } warning }]:
                setting.Warn(warning);
                break;
            case [CertificateReload.Loaded { Certificate: var leaf }] when leaf.NotAfter < clock.GetUtcNow() + s_soon:
                setting.Warn($"expires on {leaf.NotAfter:yyyy-MM-dd}");
                break;
        }
    }

    static bool IsKeyOf(NextKey.Usable next, CertificateFiles files) =>
        ServerCertificates.Load([files]).InUse is [var (_, certificate)] && OwnKey.Of(certificate.Sent[0]) == OwnKey.Of(next.PublicKey);

    /// <returns>The absolute path; null with a fault when no certificate loads from it.</returns>
    public static string? CheckRoots(Setting setting, string directory)
    {
        if (setting.Path(directory) is not { } path)
        {
            return null;
        }

        try
        {
            TrustedRoots.Load([path]);
            return path;
        }
        catch (FileNotFoundException)
        {
            setting.Error($"{path} does not exist");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            setting.Error(e.Message);
        }

        return null;
    }

    public static void CheckDataDirectory(Setting setting, string path)
    {
        if (ControlSocket.Refuse(path) is { } why)
        {
            setting.Error(why);
        }
        else if (File.Exists(path))
        {
            setting.Error($"{path} is a file");
        }
        else if (!Directory.Exists(path))
        {
            setting.Warn($"{path} does not exist; it will be made when the gateway starts");
        }
        else if (!IsWritable(path))
        {
            setting.Error($"{path} cannot be written by {Environment.UserName}");
        }
    }

    /// <summary>The first line of the file: editors end it with a line break that is no part of the password.</summary>
    public static string? ReadPassword(Setting setting, string directory)
    {
        const int MostOctets = 1024;
        if (setting.Path(directory) is not { } path)
        {
            return null;
        }

        try
        {
            var password = ReadSecret(path, MostOctets);
            if (password.Length is 0 or > MostOctets)
            {
                setting.Error($"{path} does not hold a password of 1 to {MostOctets} characters in its first line");
                return null;
            }

            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0)
            {
                setting.Warn($"{path} can be read by everybody on this machine");
            }

            return password;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            setting.Error(e is FileNotFoundException or DirectoryNotFoundException
                ? $"{path} does not exist"
                : $"{path} cannot be read: {e.Message}");
            return null;
        }
    }

    /// <summary>The first line of a small file.</summary>
    public static string ReadSecret(string path, int mostOctets)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[mostOctets + 2];
        var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var text = System.Text.Encoding.UTF8.GetString(buffer.AsSpan(0, length));
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? text : text[..end];
    }

    static bool IsWritable(string directory)
    {
        var probe = Path.Combine(directory, $".hopseal-{Guid.NewGuid():n}");
        try
        {
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
                return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
