using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>Facts and a profile make a report. Pure: what was stored is judged anew at any time.</summary>
public static class Judge
{
    public static AuditReport Of(AuditFacts facts, Profile profile)
    {
        ArgumentNullException.ThrowIfNull(facts);
        ArgumentNullException.ThrowIfNull(profile);
        return new AuditReport(facts, profile.Name, [.. All(facts, profile)]);
    }

    static IEnumerable<Finding> All(AuditFacts facts, Profile profile)
    {
        foreach (var finding in DomainChecks.Of(facts, profile).Concat(StsChecks.Of(facts, profile)))
        {
            yield return finding;
        }

        foreach (var host in facts.Hosts)
        {
            foreach (var finding in HostChecks.Of(facts, host, profile).Concat(DaneChecks.Of(host)).Concat(host.Endpoints.SelectMany(endpoint => OfEndpoint(facts, host, endpoint, profile))))
            {
                yield return finding;
            }
        }

        if (Identity(facts, profile) is { } identity)
        {
            yield return identity;
        }
    }

    static IEnumerable<Finding> OfEndpoint(AuditFacts facts, HostFacts host, EndpointFacts endpoint, Profile profile)
    {
        var subject = host.Name is null ? endpoint.Address : $"{host.Name} [{endpoint.Address}]";
        return
        [
            .. EndpointChecks.Of(endpoint, subject, host.Endpoints.Any(other => other != endpoint && other.Dialogue.Reach is Reach.Talked)),
            .. FurtherChecks.Of(endpoint, subject),
            .. TlsChecks.Of(endpoint, subject, profile),
            .. CertificateChecks.Of(facts, host, endpoint, subject, profile),
        ];
    }

    /// <summary>Whether a sender that looks up nothing else than what is published would notice an impostor.</summary>
    static Finding? Identity(AuditFacts facts, Profile profile)
    {
        if (facts is { Domain: null, Hosts: [var alone] })
        {
            return OfHost(alone, profile);
        }

        if (facts.Domain is { Mx.State: MxState.Null } without)
        {
            return new Finding(CheckIds.Identity, without.Name, Question.Authenticated, Verdict.Ok, "No mail: there is no host that senders have to verify", [], "RFC 7505 §3");
        }

        if (facts.Domain is not { Mx.State: MxState.Found or MxState.Implicit } domain || facts.Hosts.IsEmpty)
        {
            return null;
        }

        ImmutableArray<string> how =
        [
            .. domain.Mx.Signed && facts.Hosts.All(host => host.Tlsa is { Answer: TlsaAnswer.Signed, Records.IsEmpty: false }) ? ["DANE for every host"] : Array.Empty<string>(),
            .. domain.Sts.Policy is { Mode: "enforce" } ? ["MTA-STS, enforced"] : Array.Empty<string>(),
        ];
        var unknown = domain is { Mx.State: MxState.NotKnown } or { Sts.RecordKnown: false };
        return new Finding(
            CheckIds.Identity, domain.Name, Question.Authenticated,
            !how.IsEmpty ? Verdict.Ok : unknown ? Verdict.Unknown : profile.VerdictOf(CheckIds.Identity, Verdict.Warn),
            how.IsEmpty ? "Senders cannot tell its hosts from an impostor" : "Senders can verify its hosts", how, "RFC 7435 §1",
            how.IsEmpty ? Remedy.Of("Publish TLSA records in a signed zone (DANE), or an MTA-STS policy with mode: enforce; best both.") : null);
    }

    /// <summary>A host by itself, whoever's mail it takes: whether a client that verifies would be content with it. Nothing is said of a bare
    /// address, and of one where no handshake came to an end.</summary>
    static Finding? OfHost(HostFacts host, Profile profile)
    {
        HandshakeFacts[] seen = [.. host.Endpoints.Select(endpoint => endpoint.Handshake).OfType<HandshakeFacts>().Where(handshake => handshake.Works)];
        if (host.Name is not { } name || seen.Length == 0)
        {
            return null;
        }

        ImmutableArray<string> how =
        [
            .. seen.All(handshake => handshake.TlsaMatches is true) ? ["DANE"] : Array.Empty<string>(),
            .. seen.All(handshake => handshake.PkixProblems.IsEmpty && handshake.NameMatches is true) ? ["a certificate of the web PKI for its name"] : Array.Empty<string>(),
        ];
        return new Finding(
            CheckIds.Identity, name, Question.Authenticated, how.IsEmpty ? profile.VerdictOf(CheckIds.Identity, Verdict.Warn) : Verdict.Ok,
            how.IsEmpty ? "Clients cannot tell it from an impostor" : "Clients can verify it", how, "RFC 7435 §1",
            how.IsEmpty ? Remedy.Of("Install a certificate for its name from an authority that the web PKI trusts, or publish TLSA records in a signed zone (DANE).") : null);
    }
}
