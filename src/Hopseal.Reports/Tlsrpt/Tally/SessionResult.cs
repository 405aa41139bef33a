using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt.Tally;

/// <summary>What one session says about one policy that was applied to it.</summary>
/// <param name="Successful">It had TLS as the policy wants it (RFC 8460 §4.2).</param>
/// <param name="Failures">Each for one session. A successful one may have some too: that a policy could not be renewed does not make sessions
/// fail by the one that was kept.</param>
sealed record SessionResult(AppliedPolicy Policy, bool Successful, ImmutableArray<FailureDetail> Failures)
{
    /// <summary>There is TLS all the same (RFC 7672 §2.2), and it proves nothing: none of the set is valid (RFC 8460 §4.3.2.1).</summary>
    static readonly TlsFailure s_unusable = new(TlsResultType.TlsaInvalid, "no-usable-records");

    /// <summary>One result for each policy that was found; none for a session that says nothing about TLS: it broke before (RFC 8460
    /// §4.3.4), was meant to be without it, or failed by a demand of our own only.</summary>
    public static ImmutableArray<SessionResult> Of(SessionRecord.Outbound session)
    {
        ArgumentNullException.ThrowIfNull(session);

        // The handshake that failed before a session without TLS has a record of its own.
        if (session.Start is TlsStart.None || session.Tls is null || DomainOf(session.Plan.Host, session.Domain) is not { } domain)
        {
            return [];
        }

        var failures = session.Tls switch
        {
            TlsOutcome.Encrypted encrypted => encrypted.Tolerated,
            TlsOutcome.Plaintext plaintext => [plaintext.Reason],
            TlsOutcome.Refused refused => refused.Failures,
            _ => throw new ArgumentException($"unknown outcome {session.Tls}", nameof(session)),
        };
        var place = new Place(session.Plan.Host.Name?.Ascii, session.Local, session.Peer.Address);
        return [.. Found(session.Plan, domain).Select(found => Judge(found, session.Tls is TlsOutcome.Encrypted, failures, place)).OfType<SessionResult>()];
    }

    /// <summary>A host that got no session because of what is published for it, or of what could not be found out: counted as a session
    /// that failed. Whatever else ruled it out is nobody's failure.</summary>
    public static ImmutableArray<SessionResult> Of(ExcludedHost host, string recipientDomain)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (DomainOf(host.Plan.Host, recipientDomain) is not { } domain)
        {
            return [];
        }

        var place = new Place(host.Plan.Host.Name?.Ascii, null, null);
        return
        [
            .. Found(host.Plan, domain)
                .Where(found => found.Noted.Contains(host.Why))
                .Select(found => new SessionResult(found.Policy, false, [.. found.Noted.Select(failure => place.Detail(failure))])),
        ];
    }

    static SessionResult? Judge(FoundPolicy found, bool encrypted, ImmutableArray<TlsFailure> failures, Place place)
    {
        var own = failures.Where(failure => IsFailureOf(failure, found.Policy, encrypted)).Concat(found.Noted).Distinct().ToImmutableArray();
        var failed = own.Any(failure => !found.IsKept || !IsOfFetch(failure));
        return encrypted || failed ? new SessionResult(found.Policy, !failed, [.. own.Select(place.Detail)]) : null;
    }

    /// <summary>Where nothing is published, TLS with anybody is a success: opportunistic TLS asks for no more (RFC 7435 §3).</summary>
    static bool IsFailureOf(TlsFailure failure, AppliedPolicy policy, bool encrypted) => policy.Kind is PolicyKind.NoPolicyFound
        ? !encrypted && failure.Against is ReportedAgainst.All
        : (failure.Against & policy.Against) is not ReportedAgainst.None;

    static IEnumerable<FoundPolicy> Found(HostPlan plan, DomainName domain)
    {
        FoundPolicy[] published = [.. plan.Policies.Select(policy => Of(policy, plan, domain)).OfType<FoundPolicy>()];
        var (dane, sts) = (Noted(plan, PolicyNote.Dane), Noted(plan, PolicyNote.MtaSts));
        FoundPolicy[] unknown =
        [
            .. published.Any(found => found.Policy.Kind is PolicyKind.Sts) || sts.IsEmpty ? [] : new[] { new FoundPolicy(AppliedPolicy.UnknownSts(domain), sts, false) },
            .. published.Any(found => found.Policy.Kind is PolicyKind.Tlsa) || dane.IsEmpty ? [] : new[] { new FoundPolicy(AppliedPolicy.Tlsa(plan.Host.Name ?? domain, []), dane, false) },
        ];
        return published.Length + unknown.Length > 0 ? published.Concat(unknown) : [new FoundPolicy(AppliedPolicy.None(domain), [], false)];
    }

    static FoundPolicy? Of(TransportPolicy policy, HostPlan plan, DomainName domain) => policy switch
    {
        TransportPolicy.MtaSts sts => new FoundPolicy(AppliedPolicy.Sts(domain, sts.Policy), Noted(plan, PolicyNote.MtaSts), true),
        TransportPolicy.Dane dane => new FoundPolicy(AppliedPolicy.Tlsa(dane.Base, dane.Usable), [], true),
        TransportPolicy.DaneUnusable unusable => new FoundPolicy(AppliedPolicy.Tlsa(unusable.Base, unusable.Published), [s_unusable], true),
        TransportPolicy.Excepted excepted => Of(excepted.Policy, plan, domain),
        TransportPolicy.Waived waived => Of(waived.Policy, plan, domain),
        _ => null,
    };

    static ImmutableArray<TlsFailure> Noted(HostPlan plan, string mechanism) =>
        [.. plan.Notes.Where(note => note.Mechanism == mechanism).Select(note => note.Failure).OfType<TlsFailure>().Distinct()];

    static bool IsOfFetch(TlsFailure failure) =>
        failure.Type is TlsResultType.StsPolicyFetchError or TlsResultType.StsPolicyInvalid or TlsResultType.StsWebpkiInvalid;

    /// <summary>A configured next hop is its own policy domain (RFC 8460 §1.1); one that is an address, or a recipient at an address, has
    /// none.</summary>
    static DomainName? DomainOf(PlannedHost host, string recipientDomain) => host.Authenticity is HostAuthenticity.Configured
        ? host.Name
        : DomainName.TryParse(recipientDomain, out var domain) ? domain : null;

    /// <param name="Noted">What was already wrong when the plan was made.</param>
    /// <param name="IsKept">There is a policy to go by.</param>
    sealed record FoundPolicy(AppliedPolicy Policy, ImmutableArray<TlsFailure> Noted, bool IsKept);

    /// <summary>Between whom; nothing is known of the addresses where no connection was made.</summary>
    readonly record struct Place(string? MxHostname, IPAddress? Local, IPAddress? Peer)
    {
        /// <summary>Fetching a policy has nothing to do with the host.</summary>
        public FailureDetail Detail(TlsFailure failure) => IsOfFetch(failure)
            ? new FailureDetail { Type = ReportNames.Of(failure.Type), Sessions = 1, Reason = failure.ReasonCode }
            : new FailureDetail
            {
                Type = ReportNames.Of(failure.Type),
                Sessions = 1,
                SendingIp = Local,
                MxHostname = MxHostname,
                ReceivingIp = Peer,
                Reason = failure.ReasonCode,
            };
    }
}
