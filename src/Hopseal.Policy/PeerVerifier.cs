using System.Collections.Immutable;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>Judges a peer's certificates by everything the plan asks of them. Each demand that is in force has to be met: DANE by a
/// matching record, MTA-STS by a valid certificate for the host's name, an operator or a sender by either proof for a name that is
/// believed. What is not in force (testing mode, excepted, waived) is judged too, and only reported.</summary>
public sealed class PeerVerifier(PkixCheck pkix, DaneCheck dane)
{
    /// <summary>The verifier for <see cref="TlsDemand.Verify"/>.</summary>
    public Func<PeerChain, PeerVerdict> For(HostPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return chain => Judge(plan, chain);
    }

    PeerVerdict Judge(HostPlan plan, PeerChain chain)
    {
        var byRecords = Demand<TransportPolicy.Dane>(plan) is var (records, recordsInForce) && records is not null
            ? (Policy: records, InForce: recordsInForce, Verdict: dane.Judge(chain, records))
            : default;
        var byPolicy = Demand<TransportPolicy.MtaSts>(plan) is var (policy, policyInForce) && policy is not null && plan.Host.Name is { } name
            ? (Names: policy.Policy.Names(name), InForce: policyInForce && policy.Floor is SecurityFloor.Authenticated, Verdict: pkix.Judge(chain, [name.Ascii]))
            : default;
        var matches = byRecords.Verdict is { Identity: not PeerIdentity.Unauthenticated };

        // Validated records of a host whose MX record is not validated prove the host, but not that it is the right one.
        var proven = matches && byRecords.Policy!.SecureMx ? byRecords.Verdict : pkix.Judge(chain, plan.ReferenceNames);
        var identityIsDemanded = plan.Policies.Any(one => one is TransportPolicy.Operator { Floor: SecurityFloor.Authenticated } or TransportPolicy.RequireTls);

        var failures = ImmutableArray.CreateBuilder<TlsFailure>();
        var met = true;
        Weigh(byRecords.Verdict, byRecords.InForce);
        Weigh(byPolicy.Verdict, byPolicy.InForce);
        if (identityIsDemanded || (byRecords.Verdict is null && byPolicy.Verdict is null))
        {
            Weigh(proven, identityIsDemanded);
        }

        // A host that the policy does not name proves that it has its name, and nothing about that name.
        var identity = matches ? byRecords.Verdict!.Identity
            : byPolicy.Names && byPolicy.Verdict is { Identity: PeerIdentity.Pkix } ? PeerIdentity.Pkix
            : proven!.Identity;
        return new PeerVerdict(met ? identity : PeerIdentity.Unauthenticated, [.. failures.Distinct()]);

        void Weigh(PeerVerdict? verdict, bool inForce)
        {
            if (verdict is null)
            {
                return;
            }

            failures.AddRange(verdict.Failures);
            met &= !inForce || verdict.Identity is not PeerIdentity.Unauthenticated;
        }
    }

    static (T? Policy, bool InForce) Demand<T>(HostPlan plan)
        where T : TransportPolicy
    {
        foreach (var policy in plan.Policies)
        {
            switch (policy)
            {
                case T found:
                    return (found, true);
                case TransportPolicy.Excepted { Policy: T found }:
                    return (found, false);
                case TransportPolicy.Waived { Policy: T found }:
                    return (found, false);
            }
        }

        return (null, false);
    }
}
