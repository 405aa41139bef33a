using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Control;

/// <summary>A plan as a <see cref="ControlLine.Plan"/>. Whatever others chose the length of is bounded.</summary>
static class PlanDescription
{
    const int MostRecords = 20;
    const int MostNames = 20;

    public static ControlLine.Plan Of(
        string domain, Mailbox? sender, PlanSource source, DateTimeOffset at, DeliveryPlan plan, ResolverHealth? resolver)
    {
        var (action, status, reason) = Action(plan);
        return new ControlLine.Plan(
            domain,
            sender?.ToString(),
            source,
            at,
            action,
            status?.ToString(),
            reason,
            (plan as DeliveryPlan.Keep)?.Maildir,
            plan is DeliveryPlan.Relay { Credentials: true },
            [.. HostsOf(plan).Select(host => Host(host, why: null))],
            [.. ExcludedBy(plan).Select(host => Host(host.Plan, host.Why))],
            [.. Enum.GetValues<MessageTls>().Select(kind => Messages(kind, plan.For(kind)))],
            resolver is null ? null : Resolver(resolver));
    }

    static PlanResolver Resolver(ResolverHealth health) => new(
        health.State,
        health.CheckedAt,
        [.. health.Servers.Select(server => new PlanResolverServer(server.Server.ToString(), server.Trusted, server.State, server.Detail))]);

    static (PlanAction Action, EnhancedStatus? Status, string? Reason) Action(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Relay => (PlanAction.Relay, null, null),
        DeliveryPlan.Keep => (PlanAction.Keep, null, null),
        DeliveryPlan.Defer defer => (PlanAction.Wait, defer.Status, defer.Reason),
        DeliveryPlan.Bounce bounce => (PlanAction.Bounce, bounce.Status, bounce.Reason),
        _ => throw new ArgumentException($"unknown plan {plan}", nameof(plan)),
    };

    static ImmutableArray<HostPlan> HostsOf(DeliveryPlan plan) => plan is DeliveryPlan.Relay relay ? relay.Hosts : [];

    static ImmutableArray<ExcludedHost> ExcludedBy(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Relay relay => relay.Excluded,
        DeliveryPlan.Defer defer => defer.Excluded,
        _ => [],
    };

    static PlanMessages Messages(MessageTls kind, DeliveryPlan plan)
    {
        var (action, status, reason) = Action(plan);
        return new PlanMessages(
            kind, action, status?.ToString(), reason, [.. HostsOf(plan).Select(host => new PlanFloor(host.Host.ToString(), host.Floor))]);
    }

    static PlanHost Host(HostPlan plan, TlsFailure? why)
    {
        var host = plan.Host;
        return new PlanHost(
            host.ToString(),
            host.Name?.Ascii,
            host.Port,
            host.Authenticity is HostAuthenticity.Configured || host.Name is null ? null : host.Preference,
            host.Authenticity,
            host.Start,
            [.. host.Addresses.Select(address => address.ToString())],
            host.AddressFailure,
            host.Name is null || host.AddressFailure is not null ? null : host.AddressStatus,
            host.ExpandedName?.Ascii,
            plan.Floor,
            [.. plan.Policies.Select(Policy)],
            [.. plan.Notes.Select(note => new PlanNote(note.Mechanism, note.Detail, Failure(note.Failure)))],
            plan.ServerName.Length == 0 ? null : plan.ServerName,
            plan.ReferenceNames,
            Failure(why))
        {
            MinimumVersion = plan.MinimumVersion,
            Shows = plan.Certificate?.Files.Chain,
        };
    }

    static PlanPolicy Policy(TransportPolicy policy)
    {
        var words = PlanText.Describe(policy);
        PlanPolicy Line(string kind) => new(kind, policy.Floor, words);
        return policy switch
        {
            TransportPolicy.Opportunistic => Line("opportunistic"),
            TransportPolicy.Operator rule => Line("operator") with { Source = rule.Source, Exception = Exception(rule.Exception) },
            TransportPolicy.Excepted excepted => Line("excepted") with
            {
                Source = excepted.By.Source,
                Exception = Exception(excepted.By.Exception),
                Of = Policy(excepted.Policy),
            },
            TransportPolicy.Credentials => Line("credentials"),
            TransportPolicy.Pinned pinned => Line("pinned") with
            {
                Source = pinned.Source,
                Vouched = pinned.Vouched,
                Fingerprints = [.. pinned.Pins.Select(pin => pin.ToString())],
            },
            TransportPolicy.PrivateAuthority authority => Line("privateAuthority") with
            {
                Source = authority.Source,
                Vouched = authority.Vouched,
                Authorities = authority.Roots.Description,
            },
            TransportPolicy.MinimumVersion minimum => Line("minimumVersion") with { Source = minimum.Source, MinimumVersion = minimum.Version },
            TransportPolicy.ProvenTls proven => Line("provenTls") with
            {
                LastProvenAt = proven.LastProvenAt,
                LastVerifiedAt = proven.LastVerifiedAt,
            },
            TransportPolicy.Dane dane => Line("dane") with { Dane = Records(dane.Base, dane.Usable, usable: true, dane.SecureMx) },
            TransportPolicy.DaneUnusable dane => Line("daneUnusable") with { Dane = Records(dane.Base, dane.Published, usable: false, null) },
            TransportPolicy.MtaSts sts => Line("mtaSts") with { MtaSts = Sts(sts) },
            TransportPolicy.RequireTls => Line("requireTls"),
            TransportPolicy.Waived waived => Line("waived") with { Of = Policy(waived.Policy) },
            _ => throw new ArgumentException($"unknown policy {policy}", nameof(policy)),
        };
    }

    static PlanException? Exception(ExceptionTerms? terms) => terms is null ? null : new(terms.Until, terms.Reason, terms.Owner);

    static PlanDane Records(DomainName at, ImmutableArray<TlsaRecord> records, bool usable, bool? secureMx) =>
        new(at.Ascii, [.. records.Take(MostRecords).Select(PlanText.Shorten)], usable, secureMx);

    static PlanSts Sts(TransportPolicy.MtaSts sts) => new(
        sts.Policy.Mode,
        sts.Policy.Id,
        [.. sts.Policy.Mx.Take(MostNames)],
        (long)sts.Policy.MaxAge.TotalSeconds,
        sts.FetchedAt,
        sts.FetchedAt + sts.Policy.MaxAge);

    static PlanFailure? Failure(TlsFailure? failure) =>
        failure is null ? null : new(failure.Type.ToWire(), failure.ReasonCode, failure.Detail);
}
