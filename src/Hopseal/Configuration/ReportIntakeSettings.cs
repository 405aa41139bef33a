using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Configuration;

/// <summary>The section <c>TlsReports.Receive</c>: where others' reports about our domains come in.</summary>
/// <param name="Mailboxes">Each with a local part. The gateway reads their mail itself.</param>
/// <param name="KeepMail">It is also delivered, as the other mail of its domain.</param>
/// <param name="Endpoint">For reports by HTTPS; null: none come so.</param>
/// <param name="Days">How long reports are kept.</param>
sealed record ReportIntakeSettings(ImmutableArray<SenderPattern> Mailboxes, bool KeepMail, IPEndPoint? Endpoint, int Days)
{
    const int MostMailboxes = 100;

    public static ReportIntakeSettings None { get; } = new([], KeepMail: false, null, new IntakeLimits().Days);

    /// <summary>Whether anything can come in.</summary>
    public bool IsOn => !Mailboxes.IsEmpty || Endpoint is not null;

    /// <param name="taken">Where something else listens already, and what.</param>
    public static ReportIntakeSettings Read(Section section, ImmutableArray<(IPEndPoint Endpoint, string What)> taken, bool hasCertificates, DomainTable domains)
    {
        var mailboxes = section.Find("Mailboxes") is { } list ? ReadMailboxes(list, domains) : [];
        var keepSetting = section.Find("KeepMail");
        var keep = keepSetting?.Flag() ?? false;
        var endpointSetting = section.Find("Endpoint");
        var endpoint = endpointSetting?.Endpoint();
        var days = section.Find("Days")?.Whole(1, 3650) ?? None.Days;
        section.Close();

        if (endpoint is not null && taken.FirstOrDefault(other => other.Endpoint.Equals(endpoint)) is { What: { } what })
        {
            endpointSetting?.Error($"{what} listens on {endpoint} already");
        }

        if (endpoint is not null && !hasCertificates)
        {
            endpointSetting?.Error("HTTPS needs a certificate, and Certificates has none");
        }

        if (keep && mailboxes.IsEmpty)
        {
            keepSetting?.Warn("means nothing without Mailboxes");
        }

        return new ReportIntakeSettings(mailboxes, keep, endpoint, days);
    }

    static ImmutableArray<SenderPattern> ReadMailboxes(Setting list, DomainTable domains)
    {
        if (list.Node is ConfigNode.List { Items.Length: > MostMailboxes })
        {
            list.Error($"has more than {MostMailboxes} mailboxes");
            return [];
        }

        return [.. list.Items().Select(item => ReadMailbox(item, domains)).OfType<SenderPattern>().Distinct()];
    }

    static SenderPattern? ReadMailbox(Setting item, DomainTable domains)
    {
        if (item.Text() is not { } text)
        {
            return null;
        }

        if (!SenderPattern.TryParse(text, out var pattern) || pattern.LocalPart is null)
        {
            item.Error($"{Shown.Text(text)} is not a mailbox, such as tlsrpt@example.org");
            return null;
        }

        if (!IsTaken(pattern.Domain, domains))
        {
            item.Error($"mail for {pattern.Domain} is not taken here: it is not in Domains");
        }

        return pattern;
    }

    static bool IsTaken(DomainName domain, DomainTable domains) => domains.Any is not null || domains.Domains.ContainsKey(domain);
}
