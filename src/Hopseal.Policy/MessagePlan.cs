using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy;

/// <summary>What a domain's plan becomes for one message whose sender said something about TLS (RFC 8689).</summary>
public static class MessagePlan
{
    static readonly EnhancedStatus s_requireTlsUnsupported = new(5, 7, 30);

    /// <summary>Pure. <see cref="MessageTls.Unspecified"/> changes nothing. <see cref="MessageTls.Required"/> raises every host to
    /// <see cref="SecurityFloor.Authenticated"/> and leaves out those whose name nobody vouches for. <see cref="MessageTls.Optional"/> sets aside what the
    /// recipient's side published, and never what an operator configured, what we remember, or what protects our credentials.</summary>
    public static DeliveryPlan For(this DeliveryPlan plan, MessageTls message)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return (plan, message) switch
        {
            (DeliveryPlan.Relay relay, MessageTls.Required) when relay.Hosts.Any(HasBelievedName) => Required(relay),
            (DeliveryPlan.Relay relay, MessageTls.Required) => NobodyMay(relay),
            (DeliveryPlan.Relay relay, MessageTls.Optional) => Optional(relay.Hosts, relay.Excluded, relay.Credentials),
            (DeliveryPlan.Defer { Excluded.IsEmpty: false } defer, MessageTls.Optional) => Optional([], defer.Excluded, credentials: false),
            _ => plan,
        };
    }

    static bool HasBelievedName(HostPlan host) => host.Host.Authenticity is not HostAuthenticity.None;

    static DeliveryPlan.Relay Required(DeliveryPlan.Relay relay) => relay with
    {
        Hosts =
        [
            .. relay.Hosts.Where(HasBelievedName)
                .Select(host => host with { Policies = [.. host.Policies, new TransportPolicy.RequireTls(OfferRequired: true)] }),
        ],
        Excluded = WithoutBelievedName(relay),
    };

    static DeliveryPlan.Bounce NobodyMay(DeliveryPlan.Relay relay)
    {
        var why = string.Join("; ", WithoutBelievedName(relay).Select(host => host.Why.Detail).Distinct());
        return new DeliveryPlan.Bounce(
            s_requireTlsUnsupported, $"the sender requires TLS (REQUIRETLS), and no host may be given the message: {why}");
    }

    static ImmutableArray<ExcludedHost> WithoutBelievedName(DeliveryPlan.Relay relay) =>
    [
        .. relay.Excluded,
        .. relay.Hosts.Where(host => !HasBelievedName(host)).Select(host => new ExcludedHost(host, new TlsFailure(
            TlsResultType.ValidationFailure, "requiretls-name", "neither DNSSEC nor MTA-STS vouches for the name of the host"))),
    ];

    /// <summary>Hosts that only the recipient's side ruled out come back, in their order.</summary>
    static DeliveryPlan.Relay Optional(ImmutableArray<HostPlan> hosts, ImmutableArray<ExcludedHost> excluded, bool credentials) => new(
        [.. hosts.Concat(excluded.Select(host => host.Plan)).OrderBy(host => host.Host.Preference).Select(Waive)], credentials);

    static HostPlan Waive(HostPlan host) => host with
    {
        Policies =
        [
            .. host.Policies.Select(policy => policy is TransportPolicy.Dane or TransportPolicy.DaneUnusable or TransportPolicy.MtaSts
                ? new TransportPolicy.Waived(policy)
                : policy),
        ],
    };
}
