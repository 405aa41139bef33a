using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Audit.Profiles;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Audit.Checks;

/// <summary>MTA-STS: the record, the policy, and whether the hosts are what the policy promises (RFC 8461).</summary>
static class StsChecks
{
    const long Day = 24 * 60 * 60;

    /// <summary>What the UK's NCSC asks for: a shorter memory is gone before an attacker gives up.</summary>
    const long EnforceSeconds = 14 * Day;

    public static IEnumerable<Finding> Of(AuditFacts facts, Profile profile)
    {
        if (facts.Domain is not { Mx.State: MxState.Found or MxState.Implicit } domain)
        {
            yield break;
        }

        yield return Record(domain);
        if (domain.Sts.Record is null)
        {
            yield break;
        }

        yield return Fetch(domain);
        if (domain.Sts.HostCertificateUntil is { } until)
        {
            var days = (int)Math.Floor((until - facts.At).TotalDays);
            var verdict = days <= profile.ExpiryFailDays ? Verdict.Fail : days <= profile.ExpiryWarnDays ? Verdict.Warn : Verdict.Ok;
            yield return Finding(
                CheckIds.StsHost, domain, Question.Watched, verdict,
                days < 0 ? "The certificate of the policy host has expired" : $"The certificate of the policy host ends in {Words.Count(days, "day")}",
                [$"until {until:u}"], "RFC 8461 §3.3",
                verdict is Verdict.Ok ? null : Remedy.Of($"Renew the certificate of mta-sts.{domain.Name}, and let the renewal run by itself: with an expired one nobody gets the policy."));
        }

        if (domain.Sts.Policy is { } policy)
        {
            yield return Policy(domain, policy);
            if (policy.Mode != "none")
            {
                foreach (var finding in Hosts(facts, domain, policy))
                {
                    yield return finding;
                }
            }
        }
    }

    static Finding Record(DomainFacts domain) => domain.Sts switch
    {
        { Record: { } id } => Finding(CheckIds.StsRecord, domain, Question.Authenticated, Verdict.Ok, "An MTA-STS policy is announced", [$"id={id}"], "RFC 8461 §3.1"),
        { RecordKnown: false } => Finding(
            CheckIds.StsRecord, domain, Question.Authenticated, Verdict.Unknown, "Whether an MTA-STS policy is announced is not known", [domain.Sts.RecordProblem ?? ""], "RFC 8461 §3.1"),
        { RecordProblem: { } problem } => Finding(
            CheckIds.StsRecord, domain, Question.Authenticated, Verdict.Fail, "The MTA-STS record cannot be used", [problem], "RFC 8461 §3.1",
            Remedy.Of("Publish exactly one record.", ("DNS", $"_mta-sts.{domain.Name}. TXT \"v=STSv1; id=20260101T000000\""))),
        _ => Finding(CheckIds.StsRecord, domain, Question.Authenticated, Verdict.Info, "No MTA-STS policy is announced", [], "RFC 8461 §3.1"),
    };

    static Finding Fetch(DomainFacts domain) => domain.Sts.Policy is not null
        ? Finding(CheckIds.StsFetch, domain, Question.Authenticated, Verdict.Ok, "The MTA-STS policy can be fetched", [], "RFC 8461 §3.3")
        : Finding(
            CheckIds.StsFetch, domain, Question.Authenticated, Verdict.Fail, "The MTA-STS policy cannot be fetched", [domain.Sts.FetchProblem ?? ""], "RFC 8461 §3.3",
            Remedy.Of(
                $"https://mta-sts.{domain.Name}/.well-known/mta-sts.txt has to answer 200, text/plain, without a redirect, with a certificate for mta-sts.{domain.Name} that the web PKI trusts.",
                ("Hopseal", "\"MtaSts\": { \"Endpoint\": \"0.0.0.0:443\", … }")));

    static Finding Policy(DomainFacts domain, StsPolicyFacts policy)
    {
        ImmutableArray<string> seen = [$"mode: {policy.Mode}", $"max_age: {policy.MaxAgeSeconds}", .. policy.Mx.Select(mx => $"mx: {mx}")];
        var (verdict, title, remedy) = policy.Mode switch
        {
            "enforce" when policy.MaxAgeSeconds < EnforceSeconds => (
                Verdict.Warn, "The policy is forgotten in less than 14 days", Remedy.Of("Raise max_age to some weeks: senders remember the policy so long.")),
            "enforce" => (Verdict.Ok, "The policy is enforced", null),
            "testing" when policy.MaxAgeSeconds < Day => (
                Verdict.Warn, "The policy is only tested, and forgotten within a day", Remedy.Of("Raise max_age to at least a day; enforce when the reports are clean.")),
            "testing" => (Verdict.Warn, "The policy is only tested: senders deliver whatever fails", Remedy.Of("When the TLS reports are clean, publish mode: enforce, and a new id.")),
            _ => (Verdict.Info, "The policy says that there is none", (Remedy?)null),
        };
        return Finding(CheckIds.StsPolicy, domain, Question.Authenticated, verdict, title, seen, "RFC 8461 §3.2", remedy);
    }

    static IEnumerable<Finding> Hosts(AuditFacts facts, DomainFacts domain, StsPolicyFacts policy)
    {
        var bad = policy.Mode == "enforce" ? Verdict.Fail : Verdict.Warn;
        foreach (var host in facts.Hosts)
        {
            if (host.Name is not { } name)
            {
                continue;
            }

            var covered = policy.Mx.Any(pattern => StsPolicy.Covers(pattern, name));
            yield return covered
                ? new Finding(CheckIds.StsMx, name, Question.Authenticated, Verdict.Ok, "The host is in the MTA-STS policy", [], "RFC 8461 §4.1")
                : new Finding(
                    CheckIds.StsMx, name, Question.Authenticated, bad, "The host is not in the MTA-STS policy: senders will not deliver to it",
                    [.. policy.Mx.Select(mx => $"mx: {mx}")], "RFC 8461 §4.1", Remedy.Of("Add the host to the policy, then publish a new id.", ("policy", $"mx: {name}")));
            foreach (var endpoint in host.Endpoints)
            {
                if (covered && endpoint.Handshake is { Works: true } handshake)
                {
                    var agrees = handshake.PkixProblems.IsEmpty && handshake.NameMatches is true;
                    yield return new Finding(
                        CheckIds.StsAgree, $"{name} [{endpoint.Address}]", Question.Authenticated, agrees ? Verdict.Ok : bad,
                        agrees ? "Its certificate is what the policy asks for" : "Its certificate fails the policy",
                        [.. handshake.PkixProblems, .. handshake.NameMatches is false ? [$"it is not for {name}"] : Array.Empty<string>()],
                        "RFC 8461 §4.2", agrees ? null : Remedy.Of("Install a certificate for the MX host's name from an authority that the web PKI trusts."));
                }
            }
        }

        foreach (var pattern in policy.Mx.Where(pattern => !facts.Hosts.Any(host => host.Name is { } name && StsPolicy.Covers(pattern, name))))
        {
            yield return Finding(
                CheckIds.StsMx, domain, Question.Authenticated, Verdict.Info, "The policy names hosts that no MX record points at", [$"mx: {pattern}"], "RFC 8461 §4.1");
        }
    }

    static Finding Finding(
        string id, DomainFacts domain, Question question, Verdict verdict, string title, ImmutableArray<string> evidence, string basis, Remedy? remedy = null) =>
        new(id, domain.Name, question, verdict, title, evidence, basis, remedy);
}
