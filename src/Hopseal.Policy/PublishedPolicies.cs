using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>What the recipient's side published, put into the plan of one host. Pure.</summary>
static class PublishedPolicies
{
    /// <param name="host">With everything that the operator configured.</param>
    /// <param name="recipient">Null for an address literal.</param>
    /// <param name="exclusion">Set where the host must not get mail now.</param>
    public static HostPlan Add(HostPlan host, StsFinding policy, DaneFinding records, DomainName? recipient, out TlsFailure? exclusion)
    {
        var withPolicy = AddPolicy(host, policy, out var unlisted);
        var withBoth = AddRecords(withPolicy, records, recipient, out var unknown);
        exclusion = unlisted ?? unknown;
        return withBoth;
    }

    static HostPlan AddPolicy(HostPlan host, StsFinding finding, out TlsFailure? exclusion)
    {
        exclusion = null;
        if (finding is not StsFinding.Found found)
        {
            var none = (StsFinding.None)finding;
            var note = new PolicyNote(PolicyNote.MtaSts, none.Why, none.Failures.FirstOrDefault()) { IsUnknown = none.IsUnknown };
            return host with { Notes = [.. host.Notes, note] };
        }

        if (found.Policy.Mode is StsMode.None || host.Host.Name is not { } name)
        {
            return Note(host, PolicyNote.MtaSts, "the policy says mode none");
        }

        var policy = new TransportPolicy.MtaSts(found.Policy, found.FetchedAt);
        var plan = found.Failures.Aggregate(
            host.With(policy), (noted, failure) => Note(noted, PolicyNote.MtaSts, $"not renewed: {failure.Detail ?? failure.ReasonCode}", failure));
        var inForce = policy.Floor is SecurityFloor.Authenticated && plan.Policies.Contains(policy);
        if (!found.Policy.Names(name))
        {
            var failure = new TlsFailure(TlsResultType.ValidationFailure, ExcludedHost.NotInPolicy, $"the MTA-STS policy does not name {name}");
            exclusion = inForce ? failure : null;
            return Note(plan, PolicyNote.MtaSts, inForce ? failure.Detail! : $"not in force: {failure.Detail}", failure);
        }

        return inForce && host.Host.Authenticity is HostAuthenticity.None
            ? plan with
            {
                Host = plan.Host with { Authenticity = HostAuthenticity.MtaSts },
                ReferenceNames = plan.ReferenceNames.Contains(name.Ascii) ? plan.ReferenceNames : [name.Ascii, .. plan.ReferenceNames],
            }
            : plan;
    }

    static HostPlan AddRecords(HostPlan host, DaneFinding finding, DomainName? recipient, out TlsFailure? exclusion)
    {
        exclusion = null;
        switch (finding)
        {
            case DaneFinding.None none:
                return Note(host, PolicyNote.Dane, none.Why);
            case DaneFinding.Found { Usable.IsEmpty: true } unusable:
                return host.With(new TransportPolicy.DaneUnusable(unusable.Base, unusable.Published));
            case DaneFinding.Found found:
                return host.With(new TransportPolicy.Dane(
                    found.Base,
                    found.Usable,
                    DaneNames(host.Host, found.Base, recipient),
                    host.Host.Authenticity is HostAuthenticity.Dnssec or HostAuthenticity.Configured));
            case DaneFinding.Failed failed:
                // An exception that lets the host off DANE also lets it off the question.
                var letOff = host.Policies.OfType<TransportPolicy.Operator>()
                    .Any(policy => policy is { Exception: not null, Floor: < SecurityFloor.Authenticated });
                exclusion = letOff ? null : failed.Failure;
                return Note(host, PolicyNote.Dane, failed.Failure.Detail ?? failed.Failure.ReasonCode, failed.Failure);
            default:
                throw new ArgumentException($"unknown finding {finding}", nameof(finding));
        }
    }

    /// <summary>RFC 7672 §3.2.2. The recipient domain is one only where it led to the host: a configured next hop is not its own.</summary>
    static ImmutableArray<string> DaneNames(PlannedHost host, DomainName tlsaBase, DomainName? recipient) =>
    [
        .. new[] { tlsaBase, host.Name, host.Authenticity is HostAuthenticity.Configured ? null : recipient }
            .OfType<DomainName>().Select(name => name.Ascii).Distinct()
    ];

    static HostPlan Note(HostPlan host, string mechanism, string detail, TlsFailure? failure = null) =>
        host with { Notes = [.. host.Notes, new PolicyNote(mechanism, detail, failure)] };
}
