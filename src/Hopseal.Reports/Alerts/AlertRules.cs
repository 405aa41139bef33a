using System.Collections.Frozen;

namespace Hopseal.Reports.Alerts;

/// <summary>The ids of all rules; receivers of notices rely on them. <c>docs/alerts.md</c> describes each.</summary>
public static class AlertRules
{
    /// <summary>A host that had TLS does not start it any more.</summary>
    public const string Stripping = "stripping.host";

    /// <summary>Many hosts lost TLS together.</summary>
    public const string StrippingPath = "stripping.path";

    /// <summary>Plaintext was put behind STARTTLS.</summary>
    public const string Injection = "starttls.injection";

    public const string CertificateExpiring = "certificate.expiring";
    public const string TlsaMismatch = "tlsa.mismatch";

    /// <summary>A policy that demanded something cannot be renewed.</summary>
    public const string PolicyFetch = "mta-sts.fetch";

    public const string Resolver = "resolver.not-validating";

    /// <summary>Deliveries to a destination fail.</summary>
    public const string FailureShare = "delivery.failures";

    /// <summary>More of the outgoing mail goes without TLS than used to.</summary>
    public const string PlaintextShare = "delivery.plaintext";

    public const string Exception = "exception.ending";
    public const string QueueAge = "queue.age";
    public const string Disk = "disk.full";

    /// <summary>Records or evidence are missing.</summary>
    public const string RecordsLost = "records.lost";

    /// <summary>Own TLS reports cannot be sent.</summary>
    public const string ReportSending = "tlsrpt.sending";

    /// <summary>Others report that TLS with us fails.</summary>
    public const string ReportedFailures = "tlsrpt.failures";

    /// <summary>Others report a kind of failure that they did not before.</summary>
    public const string ReportedNew = "tlsrpt.new-result";

    /// <summary>Somebody does not report any more.</summary>
    public const string ReporterSilent = "tlsrpt.silent";

    /// <summary>Of a domain that is watched: a host does not offer STARTTLS any more.</summary>
    public const string MonitorStartTls = "monitor.starttls";

    /// <summary>STARTTLS is offered, and no TLS comes of it.</summary>
    public const string MonitorHandshake = "monitor.handshake";

    /// <summary>Something on the way overwrites what a host says.</summary>
    public const string MonitorMasked = "monitor.masked";

    public const string MonitorTlsaMismatch = "monitor.tlsa-mismatch";

    /// <summary>A key came before its TLSA record, or together with it.</summary>
    public const string MonitorTlsaRollover = "monitor.tlsa-rollover";

    /// <summary>The look-up of TLSA records fails.</summary>
    public const string MonitorDnssecFailed = "monitor.dnssec-failed";

    public const string MonitorDnssecLost = "monitor.dnssec-lost";
    public const string MonitorDaneLost = "monitor.dane-lost";

    /// <summary>The domain takes no mail any more.</summary>
    public const string MonitorMxGone = "monitor.mx-gone";

    public const string MonitorMxChanged = "monitor.mx-changed";

    /// <summary>A host does not answer any more.</summary>
    public const string MonitorUnreachable = "monitor.unreachable";

    public const string MonitorMxNetwork = "monitor.mx-network";

    /// <summary>A host is not in the policy.</summary>
    public const string MonitorStsMx = "monitor.mta-sts-mx";

    public const string MonitorStsCertificate = "monitor.mta-sts-certificate";
    public const string MonitorStsFetch = "monitor.mta-sts-fetch";

    /// <summary>The certificate of the policy host ends.</summary>
    public const string MonitorStsHost = "monitor.mta-sts-host";

    /// <summary>The policy was changed, and its id was not.</summary>
    public const string MonitorStsId = "monitor.mta-sts-id";

    public const string MonitorStsWeaker = "monitor.mta-sts-weaker";
    public const string MonitorCertificateExpiring = "monitor.certificate-expiring";
    public const string MonitorCertificateUnverified = "monitor.certificate-unverified";
    public const string MonitorCertificateIssuer = "monitor.certificate-issuer";
    public const string MonitorCertificateKey = "monitor.certificate-key";

    /// <summary>Versions, suites, groups or keys are weaker than they were.</summary>
    public const string MonitorWeaker = "monitor.weaker";

    public const string MonitorReports = "monitor.tlsrpt";

    /// <summary>Looking itself does not work.</summary>
    public const string MonitorStale = "monitor.stale";

    public static FrozenSet<string> All { get; } = typeof(AlertRules).GetFields()
        .Where(field => field.IsLiteral)
        .Select(field => (string)field.GetRawConstantValue()!)
        .ToFrozenSet();
}
