using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>A missed floor in plain words: which host, what was required and by whom, what was reached.</summary>
public static class SecurityWords
{
    const int MaxFailures = 3;
    const int MaxCharacters = 600;
    const int MaxTerms = 200;

    /// <summary>X.7.4 where TLS was not to be had, X.7.5 where it was not good enough (RFC 3463 §3.8).</summary>
    public static EnhancedStatus StatusOf(ImmutableArray<TlsFailure> failures) =>
        failures.Any(failure => failure.Type == TlsResultType.StarttlsNotSupported) ? new(4, 7, 4) : new(4, 7, 5);

    public static string Explain(string host, HostPlan plan, ImmutableArray<TlsFailure> failures)
    {
        var required = plan.Floor switch
        {
            SecurityFloor.Plaintext => "encryption was tried",
            SecurityFloor.Encrypted => $"encryption is required ({Source(plan)}{Version(plan)})",
            SecurityFloor.Authenticated => $"encryption to an authenticated host is required ({Source(plan)}{Version(plan)})",
        };
        var reached = failures.IsEmpty ? "it was not reached" : string.Join("; ", failures.Take(MaxFailures).Select(Describe));
        return OneLine.Of($"{host}: {required}, but {reached}", MaxCharacters);
    }

    /// <summary>Nothing where the versions that are always spoken will do: a failed handshake says no more than that it failed.</summary>
    static string Version(HostPlan plan) => plan.MinimumVersion is TlsVersion.Tls12 ? "" : ", TLS 1.3 or newer";

    /// <summary>The same for machines.</summary>
    public static MissedFloor Missed(HostPlan plan, ImmutableArray<TlsFailure> failures)
    {
        // Without a handshake there is nothing to authenticate; with one, only the certificate was missing.
        var types = failures.Select(failure => failure.Type).ToImmutableArray();
        var handshake = !types.Contains(TlsResultType.StarttlsNotSupported) && !types.Contains(TlsResultType.ValidationFailure);
        return new MissedFloor(
            plan.Floor, Source(plan), handshake && !types.IsEmpty ? SecurityFloor.Encrypted : SecurityFloor.Plaintext, types);
    }

    /// <summary>Who asked for the floor: everybody who did, since any of them may be what is missed. Where an exception lowered it, that one, and
    /// what it lowered.</summary>
    /// <param name="internally">With the terms of an exception: who owns it and why is nothing for a report that leaves the house.</param>
    public static string Source(HostPlan plan, bool internally = false)
    {
        if (OnlyOneAsking(plan) is { } only)
        {
            return Source(only, internally);
        }

        ImmutableArray<TransportPolicy.Excepted> lowered = [.. plan.Lowered];
        return lowered.IsEmpty
            ? string.Join("; ", Asking(plan)
                .Union(plan.Policies.Where(policy => policy is TransportPolicy.RequireTls { RelaxedBy: not null }))
                .Select(policy => Source(policy, internally)))
            : string.Join("; ", lowered.GroupBy(excepted => excepted.By).Select(same =>
                $"{Source(same.Key, internally)}, instead of {string.Join(", ", same.Select(Instead))}"));

        string Instead(TransportPolicy.Excepted excepted) => $"{excepted.Policy.Floor} ({Source(excepted.Policy, internally)})";
    }

    /// <summary>Where there is no more to say, as for nearly all mail: each attempt is told several times.</summary>
    static TransportPolicy? OnlyOneAsking(HostPlan plan)
    {
        TransportPolicy? only = null;
        var floor = plan.Floor;
        foreach (var policy in plan.Policies)
        {
            if (policy is TransportPolicy.Excepted or TransportPolicy.RequireTls or TransportPolicy.MinimumVersion
                || (policy.Floor == floor && floor > SecurityFloor.Plaintext && only is not null))
            {
                return null;
            }

            only ??= policy.Floor == floor ? policy : null;
        }

        return only;
    }

    /// <summary>Of rules that ask for a version beside a floor, the floor's part; nobody asks for plaintext, so one is enough there.</summary>
    static IEnumerable<TransportPolicy> Asking(HostPlan plan)
    {
        var floor = plan.Floor;
        ImmutableArray<TransportPolicy> asking = [.. plan.Policies.Where(policy => policy.Floor == floor)];
        return floor is SecurityFloor.Plaintext
            ? asking.Take(1)
            : asking.Where(policy => policy is not TransportPolicy.MinimumVersion).DefaultIfEmpty(asking[0]);
    }

    static string Source(TransportPolicy policy, bool internally) => policy switch
    {
        TransportPolicy.Operator { Exception: { } terms } exception =>
            $"exception: {exception.Source}{(internally ? $" {OneLine.Of(terms.ToString(), MaxTerms)}" : "")}",
        TransportPolicy.Operator configured => $"configured: {configured.Source}",
        TransportPolicy.Pinned pinned => $"configured: {pinned.Source}, fingerprints",
        TransportPolicy.PrivateAuthority authority => $"configured: {authority.Source}, authorities",
        TransportPolicy.MinimumVersion minimum =>
            $"configured: {minimum.Source}, {(minimum.Version is TlsVersion.Tls13 ? "TLS 1.3" : "TLS 1.2")} or newer",
        TransportPolicy.Excepted excepted => Source(excepted.By, internally),
        TransportPolicy.Opportunistic => "nothing demands more",
        TransportPolicy.Credentials => "we authenticate there",
        TransportPolicy.ProvenTls proven => string.Create(
            CultureInfo.InvariantCulture, $"it completed TLS on {proven.LastProvenAt.UtcDateTime:yyyy-MM-dd}"),
        TransportPolicy.Dane dane => $"DANE, TLSA at {dane.Base}{(dane.SecureMx ? "" : ", of a host that DNSSEC does not vouch for")}",
        TransportPolicy.DaneUnusable unusable => $"DANE, TLSA at {unusable.Base} that cannot be used",
        TransportPolicy.MtaSts sts => $"MTA-STS, id {sts.Policy.Id}",
        TransportPolicy.RequireTls { RelaxedBy: { } rule } => $"REQUIRETLS of the sender, an authenticated host is enough by {rule}",
        TransportPolicy.RequireTls => "REQUIRETLS of the sender",
        TransportPolicy.Waived waived => $"waived by the sender: {Source(waived.Policy, internally)}",
        _ => throw new ArgumentException($"unknown policy {policy}", nameof(policy)),
    };

    static string Describe(TlsFailure failure)
    {
        var words = failure.Type switch
        {
            TlsResultType.StarttlsNotSupported => "it does not start TLS",
            TlsResultType.CertificateHostMismatch => "its certificate is for another name",
            TlsResultType.CertificateExpired => "its certificate has expired or is not valid yet",
            TlsResultType.CertificateNotTrusted => "its certificate is not from an authority we trust",
            TlsResultType.ValidationFailure => "TLS with it failed",
            TlsResultType.TlsaInvalid => "its TLSA records do not match its certificate",
            TlsResultType.DnssecInvalid => "its DNSSEC records are not valid",
            TlsResultType.DaneRequired => "it has no usable TLSA records",
            TlsResultType.StsPolicyFetchError => "its MTA-STS policy cannot be fetched",
            TlsResultType.StsPolicyInvalid => "its MTA-STS policy is not valid",
            TlsResultType.StsWebpkiInvalid => "the certificate of its MTA-STS policy host is not valid",
        };
        return failure.Detail is { } detail ? $"{words} ({failure.ReasonCode}: {detail})" : $"{words} ({failure.ReasonCode})";
    }
}
