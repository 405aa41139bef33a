using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>What DNS says of a domain's mail: exchangers, DNSSEC, who is told of failures.</summary>
static class DomainChecks
{
    public static IEnumerable<Finding> Of(AuditFacts facts, Profile profile)
    {
        if (facts.Domain is not { } domain)
        {
            yield break;
        }

        yield return Exchangers(domain);
        if (domain.Mx.State is MxState.Null)
        {
            yield return new Finding(CheckIds.ReportRecord, domain.Name, Question.Watched, Verdict.Ok, "No mail: there is nothing to report", [], "RFC 7505 §3");
        }

        if (domain.Mx.State is MxState.Found or MxState.Implicit)
        {
            yield return domain.Mx.Signed
                ? new Finding(CheckIds.DnssecMx, domain.Name, Question.Authenticated, Verdict.Ok, "MX records are signed", [], "RFC 7672 §2.2.1")
                : new Finding(
                    CheckIds.DnssecMx, domain.Name, Question.Authenticated, Verdict.Info, "MX records are not signed: DANE cannot protect this domain", [],
                    "RFC 7672 §2.2.1", Remedy.Of("Sign the zone with DNSSEC, or publish an MTA-STS policy."));
            yield return Reports(domain, profile);
        }
    }

    static Finding Exchangers(DomainFacts domain)
    {
        var mx = domain.Mx;
        string[] seen = [.. mx.Exchangers.Select(exchanger => $"{exchanger.Preference} {exchanger.Name ?? exchanger.Invalid ?? "."}")];
        var (verdict, title, remedy) = mx.State switch
        {
            MxState.Found when mx.Exchangers.Any(exchanger => exchanger.Name is "localhost") => (
                Verdict.Warn, "An MX record names every sender's own machine", Remedy.Of("Take the record for localhost away; a domain that takes no mail says \"MX 0 .\" (RFC 7505 §3).")),
            MxState.Found when mx.Exchangers.Any(exchanger => exchanger.Name is null) => (
                Verdict.Warn, "Some MX records name no host", Remedy.Of("Every MX record has to name a host, not an address; \".\" must be alone (RFC 7505 §3).")),
            MxState.Found => (Verdict.Ok, "MX records name hosts", null),
            MxState.Implicit => (Verdict.Info, "No MX record: mail goes to the domain's own address", null),
            MxState.Null => (Verdict.Ok, "The domain says that it takes no mail", null),
            MxState.NoSuchDomain => (Verdict.Fail, "The domain does not exist", null),
            MxState.Unroutable => (Verdict.Fail, "No MX host has an address", Remedy.Of("Give the hosts of the MX records A or AAAA records.")),
            MxState.NotKnown => (Verdict.Unknown, "The MX records are not known", null),
            _ => throw new ArgumentException($"unknown state {mx.State}", nameof(domain)),
        };
        return new Finding(
            CheckIds.MxFound, domain.Name, Question.Confidential, verdict, title, mx.Detail is null ? [.. seen] : [.. seen, mx.Detail], "RFC 5321 §5.1", remedy);
    }

    static Finding Reports(DomainFacts domain, Profile profile)
    {
        var record = domain.TlsRpt;
        var remedy = Remedy.Of(
            "Ask senders for reports: they tell you when mail to you could not be encrypted.",
            ("DNS", $"_smtp._tls.{domain.Name}. TXT \"v=TLSRPTv1; rua=mailto:tls-reports@{domain.Name}\""));
        return record switch
        {
            { Record: { } text, Ignored.IsEmpty: true } => new Finding(
                CheckIds.ReportRecord, domain.Name, Question.Watched, Verdict.Ok, "Senders are asked for TLS reports", [text], "RFC 8460 §3"),
            { Record: { } text } => new Finding(
                CheckIds.ReportRecord, domain.Name, Question.Watched, Verdict.Warn, "Some of the places for TLS reports cannot be used",
                [text, .. record.Ignored], "RFC 8460 §3", remedy),
            { Known: false } => new Finding(
                CheckIds.ReportRecord, domain.Name, Question.Watched, Verdict.Unknown, "Whether TLS reports are asked for is not known", [record.Problem ?? ""], "RFC 8460 §3"),
            _ => new Finding(
                CheckIds.ReportRecord, domain.Name, Question.Watched, profile.VerdictOf(CheckIds.ReportRecord, Verdict.Warn),
                "Nobody is asked for TLS reports", [record.Problem ?? "there is no record"], "RFC 8460 §3", remedy),
        };
    }
}
