using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy;

/// <summary>What a domain's plan becomes for one message whose sender said something about TLS (RFC 8689).</summary>
public static class MessagePlan
{
    static readonly EnhancedStatus s_requireTlsUnsupported = new(5, 7, 30);
    static readonly EnhancedStatus s_requireTlsNow = new(4, 7, 30);

    /// <summary>Pure. For a message of the null sender, REQUIRETLS asks nothing of the plan: a report is not to be lost because its way back lacks
    /// what its message had (RFC 8689 §5). Where a hop offers it, it is still said.</summary>
    public static DeliveryPlan For(this DeliveryPlan plan, Envelope message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return plan.For(message is { Tls: MessageTls.Required, ReturnPath: null } ? MessageTls.Unspecified : message.Tls);
    }

    /// <summary>Pure. <see cref="MessageTls.Unspecified"/> changes nothing. <see cref="MessageTls.Required"/> raises every host to
    /// <see cref="SecurityFloor.Authenticated"/> and leaves out those whose name nobody vouches for. <see cref="MessageTls.Optional"/> sets aside what the
    /// recipient's side published and what we inferred of it from earlier sessions, and never what an operator configured or what protects our
    /// credentials.</summary>
    public static DeliveryPlan For(this DeliveryPlan plan, MessageTls message)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return (plan, message) switch
        {
            (DeliveryPlan.Relay relay, MessageTls.Required) when relay.Hosts.Any(HasBelievedName) => Required(relay),
            (DeliveryPlan.Relay relay, MessageTls.Required) => NobodyMay(relay),
            (DeliveryPlan.Relay relay, MessageTls.Optional) => Optional(relay.Hosts, relay.Excluded, relay.Credentials),
            (DeliveryPlan.Defer { Excluded.IsEmpty: false } defer, MessageTls.Optional) =>
                Optional([], defer.Excluded, credentials: defer.Excluded.Any(NeedsCredentials)),
            _ => plan,
        };
    }

    static bool HasBelievedName(HostPlan host) => host.Host.Authenticity is not HostAuthenticity.None;

    /// <summary>A smart host whose records are not known now is brought back as it was: without our name it would refuse the mail for good.</summary>
    static bool NeedsCredentials(ExcludedHost host) => host.Plan.Policies.Any(policy => policy is TransportPolicy.Credentials);

    static DeliveryPlan.Relay Required(DeliveryPlan.Relay relay) => relay with
    {
        Hosts = [.. relay.Hosts.Where(HasBelievedName).Select(Require)],
        Excluded = WithoutBelievedName(relay),
    };

    static HostPlan Require(HostPlan host) => host with
    {
        Policies = [.. host.Policies, new TransportPolicy.RequireTls(host.AuthenticatedHopBy is null, host.AuthenticatedHopBy)],
    };

    /// <summary>Returned at once, as RFC 8689 §4.2.1 has it; unless one of the hosts may qualify later, because what would vouch for it
    /// could not be found out.</summary>
    static DeliveryPlan NobodyMay(DeliveryPlan.Relay relay)
    {
        var excluded = WithoutBelievedName(relay);
        var why = string.Join("; ", excluded.Select(host => $"{host.Plan.Host}: {host.Why.Detail ?? host.Why.ReasonCode}").Distinct());
        var reason = $"the sender requires TLS (REQUIRETLS), and no host may be given the message: {why}";
        return excluded.Any(host => host.IsForNow)
            ? new DeliveryPlan.Defer(s_requireTlsNow, reason) { Excluded = excluded }
            : new DeliveryPlan.Bounce(s_requireTlsUnsupported, reason);
    }

    static ImmutableArray<ExcludedHost> WithoutBelievedName(DeliveryPlan.Relay relay) =>
    [
        .. relay.Excluded,
        .. relay.Hosts.Where(host => !HasBelievedName(host)).Select(host => new ExcludedHost(host, new TlsFailure(
            TlsResultType.ValidationFailure, ExcludedHost.NoBelievedName, "neither DNSSEC nor MTA-STS vouches for the name of the host"))),
    ];

    /// <summary>What the recipient's side published is followed where it can be, and does not fail the message where it cannot (RFC 8689
    /// §4.2.2): hosts that only it ruled out come last.</summary>
    static DeliveryPlan.Relay Optional(ImmutableArray<HostPlan> hosts, ImmutableArray<ExcludedHost> excluded, bool credentials) => new(
        [.. hosts.Select(Waive), .. excluded.Select(host => Waive(host.Plan))], credentials);

    static HostPlan Waive(HostPlan host) => host with { Policies = [.. host.Policies.Select(Waive)] };

    static TransportPolicy Waive(TransportPolicy policy) => policy is
        TransportPolicy.Dane or TransportPolicy.DaneUnusable or TransportPolicy.MtaSts or TransportPolicy.ProvenTls
            ? new TransportPolicy.Waived(policy)
            : policy;
}
