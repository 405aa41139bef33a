using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy;

/// <summary>How far the name of a host is itself to be believed: without it, a verified certificate only proves that we
/// reached the host an attacker chose.</summary>
public enum HostAuthenticity
{
    /// <summary>From insecure DNS.</summary>
    None,

    /// <summary>Written in our own configuration.</summary>
    Configured,

    /// <summary>Named by an MTA-STS policy that is enforced.</summary>
    MtaSts,

    /// <summary>From DNSSEC-validated MX records.</summary>
    Dnssec,
}

/// <param name="Preference">Of its MX record; 0 for a configured or implicit host.</param>
/// <param name="Name">Null when the configuration names an address.</param>
/// <param name="Addresses">IPv6 and IPv4 as they are to be tried; empty when <paramref name="AddressFailure"/> says why.</param>
/// <param name="AddressFailure">Set when there are no addresses, or they are not known now: the host is skipped
/// (RFC 7672 §2.1.2).</param>
/// <param name="AddressStatus">Secure when what was found out about the addresses of one family is validated, aliases on the way
/// included.</param>
/// <param name="ExpandedName">The name that holds the addresses, when <paramref name="Name"/> is an alias; else null.</param>
public sealed record PlannedHost(
    DomainName? Name,
    int Preference,
    int Port,
    TlsStart Start,
    HostAuthenticity Authenticity,
    ImmutableArray<IPAddress> Addresses,
    string? AddressFailure = null,
    DnssecStatus AddressStatus = DnssecStatus.Insecure,
    DomainName? ExpandedName = null)
{
    /// <summary>For example <c>mx.example.org:25</c> or <c>[2001:db8::1]:25</c>.</summary>
    public override string ToString() => Name is null ? new IPEndPoint(Addresses[0], Port).ToString() : $"{Name}:{Port}";
}

/// <summary>One host to try, with every policy that was found for it (each is reported on its own, RFC 8460 §4.4).</summary>
/// <remarks>An exception (<see cref="ExceptionTerms"/>) lowers what rules for a wider destination ask for, and what the memory of
/// proven TLS does. It never lowers a rule for the same or a narrower destination
/// (save one that stands in no configuration, <see cref="OutboundRule.Required"/>), the floor of a next hop in the domain table or of the smart
/// host, or the protection of credentials.</remarks>
/// <param name="ReferenceNames">The names a certificate may be for (RFC 9525 §6.1); a leading <c>*.</c> stands for one
/// label. Empty: no name would prove anything, so the floor Authenticated cannot be reached.</param>
public sealed record HostPlan(PlannedHost Host, ImmutableArray<TransportPolicy> Policies, ImmutableArray<string> ReferenceNames)
{
    /// <summary>The highest floor wins: no policy can lower what another one asked for, save an exception that somebody answers
    /// for.</summary>
    public SecurityFloor Floor
    {
        get
        {
            // Asked for many times a message.
            var highest = SecurityFloor.Plaintext;
            foreach (var policy in Policies)
            {
                highest = policy.Floor > highest ? policy.Floor : highest;
            }

            return highest;
        }
    }

    /// <summary>The oldest version of TLS that is offered.</summary>
    public TlsVersion MinimumVersion => Policies.OfType<TransportPolicy.MinimumVersion>().Select(policy => policy.Version)
        .DefaultIfEmpty(TlsVersion.Tls12).Max();

    /// <summary>What is shown to the host when it asks who we are; null: nothing.</summary>
    public ShownCertificate? Certificate { get; init; }

    /// <summary>What is sent as SNI: the TLSA base domain where there are TLSA records to judge by (RFC 7672 §2.2.3), be it only to report,
    /// else the host's name; empty for an address.</summary>
    public string ServerName => Policies.Select(TlsaBase).FirstOrDefault(name => name is not null)?.Ascii ?? Host.Name?.Ascii ?? "";

    /// <summary>What was looked for and does not apply, and why: for people, and for reports.</summary>
    public ImmutableArray<PolicyNote> Notes { get; init; } = [];

    /// <summary>The configuration key of the rule by which a host that proves who it is need not offer REQUIRETLS; null: it must.</summary>
    public string? AuthenticatedHopBy { get; init; }

    /// <summary>The exceptions without which the floor, or the version of TLS, would be higher.</summary>
    public IEnumerable<TransportPolicy.Excepted> Lowered
    {
        get
        {
            var (floor, version) = (Floor, MinimumVersion);
            return Policies.OfType<TransportPolicy.Excepted>().Where(excepted => excepted.Policy.Floor > floor
                || (excepted.Policy is TransportPolicy.MinimumVersion minimum && minimum.Version > version));
        }
    }

