using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;

namespace Hopseal.Configuration;

/// <summary>Reads the sections in the order of the documentation, then what only shows between them.</summary>
static class ConfigurationReader
{
    /// <param name="directory">Relative paths start here.</param>
    /// <returns>Null when a key without a default is missing or wrong. Not to be used when <paramref name="faults"/> has errors.</returns>
    public static GatewayConfiguration? Read(ConfigNode.Table table, string directory, FaultList faults, TimeProvider clock)
    {
        var root = new Section(table, "", faults);

        var hostname = ReadHostname(root);
        var data = root.Require("DataDirectory");
        var dataDirectory = data?.Path(directory);
        var certificates = CertificateSetting.ReadAll(root, directory);
        var access = AccessSettings.Read(root);
        var listeners = ListenerSettings.ReadAll(root, !certificates.IsEmpty, !access.Users.IsEmpty);
        var inbound = InboundRuleSettings.Read(root, !certificates.IsEmpty);
        var mxNames = ReadMxNames(root, hostname, listeners);
        var domains = DomainTable.Read(root.Child("Domains"), directory);
        var outbound = OutboundSettings.Read(root.Child("Outbound"), directory, clock);
        var trust = root.Child("Trust");
        var rootFiles = trust.Find("Roots")?.Items().ToImmutableArray() ?? [];
        trust.Close();
        var tlsReports = root.Child("TlsReports");
        var web = WebServers.Read(root, tlsReports.Child("Receive"), listeners, !certificates.IsEmpty, domains);
        var reportSending = ReportSendingSettings.Read(tlsReports, hostname, directory);
        tlsReports.Close();
        var tls = TlsSettings.Read(root.Child("Tls"));
        var limits = LimitSettings.Read(root.Child("Limits"));
        var dns = DnsSettings.Read(root.Child("Dns"));
        var alerts = AlertSettings.Read(root.Child("Alerts"), directory);
        var monitor = MonitorSettings.Read(root, [.. domains.Domains.Keys], directory);
        var records = RecordsSettings.Read(root.Child("Records"));
        var evidence = EvidenceSettings.Read(root.Child("Evidence"));
        var log = LogSettings.Read(root.Child("Log"));
        root.Close();

        ImmutableArray<string> roots = [.. rootFiles.Select(item => Deployment.CheckRoots(item, directory)).OfType<string>()];
        CheckCertificates(certificates, hostname, clock);
        if (data is not null && dataDirectory is not null)
        {
            Deployment.CheckDataDirectory(data, dataDirectory);
        }

        var password = outbound.SmartHostPasswordFile is { } file ? Deployment.ReadPassword(file, directory) : null;
        if (!faults.HasErrors)
        {
            CheckPurpose(root, listeners, domains, access);
            web.MtaSts.Check(root.Child("MtaSts"), [hostname!, .. mxNames], domains, [.. certificates.Select(certificate => certificate.Files)]);
        }

        return hostname is null || dataDirectory is null
            ? null
            : new GatewayConfiguration
            {
                Hostname = hostname,
                DataDirectory = dataDirectory,
                Listeners = listeners,
                Certificates = [.. certificates.Select(certificate => certificate.Files)],
                MxNames = mxNames,
                Tls = tls,
                Domains = domains,
                Access = access,
                InboundRules = inbound,
                Limits = limits,
                Outbound = outbound,
                SmartHostCredentials = outbound.SmartHostUser is { } user && password is not null
                    ? new ClientCredentials(user, password)
                    : null,
                Dns = dns,
                MtaSts = web.MtaSts,
                ReportIntake = web.Reports,
                Dashboard = web.Dashboard,
                ReportSending = reportSending,
                Roots = roots,
                Records = records,
                Metrics = web.Metrics,
                Alerts = alerts,
                Monitor = monitor,
                Evidence = evidence,
                Log = log,
            };
    }

    static void CheckCertificates(IEnumerable<CertificateSetting> certificates, DomainName? hostname, TimeProvider clock)
    {
        foreach (var certificate in certificates)
        {
            Deployment.CheckCertificate(certificate, hostname, clock);
            Deployment.CheckNextKey(certificate);
        }
    }

    static DomainName? ReadHostname(Section root)
    {
        var setting = root.Require("Hostname");
        var hostname = setting?.Domain();
        if (hostname is not null && !hostname.Ascii.Contains('.', StringComparison.Ordinal))
        {
            setting?.Warn($"{hostname} has no dot; other servers expect a full name such as mx1.example.org");
        }

        return hostname;
    }

    /// <summary>Without the key: our own name, when there is a listener where MX records lead to.</summary>
    static ImmutableArray<DomainName> ReadMxNames(Section root, DomainName? hostname, ImmutableArray<ListenerSettings> listeners)
    {
        const int SmtpPort = 25;
        const int Most = 32;
        if (root.Find("MxNames") is not { } setting)
        {
            return hostname is not null && PublishedTlsa.CanHave(hostname) && listeners.Any(listener => listener.Endpoint.Port == SmtpPort) ? [hostname] : [];
        }

        if (setting.Node is ConfigNode.List { Items.Length: > Most })
        {
            setting.Error($"has more than {Most} names");
        }

        return [.. setting.Items().Select(ReadMxName).OfType<DomainName>().Distinct()];
    }

    static DomainName? ReadMxName(Setting item)
    {
        if (item.Domain() is not { } name)
        {
            return null;
        }

        if (!PublishedTlsa.CanHave(name))
        {
            item.Error("is too long: no TLSA record could be published for it");
            return null;
        }

        return name;
    }

    /// <summary>Only for a configuration without errors: what is missing because it could not be read is no second fault.</summary>
    static void CheckPurpose(Section root, ImmutableArray<ListenerSettings> listeners, DomainTable domains, AccessSettings access)
    {
        var anybodyLogsIn = listeners.Any(listener => listener.Authentication is not AuthenticationUse.None);
        if (!access.Users.IsEmpty && !anybodyLogsIn)
        {
            root.Find("Users")?.Warn("no listener has Authentication, so nobody can log in");
        }

        if (domains.Domains.IsEmpty && domains.Any is null && access.RelayFrom.IsEmpty && access.Users.IsEmpty)
        {
            root.Warn("no mail will be accepted: Domains, RelayFrom and Users are all empty");
        }
    }
}
