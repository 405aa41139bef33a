using System.Collections.Immutable;
using System.Net;
using System.Text;
using Hopseal.Policy;
using Hopseal.Reports.Alerts;
using Hopseal.Smtp.Mail;

namespace Hopseal.Configuration;

/// <summary>Section Alerts: from when on something is worth a word, and who gets it. The log always does.</summary>
sealed record AlertSettings
{
    public ImmutableArray<WebhookSetting> Webhooks { get; init; } = [];

    /// <summary>Null: no mail.</summary>
    public AlertMailSetting? Mail { get; init; }

    /// <summary>Of what goes to webhooks and by mail.</summary>
    public AlertSeverity MinimumSeverity { get; init; } = AlertSeverity.Warning;

    /// <summary>Null: none.</summary>
    public QuietHours? QuietHours { get; init; }

    /// <summary>When one mail a day says what is open and what ended, in the time zone of the machine; null: none does.</summary>
    public TimeOnly? Digest { get; init; }

    /// <summary>The oldest message that waits.</summary>
    public TimeSpan QueueAge { get; init; } = TimeSpan.FromHours(4);

    /// <summary>Of the disk under DataDirectory: less free space than this.</summary>
    public int DiskPercent { get; init; } = 10;

    /// <summary>Before the end of a certificate; half of it is severe, and a day is critical.</summary>
    public int CertificateDays { get; init; } = 14;

    public static AlertSettings Read(Section section, string directory)
    {
        var usual = new AlertSettings();
        var settings = new AlertSettings
        {
            Webhooks = [.. section.Children("Webhooks").Select(webhook => WebhookSetting.Read(webhook, directory)).OfType<WebhookSetting>()],
            Mail = section.Find("Mail")?.Section() is { } mail ? AlertMailSetting.Read(mail) : null,
            MinimumSeverity = section.Find("MinimumSeverity")?.Choice<AlertSeverity>() ?? usual.MinimumSeverity,
            QuietHours = section.Find("QuietHours") is { } quiet ? Configuration.QuietHours.Read(quiet) : null,
            Digest = section.Find("Digest") is { } digest ? Configuration.QuietHours.ReadTime(digest) : null,
            QueueAge = section.Find("QueueHours")?.Whole(1, 1000) is { } hours ? TimeSpan.FromHours(hours) : usual.QueueAge,
            DiskPercent = section.Find("DiskPercent")?.Whole(0, 90) ?? usual.DiskPercent,
            CertificateDays = section.Find("CertificateDays")?.Whole(1, 365) ?? usual.CertificateDays,
        };
        section.Close();
        if (settings.Digest is not null && section.Find("Mail") is null)
        {
            section.Find("Digest")?.Error("is a mail: it needs Mail");
        }

        if (settings.QuietHours is not null && settings.Webhooks.IsEmpty && settings.Mail is null)
        {
            section.Find("QuietHours")?.Warn("says nothing without Webhooks or Mail: the log is always told");
        }

        return settings;
    }
}

/// <param name="Secret">Signs what is posted.</param>
sealed record WebhookSetting(Uri Url, ReadOnlyMemory<byte> Secret)
{
    public static WebhookSetting? Read(Section section, string directory)
    {
        var setting = section.Require("Url");
        var file = section.Require("SecretFile");
        section.Close();
        var secret = file is null ? null : Deployment.ReadPassword(file, directory);
        if (setting?.Text() is not { } text)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.UserInfo.Length > 0 || url.Fragment.Length > 0
            || (url.Scheme != Uri.UriSchemeHttps && !(url.Scheme == Uri.UriSchemeHttp && IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address))))
        {
            setting.Error("has to be https, or http to an address of this machine");
            return null;
        }

        return secret is null ? null : new WebhookSetting(url, Encoding.UTF8.GetBytes(secret));
    }
}

sealed record AlertMailSetting(Mailbox From, ImmutableArray<Mailbox> To)
{
    public static AlertMailSetting? Read(Section section)
    {
        var from = section.Require("From") is { } setting ? Address(setting) : null;
        ImmutableArray<Mailbox> to = [.. (section.Require("To")?.Items() ?? []).Select(Address).OfType<Mailbox>()];
        if (section.Find("To") is { } list && to.IsEmpty)
        {
            list.Error("names nobody");
        }

        section.Close();
        return from is null || to.IsEmpty ? null : new AlertMailSetting(from, to);
    }

    static Mailbox? Address(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (!SenderPattern.TryParse(text, out var pattern) || pattern.LocalPart is not { } local)
        {
            setting.Error($"{Shown.Text(text)} is not a mailbox, such as postmaster@example.org");
            return null;
        }

        return new Mailbox(local, pattern.Domain);
    }
}
