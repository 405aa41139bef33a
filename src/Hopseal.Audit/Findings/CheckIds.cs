using System.Collections.Frozen;

namespace Hopseal.Audit.Findings;

/// <summary>The ids of all findings. They are part of the published schema: none is ever renamed or given another meaning.</summary>
public static class CheckIds
{
    public const string Identity = "identity";
    public const string MxFound = "mx.found";
    public const string MxReachable = "mx.reachable";
    public const string SmtpDialogue = "smtp.dialogue";
    public const string SmtpAuthPlaintext = "smtp.auth-plaintext";
    public const string StartTlsOffered = "starttls.offered";
    public const string StartTlsWorks = "starttls.works";
    public const string StartTlsStripped = "starttls.stripped";
    public const string StartTlsInjection = "starttls.injection";
    public const string StartTlsState = "starttls.state";
    public const string StartTlsRequired = "starttls.required";
    public const string VersionSsl2 = "ver.ssl2";
    public const string VersionOld = "ver.old";
    public const string VersionTls12 = "ver.tls12";
    public const string VersionTls13 = "ver.tls13";
    public const string SuiteList = "suite.list";
    public const string SuiteOrder = "suite.order";
    public const string SuiteBad = "suite.bad";
    public const string GroupList = "group.list";
    public const string GroupDh = "group.dh";
    public const string GroupPostQuantum = "group.pq";
    public const string SignatureHash = "sig.hash";
    public const string ExtendedMasterSecret = "ems";
    public const string SecureRenegotiation = "reneg.secure";
    public const string Compression = "compress";
    public const string FallbackSignal = "scsv";
    public const string Resumption = "resume";
    public const string CertificateChain = "cert.chain";
    public const string CertificateName = "cert.name";
    public const string CertificateDates = "cert.dates";
    public const string CertificateKey = "cert.key";
    public const string CertificateSignature = "cert.sig";
    public const string CertificateUsage = "cert.usage";
    public const string ServerNameChange = "sni.change";
    public const string DnssecMx = "dnssec.mx";
    public const string DnssecAddress = "dnssec.address";
    public const string TlsaExists = "tlsa.exists";
    public const string TlsaSyntax = "tlsa.syntax";
    public const string TlsaMatch = "tlsa.match";
    public const string TlsaRollover = "tlsa.rollover";
    public const string TlsaDenial = "tlsa.denial";
    public const string StsRecord = "sts.record";
    public const string StsPolicy = "sts.policy";
    public const string StsFetch = "sts.fetch";
    public const string StsMx = "sts.mx";
    public const string StsAgree = "sts.agree";
    public const string StsHost = "sts.host";
    public const string ReportRecord = "rpt.record";
    public const string Caa = "caa";
    public const string ReverseName = "ptr";

    public static FrozenSet<string> All { get; } = typeof(CheckIds).GetFields()
        .Where(field => field.IsLiteral)
        .Select(field => (string)field.GetRawConstantValue()!)
        .ToFrozenSet();
}
