using System.Collections.Immutable;
using System.Security.Cryptography;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>Judges a peer's certificates by everything the plan asks of them. Each demand that is in force has to be met: DANE by a
/// matching record, MTA-STS by a valid certificate for the host's name, a pin by the certificate or key it names, a private authority by a
/// certificate of it for a name that is believed, an operator's floor or a sender by any of these proofs, or a valid certificate for a name
/// that is believed. What is not in force (testing mode, excepted, waived) is judged too, and only reported.</summary>
/// <remarks>Where an operator pinned the host or named its authorities, that takes the place of the usual authorities for what operators and
/// senders ask: he knows the host better than they do. It never takes the place of what is published.</remarks>
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

        var byPins = Demands<TransportPolicy.Pinned>(plan).Select(one => (one.Policy.Vouched, one.InForce, Verdict: Judge(chain, one.Policy))).ToArray();
        var byAuthority = Demands<TransportPolicy.PrivateAuthority>(plan)
            .Select(one => (one.Policy.Vouched, one.InForce, Verdict: pkix.Judge(chain, plan.ReferenceNames, one.Policy.Roots))).ToArray();
        var byOperator = byPins.Concat(byAuthority).FirstOrDefault(one => one is { Vouched: true, InForce: true }).Verdict;

        // Validated records of a host whose MX record is not validated prove the host, but not that it is the right one.
        var proven = byOperator ?? (matches && byRecords.Policy!.SecureMx ? byRecords.Verdict : pkix.Judge(chain, plan.ReferenceNames));
        var identityIsDemanded = plan.Policies.Any(one => one is TransportPolicy.Operator { Floor: SecurityFloor.Authenticated } or TransportPolicy.RequireTls);

        var failures = ImmutableArray.CreateBuilder<TlsFailure>();
        var met = true;
        Weigh(byRecords.Verdict, byRecords.InForce, ReportedAgainst.Dane);
        Weigh(byPolicy.Verdict, byPolicy.InForce, ReportedAgainst.MtaSts);
        foreach (var (_, inForce, verdict) in byPins.Concat(byAuthority))
        {
            Weigh(verdict, inForce, ReportedAgainst.None);
        }

        if (identityIsDemanded || (byRecords.Verdict is null && byPolicy.Verdict is null))
        {
            Weigh(proven, identityIsDemanded, ReportedAgainst.None);
        }

        // A host that the policy does not name proves that it has its name, and nothing about that name.
        var identity = matches ? byRecords.Verdict!.Identity
            : byPolicy.Names && byPolicy.Verdict is { Identity: PeerIdentity.Pkix } ? PeerIdentity.Pkix
            : proven!.Identity;
        return new PeerVerdict(met ? identity : PeerIdentity.Unauthenticated,
        [
            .. failures.GroupBy(failure => failure)
                .Select(same => same.Key with { Against = same.Aggregate(ReportedAgainst.None, (all, one) => all | one.Against) })
        ]);

        void Weigh(PeerVerdict? verdict, bool inForce, ReportedAgainst against)
        {
            if (verdict is null)
            {
                return;
            }

            failures.AddRange(verdict.Failures.Select(failure => failure with { Against = against }));
            met &= !inForce || verdict.Identity is not PeerIdentity.Unauthenticated;
        }
    }

    static PeerVerdict Judge(PeerChain chain, TransportPolicy.Pinned policy)
    {
        try
        {
            return policy.Pins.Any(pin => pin.Matches(chain.Leaf))
                ? new PeerVerdict(PeerIdentity.Pinned, [])
                : Failed("pin-mismatch", $"neither its certificate nor its key is one of those that {policy.Source} names");
        }
        catch (CryptographicException e)
        {
            return Failed("malformed-certificate", e.Message);
        }

        static PeerVerdict Failed(string reason, string detail) =>
            new(PeerIdentity.Unauthenticated, [new TlsFailure(TlsResultType.CertificateNotTrusted, reason, detail)]);
    }

    static (T? Policy, bool InForce) Demand<T>(HostPlan plan)
        where T : TransportPolicy => Demands<T>(plan).FirstOrDefault();

    static IEnumerable<(T Policy, bool InForce)> Demands<T>(HostPlan plan)
        where T : TransportPolicy
    {
        foreach (var policy in plan.Policies)
        {
            switch (policy)
            {
                case T found:
                    yield return (found, true);
                    break;
                case TransportPolicy.Excepted { Policy: T found }:
                    yield return (found, false);
                    break;
                case TransportPolicy.Waived { Policy: T found }:
                    yield return (found, false);
                    break;
            }
        }
    }
}
