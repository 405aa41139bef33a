using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>What DNS says of a host beside DANE: whether it has an address, who may issue its certificates, what its addresses are called.</summary>
static class HostChecks
{
    public static IEnumerable<Finding> Of(AuditFacts facts, HostFacts host, Profile profile)
    {
        if (host.Name is { } name)
        {
            if (host.Endpoints.IsEmpty)
            {
                yield return WithoutAddress(facts, host, name);
            }

            if (host.Caa is { } caa)
            {
                yield return Issuers(name, caa, profile.VerdictOf(CheckIds.Caa, Verdict.Info));
            }
        }

        foreach (var endpoint in host.Endpoints)
        {
            if (endpoint.Reverse is { } reverse)
            {
                yield return Reverse(reverse, host.Name is null ? endpoint.Address : $"{host.Name} [{endpoint.Address}]", profile.VerdictOf(CheckIds.ReverseName, Verdict.Info));
            }
        }
    }

    /// <summary>Senders go on to the next host, if there is one.</summary>
    static Finding WithoutAddress(AuditFacts facts, HostFacts host, string name)
    {
        var others = facts.Hosts.Any(other => !other.Endpoints.IsEmpty);
        return new Finding(
            CheckIds.MxFound, name, Question.Confidential, !host.AddressesKnown ? Verdict.Unknown : others ? Verdict.Warn : Verdict.Fail,
            host.AddressesKnown ? "It has no address" : "Its addresses are not known", [host.AddressProblem ?? ""], "RFC 5321 §5.1",
            host.AddressesKnown ? Remedy.Of("Give it an A or AAAA record, or take the MX record that names it away.") : null);
    }

    static Finding Issuers(string name, CaaFacts caa, Verdict worst)
    {
        var remedy = Remedy.Of("Publish a CAA record that names your authority.", ("DNS", $"{name}. CAA 0 issue \"letsencrypt.org\""));
        return caa switch
        {
            { Problem: { } problem } => new Finding(
                CheckIds.Caa, name, Question.Authenticated, NotKnown.Of(worst), "Who may issue certificates for it is not known: an authority that cannot look it up issues none",
                [problem], "RFC 8659 §3"),
            { Restricts: true } => new Finding(
                CheckIds.Caa, name, Question.Authenticated, Verdict.Ok, "CAA records say who may issue certificates for it", [$"of {caa.Owner}", .. caa.Records], "RFC 8659 §4.2"),
            { Records.IsEmpty: false } => new Finding(
                CheckIds.Caa, name, Question.Authenticated, worst, "Its CAA records name no authority: any may issue certificates for it", [$"of {caa.Owner}", .. caa.Records],
                "RFC 8659 §4.2", remedy),
            _ => new Finding(
                CheckIds.Caa, name, Question.Authenticated, worst, "Any authority may issue certificates for it", [], "RFC 8659 §3", remedy),
        };
    }

    static Finding Reverse(ReverseFacts reverse, string subject, Verdict worst) => reverse switch
    {
        { Confirmed: true } => new Finding(
            CheckIds.ReverseName, subject, Question.Authenticated, Verdict.Ok, "Its address has a name that leads back to it", reverse.Names, "RFC 1912 §2.1"),
        { Problem: { } problem } => new Finding(
            CheckIds.ReverseName, subject, Question.Authenticated, NotKnown.Of(worst), "The name of its address is not known", [.. reverse.Names, problem], "RFC 1912 §2.1"),
        { Names.IsEmpty: false } => new Finding(
            CheckIds.ReverseName, subject, Question.Authenticated, worst, "Its address has a name that does not lead back to it", reverse.Names, "RFC 1912 §2.1",
            Remedy.Of("Where it sends mail, too, receivers want a name that has the address: set the PTR record to such a name.")),
        _ => new Finding(
            CheckIds.ReverseName, subject, Question.Authenticated, worst, "Its address has no name", [], "RFC 1912 §2.1",
            Remedy.Of("Where it sends mail, too, receivers want a name for the address: ask whoever gave you the address for a PTR record.")),
    };
}