    static DomainName? TlsaBase(TransportPolicy policy) => policy switch
    {
        TransportPolicy.Dane dane => dane.Base,
        TransportPolicy.Excepted excepted => TlsaBase(excepted.Policy),
        TransportPolicy.Waived waived => TlsaBase(waived.Policy),
        _ => null,
    };

    /// <summary>The plan with what was learnt since it was made.</summary>
    public HostPlan With(TransportPolicy.ProvenTls proven) => (this with
    {
        Policies = Policies.RemoveAll(policy =>
            policy is TransportPolicy.ProvenTls or TransportPolicy.Excepted { Policy: TransportPolicy.ProvenTls }),
    }).With((TransportPolicy)proven);

    /// <summary>The plan with one more policy that no operator wrote down: published, or learnt. An exception in the plan lowers
    /// it.</summary>
    public HostPlan With(TransportPolicy found)
    {
        ArgumentNullException.ThrowIfNull(found);
        var lowest = Policies.OfType<TransportPolicy.Operator>()
            .Where(policy => policy.Exception is not null && policy.Floor < found.Floor)
            .MinBy(policy => policy.Floor);
        return this with { Policies = [.. Policies, lowest is null ? found : new TransportPolicy.Excepted(found, lowest)] };
    }
}

/// <summary>A certificate of ours for one destination.</summary>
/// <param name="Source">The configuration key.</param>
public sealed record ShownCertificate(CertificateFiles Files, string Source);

/// <summary>A policy that was looked for and is not in the plan.</summary>
/// <param name="Mechanism"><c>DANE</c> or <c>MTA-STS</c>.</param>
/// <param name="Detail">For people.</param>
/// <param name="Failure">Set where there should have been one, or where a policy that only reports is not met.</param>
public sealed record PolicyNote(string Mechanism, string Detail, TlsFailure? Failure = null)
{
    /// <summary>Whether there should have been one is not known: nothing to report, and no answer either.</summary>
    public bool IsUnknown { get; init; }

    public const string Dane = "DANE";
    public const string MtaSts = "MTA-STS";
}

/// <summary>A host that gets no mail, and why. It is shown and reported, and not tried.</summary>
/// <param name="Plan">As it would be tried.</param>
public sealed record ExcludedHost(HostPlan Plan, TlsFailure Why)
{
    /// <summary>Reason code: the MTA-STS policy does not name it.</summary>
    public const string NotInPolicy = "mx-not-in-policy";

    /// <summary>Reason code: nothing vouches for its name, and the sender wants that (RFC 8689 §2).</summary>
    public const string NoBelievedName = "requiretls-name";

    /// <summary>It may be given mail again when what could not be found out is known.</summary>
    public bool IsForNow => Why.ReasonCode switch
    {
        NotInPolicy => false,
        NoBelievedName => Plan.Notes.Any(note => note.Failure is not null || note.IsUnknown),
        _ => true,
    };
}

/// <summary>What to do with one recipient domain, decided in full before any connection is opened.</summary>
public abstract record DeliveryPlan
{
    DeliveryPlan()
    {
    }

    /// <summary>Try <paramref name="Hosts"/> in order.</summary>
    /// <param name="Hosts">At least one.</param>
    /// <param name="Credentials">True when we authenticate to these hosts.</param>
    public sealed record Relay(ImmutableArray<HostPlan> Hosts, bool Credentials = false) : DeliveryPlan
    {
        /// <summary>Hosts of the domain that policies rule out: not named by an enforced MTA-STS policy (RFC 8461 §4.1), or with TLSA
        /// records that are not known now (RFC 7672 §2.2).</summary>
        public ImmutableArray<ExcludedHost> Excluded { get; init; } = [];
    }

    /// <summary>Keep the message on this machine, in a Maildir.</summary>
    public sealed record Keep(string Maildir) : DeliveryPlan;

    /// <summary>Not known now, or no host can be tried: failing DNS must not weaken delivery (RFC 7672 §2.1).</summary>
    public sealed record Defer(EnhancedStatus Status, string Reason) : DeliveryPlan
    {
        /// <summary>The hosts of the domain, when policies rule all of them out.</summary>
        public ImmutableArray<ExcludedHost> Excluded { get; init; } = [];
    }

    /// <summary>The domain says it takes no mail (null MX, RFC 7505 §3), or does not exist.</summary>
    public sealed record Bounce(EnhancedStatus Status, string Reason) : DeliveryPlan;
}
