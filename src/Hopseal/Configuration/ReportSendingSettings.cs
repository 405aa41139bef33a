using System.Collections.Immutable;
using System.Security.Cryptography;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Mail;
using MimeKit.Cryptography;

namespace Hopseal.Configuration;

/// <summary>The section <c>TlsReports.Send</c>: what we report to others about TLS with their mail servers.</summary>
/// <param name="Options">Null: nothing is counted, and nothing is reported.</param>
/// <param name="Dkim">Null: no report goes by mail.</param>
sealed record ReportSendingSettings(SendingOptions? Options, ReportDkim? Dkim)
{
    const int MostExceptions = 1000;

    public static ReportSendingSettings None { get; } = new(null, null);

    public static ReportSendingSettings Read(Section root, DomainName? hostname, string directory)
    {
        var setting = root.Find("Send");
        if (setting?.Section() is not { } section)
        {
            return None;
        }

        var enabled = section.Find("Enabled")?.Flag() ?? true;
        var organization = section.Require("Organization")?.Text();
        var contactSetting = section.Require("Contact");
        var contact = contactSetting is null ? null : ReadContact(contactSetting);
        var dkimSetting = section.Find("Dkim");
        var dkim = dkimSetting?.Section() is { } key && contact?.Domain is { } domain ? ReportDkim.Read(key, domain, directory) : null;
        var (except, below) = section.Find("Except") is { } list ? ReadExceptions(list) : ([], []);
        var dryRun = section.Find("DryRun")?.Flag() ?? false;
        var spread = section.Find("SpreadHours")?.Whole(0, 12);
        var days = section.Find("Days")?.Whole(1, 3650);
        section.Close();
        if (dkimSetting is null)
        {
            setting!.Warn("without Dkim no report goes by mail, which is where most domains want them");
        }

        if (!enabled || organization is null || contact is null || hostname is null)
        {
            return None with { Dkim = dkim };
        }

        var options = new SendingOptions
        {
            Organization = organization,
            Contact = contact,
            Signer = dkim?.Signer,
            Hostname = hostname.Ascii,
            Except = except,
            ExceptBelow = below,
            DryRun = dryRun,
        };
        return new ReportSendingSettings(
            options with { Spread = spread is { } hours ? TimeSpan.FromHours(hours) : options.Spread, Days = days ?? options.Days }, dkim);
    }

    static Mailbox? ReadContact(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        // What may stand in a mailto is plain enough for a header field, too.
        if (ReportTarget.TryParse($"mailto:{text}", out var target, out _)
            && target is ReportTarget.Mail { Address: var address }
            && text.Equals(address.ToString(), StringComparison.OrdinalIgnoreCase)
            && address.Domain is not null)
        {
            return address;
        }

        setting.Error($"{Shown.Text(text)} is not a mail address, such as tls-reports@example.org");
        return null;
    }

    static (ImmutableArray<DomainName> Except, ImmutableArray<DomainName> Below) ReadExceptions(Setting list)
    {
        const string Below = "*.";
        if (list.Node is ConfigNode.List { Items.Length: > MostExceptions })
        {
            list.Error($"has more than {MostExceptions} domains");
            return ([], []);
        }

        var (except, below) = (ImmutableArray.CreateBuilder<DomainName>(), ImmutableArray.CreateBuilder<DomainName>());
        foreach (var item in list.Items())
        {
            if (item.Text() is not { } text)
            {
                continue;
            }

            var isBelow = text.StartsWith(Below, StringComparison.Ordinal);
            if (DomainName.TryParse(isBelow ? text.AsSpan(Below.Length) : text, out var domain))
            {
                (isBelow ? below : except).Add(domain);
            }
            else
            {
                item.Error($"{Shown.Text(text)} is neither a domain nor *. and a domain");
            }
        }

        return (except.ToImmutable(), below.ToImmutable());
    }
}

/// <summary>The section <c>TlsReports.Send.Dkim</c>: what signs reports by mail (RFC 8460 §3).</summary>
/// <param name="Owner">Of the TXT record that tells the key.</param>
/// <param name="Record">What it has to say.</param>
sealed record ReportDkim(DkimSigner Signer, DomainName Owner, string Record)
{
    const int MostOctets = 64 * 1024;
    const int LeastBits = 1024;
    const int GoodBits = 2048;

    /// <param name="domain">Of the contact: the signature must be its own.</param>
    public static ReportDkim? Read(Section section, DomainName domain, string directory)
    {
        var selectorSetting = section.Require("Selector");
        var selector = selectorSetting?.Text();
        var keySetting = section.Require("KeyFile");
        var path = keySetting?.Path(directory);
        section.Close();
        DomainName? owner = null;
        if (selector is not null && (!DomainName.TryParse(selector, out _) || !DomainName.TryParse($"{selector}._domainkey.{domain}", out owner)))
        {
            selectorSetting!.Error($"{Shown.Text(selector)} is not a selector, such as tlsrpt");
        }

        if (owner is null || path is null)
        {
            return null;
        }

        try
        {
            return Read(keySetting!, path, domain, selector!, owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            keySetting!.Error(e is FileNotFoundException or DirectoryNotFoundException ? $"{path} does not exist" : $"{path} cannot be read: {e.Message}");
            return null;
        }
    }

    static ReportDkim? Read(Setting setting, string path, DomainName domain, string selector, DomainName owner)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[MostOctets];
        var pem = System.Text.Encoding.ASCII.GetString(buffer, 0, file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            _ = rsa.ExportParameters(includePrivateParameters: true);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            setting.Error($"{path} does not hold an RSA private key in PEM, without a password");
            return null;
        }

        if (rsa.KeySize < LeastBits)
        {
            setting.Error($"{path} has {rsa.KeySize} bits; receivers take no key of less than {LeastBits}");
            return null;
        }

        if (rsa.KeySize < GoodBits)
        {
            setting.Warn($"{path} has {rsa.KeySize} bits; {GoodBits} are better (RFC 8301 §3.2)");
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0)
        {
            setting.Warn($"{path} can be read by everybody on this machine");
        }

        using var key = new MemoryStream(System.Text.Encoding.ASCII.GetBytes(rsa.ExportPkcs8PrivateKeyPem()));
        return new ReportDkim(
            Reports.Tlsrpt.Mail.ReportMessage.Signer(key, domain, selector), owner,
            $"v=DKIM1; k=rsa; s=tlsrpt; p={Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo())}");
    }
}
