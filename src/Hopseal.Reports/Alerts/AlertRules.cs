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

    public static FrozenSet<string> All { get; } = typeof(AlertRules).GetFields()
        .Where(field => field.IsLiteral)
        .Select(field => (string)field.GetRawConstantValue()!)
        .ToFrozenSet();
}
