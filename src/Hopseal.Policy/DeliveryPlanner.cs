using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy;

/// <summary>Step 6: decides, before any connection is opened, how mail for a domain may travel.</summary>
/// <remarks>
/// <para>Where to, the first that applies: the domain table, the entry for any domain, the smart host, the MX hosts.</para>
/// <para>How: every policy that applies to a host is in its plan, and the highest floor wins. Rules are looked up for the
/// recipient domain and for the name of the next hop; both apply. Exceptions lower some of them: see <see cref="HostPlan"/>.</para>
/// <para>Which names a certificate may prove: a verified name is worth what the choice of the name is worth. A next hop that
/// the operator wrote down is what was asked for. The name of an MX host comes from DNS, and whoever forges the MX record
/// has a valid certificate for his own host; so it counts only from DNSSEC-validated records, or when it lies within the recipient
/// domain (where a forger would need a certificate of that domain). The recipient domain itself always counts on the MX path,
/// and so does what a matching rule lists, except that a rule found only by a host name that DNS chose without
/// DNSSEC raises the floor but lends no names and no proof, is no exception, and shows nothing of ours: the forger would choose the name with
/// the convenient rule.</para>
/// </remarks>
/// <param name="sts">Null: MTA-STS is not looked for.</param>
/// <param name="random">Orders MX hosts of equal preference; the shared one if not given.</param>
public sealed class DeliveryPlanner(
    Routing routing, IDnsResolver resolver, ProvenTlsMemory proven, StsPolicies? sts = null, Random? random = null)
{
    static readonly EnhancedStatus s_badDestination = new(5, 1, 2);
    static readonly EnhancedStatus s_dnsFailure = new(4, 4, 3);
    static readonly EnhancedStatus s_unroutableNow = new(4, 4, 4);
    static readonly EnhancedStatus s_securityNow = new(4, 7, 5);
    static readonly StsFinding s_noSts = new StsFinding.None("not looked for", []);
    static readonly StsFinding s_address = new StsFinding.None("the next hop is an address", []);

    readonly OperatorRules _rules = new(routing.Rules);
    readonly DaneLookup _dane = new(resolver);
    readonly MxLookup _mx = new(resolver, routing.OwnNames, routing.MxPort, random ?? Random.Shared);

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="domain">The domain of a mailbox: a name, or an address literal (RFC 5321 §4.1.3).</param>
    /// <param name="sender">Null for the null sender, and where it is not known: rules for a sender do not apply then.</param>
    public ValueTask<DeliveryPlan> PlanAsync(string domain, Mailbox? sender, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if (DomainName.TryParse(domain, out var name))
        {
            return PlanAsync(new Recipient(name.Ascii, name, null, sender), cancel);
        }

        return AddressLiteral.TryParse(domain, out var address) && HostAddresses.IsHost(address)
            ? PlanAsync(new Recipient(AddressLiteral.Write(address), null, address, sender), cancel)
            : ValueTask.FromResult<DeliveryPlan>(new DeliveryPlan.Bounce(s_badDestination, $"{domain} is no destination for mail"));
    }

    ValueTask<DeliveryPlan> PlanAsync(Recipient recipient, CancellationToken cancel)
    {
        var (route, source) = recipient.Domain is { } domain && routing.Domains.TryGetValue(domain, out var own)
            ? (own, $"Domains.{domain}")
            : (routing.AnyDomain, nameof(Routing.AnyDomain));
        if (route?.Maildir is { } maildir)
        {
            return ValueTask.FromResult<DeliveryPlan>(new DeliveryPlan.Keep(maildir));
        }

        var configured = Configured(route?.Floor, source);
        if (route?.NextHop is { } nextHop)
        {
            return PlanAsync(recipient, nextHop, configured, credentials: false, cancel);
        }

        if (routing.SmartHost is { } smartHost)
        {
            configured = [.. configured, .. Configured(routing.SmartHostFloor, "Outbound.SmartHost")];
            return PlanAsync(recipient, smartHost, configured, routing.SmartHostCredentials, cancel);
        }

        return PlanDirectAsync(recipient, configured, cancel);
    }

    async ValueTask<DeliveryPlan> PlanAsync(
        Recipient recipient, NextHop hop, ImmutableArray<TransportPolicy> configured, bool credentials, CancellationToken cancel)
    {
        var addresses = hop switch
        {
            { Address: { } address } => new HostAddresses([address], null, Known: true),
            { Host: { } host } => await HostAddresses.FindAsync(resolver, host, cancel),
            _ => new HostAddresses([], "it has neither name nor address", Known: true),
        };
        if (addresses.Failure is { } failure)
        {
            // A next hop that does not exist is a slip of the operator's; it must not cost mail.
            return new DeliveryPlan.Defer(
                addresses.Known ? s_unroutableNow : s_dnsFailure,
                $"the configured next hop for {recipient.Text} cannot be found: {failure}");
        }

        var planned = addresses.Of(new PlannedHost(
            hop.Address is null ? hop.Host : null, 0, hop.Port, hop.Start, HostAuthenticity.Configured, addresses.Found));
        // For a relay that we choose, its own policy counts, not the recipient domain's (RFC 8461 §3.4).
        var policy = planned.Name is null ? s_address : await FindPolicyAsync(planned.Name, cancel);
        return await DecideAsync(recipient, [Secured(recipient, planned, configured, credentials)], policy, credentials, cancel);
    }

    async ValueTask<DeliveryPlan> PlanDirectAsync(
        Recipient recipient, ImmutableArray<TransportPolicy> configured, CancellationToken cancel)
    {
        if (recipient.Domain is not { } domain)
        {
            var host = new PlannedHost(null, 0, routing.MxPort, TlsStart.StartTls, HostAuthenticity.None, [recipient.Address!]);
            return new DeliveryPlan.Relay([Direct(host)]);
        }

        var asking = FindPolicyAsync(domain, cancel);
        var hosts = await _mx.FindAsync(domain, cancel);
        var policy = await asking;
        return hosts switch
        {
            MxHosts.Found found => await DecideAsync(recipient, [.. found.Hosts.Select(Direct)], policy, credentials: false, cancel),
            MxHosts.None none => none.Plan,
            var unknown => throw new InvalidOperationException($"unknown MX answer {unknown}"),
        };

        HostPlan Direct(PlannedHost host) => Secured(recipient, host, configured, credentials: false);
    }

    Task<StsFinding> FindPolicyAsync(DomainName domain, CancellationToken cancel) =>
        sts is null ? Task.FromResult(s_noSts) : sts.FindAsync(domain, cancel).AsTask();

    /// <summary>Adds what is published for each host, and leaves out those that it rules out.</summary>
    async ValueTask<DeliveryPlan> DecideAsync(
        Recipient recipient, ImmutableArray<HostPlan> hosts, StsFinding policy, bool credentials, CancellationToken cancel)
    {
        var records = await Task.WhenAll(hosts.Select(host => _dane.FindAsync(host.Host, cancel).AsTask()));
        var able = ImmutableArray.CreateBuilder<HostPlan>();
        var excluded = ImmutableArray.CreateBuilder<ExcludedHost>();
        foreach (var (host, found) in hosts.Zip(records))
        {
            var plan = PublishedPolicies.Add(host, policy, found, recipient.Domain, out var why);
            if (why is null)
            {
                able.Add(plan);
            }
            else
            {
                excluded.Add(new ExcludedHost(plan, why));
            }
        }

        return able.Count > 0
            ? new DeliveryPlan.Relay(able.ToImmutable(), credentials) { Excluded = excluded.ToImmutable() }
            : new DeliveryPlan.Defer(
                s_securityNow,
                $"no host of {recipient.Text} may be given mail now: {string.Join("; ", excluded.Select(host => $"{host.Plan.Host}: {host.Why.Detail}"))}")
            {
                Excluded = excluded.ToImmutable(),
            };
    }

    HostPlan Secured(Recipient recipient, PlannedHost host, ImmutableArray<TransportPolicy> configured, bool credentials)
    {
        var forDomain = _rules.Matching(recipient.Text, recipient.Sender);
        var forHost = HostText(host) is { } text ? _rules.Matching(text, recipient.Sender).RemoveAll(rule => rule.Required) : [];
        var policies = ImmutableArray.CreateBuilder<TransportPolicy>();
        policies.Add(new TransportPolicy.Opportunistic());
        policies.AddRange(configured);
        var lending = host.Authenticity == HostAuthenticity.None ? forDomain : [.. forDomain.Union(forHost)];
        ImmutableArray<OutboundRule> matching = [.. forDomain.Union(forHost)];
        policies.AddRange(OperatorRules.Combine(matching, lending));
        if (credentials)
        {
            policies.Add(new TransportPolicy.Credentials());
        }

        // What was required while the gateway runs only ever raises: where the configuration asks for a name already, it lends none.
        var named = configured.Any(policy => policy.Floor is SecurityFloor.Authenticated)
            || matching.Any(rule => rule is { Required: false, Floor: SecurityFloor.Authenticated });
        var lent = lending.Where(rule => !(rule.Required && named)).SelectMany(rule => rule.Names);
        var plan = new HostPlan(host, policies.DrainToImmutable(), [.. BelievedNames(recipient, host).Concat(lent).Distinct(StringComparer.OrdinalIgnoreCase)])
        {
            Certificate = OperatorRules.Certificate(lending),
            AuthenticatedHopBy = OperatorRules.AuthenticatedHop(matching, lending),
        };
        return proven.Find(host) is { } known ? plan.With(known.AsPolicy()) : plan;
    }

    /// <summary>As rules name it.</summary>
    static string? HostText(PlannedHost host) =>
        host.Name?.Ascii ?? (host.Addresses is [var address, ..] ? AddressLiteral.Write(address) : null);

    static IEnumerable<string> BelievedNames(Recipient recipient, PlannedHost host)
    {
        if (host.Name is { } name
            && (host.Authenticity != HostAuthenticity.None || (recipient.Domain is { } within && name.IsWithin(within))))
        {
            yield return name.Ascii;
        }

        if (host.Authenticity != HostAuthenticity.Configured && recipient.Domain is { } domain)
        {
            yield return domain.Ascii;
        }
    }

    static ImmutableArray<TransportPolicy> Configured(SecurityFloor? floor, string source) =>
        floor is { } configured ? [new TransportPolicy.Operator(configured, source)] : [];

    /// <summary>Either a domain, or an address; and who sends there.</summary>
    sealed record Recipient(string Text, DomainName? Domain, IPAddress? Address, Mailbox? Sender);
}
