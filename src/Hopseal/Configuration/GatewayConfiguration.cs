using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Reports.Evidence;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>Everything the operator said, checked.</summary>
sealed record GatewayConfiguration
{
    public required DomainName Hostname { get; init; }

    /// <summary>Absolute.</summary>
    public required string DataDirectory { get; init; }

    public required ImmutableArray<ListenerSettings> Listeners { get; init; }

    /// <summary>The first is shown to clients that ask for no name, or an unknown one.</summary>
    public ImmutableArray<CertificateFiles> Certificates { get; init; } = [];

    /// <summary>Names by which MX records point at this gateway: those whose TLSA records matter. Empty for one that MX records do not
    /// point at.</summary>
    public ImmutableArray<DomainName> MxNames { get; init; } = [];

    public required TlsSettings Tls { get; init; }

    public required DomainTable Domains { get; init; }

    public required AccessSettings Access { get; init; }

    /// <summary>What mail must have come by.</summary>
    public ImmutableArray<InboundRule> InboundRules { get; init; } = [];

    public required LimitSettings Limits { get; init; }

    public required OutboundSettings Outbound { get; init; }

    /// <summary>Of the smart host; null when we do not authenticate to it.</summary>
    public ClientCredentials? SmartHostCredentials { get; init; }

    public required DnsSettings Dns { get; init; }

    /// <summary>The policies of our own domains.</summary>
    public MtaStsSettings MtaSts { get; init; } = MtaStsSettings.None;

    /// <summary>Where reports about our domains come in.</summary>
    public ReportIntakeSettings ReportIntake { get; init; } = ReportIntakeSettings.None;

    /// <summary>Null: there is none.</summary>
    public DashboardSettings? Dashboard { get; init; }

    /// <summary>What we report to others.</summary>
    public ReportSendingSettings ReportSending { get; init; } = ReportSendingSettings.None;

    /// <summary>PEM files of certificate authorities trusted besides the system's.</summary>
    public ImmutableArray<string> Roots { get; init; } = [];

    /// <summary>How long single sessions and attempts are kept.</summary>
    public RecordsOptions Records { get; init; } = new();

    /// <summary>Where the gateway's numbers are shown or sent.</summary>
    public MetricsSettings Metrics { get; init; } = MetricsSettings.None;

    public AlertSettings Alerts { get; init; } = new();

    /// <summary>Null: nobody is looked at from outside.</summary>
    public MonitorSettings? Monitor { get; init; }

    /// <summary>How evidence is kept.</summary>
    public EvidenceOptions Evidence { get; init; } = new();

    public required LogSettings Log { get; init; }

    /// <summary>SHA-256 of what the operator wrote, the variables of the environment included, lower-case hex. Files that it names have no part in
    /// it. Empty where nobody wrote one.</summary>
    public string Digest { get; init; } = "";

    /// <summary>What applies on one day (UTC): rules end.</summary>
    public Routing RoutingOn(DateOnly day) => new()
    {
        Domains = Domains.Domains,
        AnyDomain = Domains.Any,
        SmartHost = Outbound.SmartHost,
        SmartHostCredentials = SmartHostCredentials is not null,
        SmartHostFloor = Outbound.SmartHostFloor,
        Rules = [.. Outbound.Rules.Where(rule => rule.AppliesOn(day)).Select(rule => rule.Rule)],
        OwnNames = [Hostname, .. MxNames],
        MxPort = Outbound.Port,
    };
}
