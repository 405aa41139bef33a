using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>A next hop that the operator named.</summary>
/// <param name="Host">Null when <paramref name="Address"/> is given instead.</param>
public sealed record NextHop(DomainName? Host, IPAddress? Address, int Port, TlsStart Start);

/// <summary>One entry of the domain table: mail we accept from anyone, and where it goes.</summary>
/// <param name="NextHop">Null together with <paramref name="Maildir"/>: the smart host, or else the domain's MX hosts, as for
/// any other domain (a backup MX).</param>
/// <param name="Floor">Null: nothing said beyond what else applies.</param>
/// <param name="Maildir">A directory of this machine; then <paramref name="NextHop"/> is null.</param>
public sealed record DomainRoute(NextHop? NextHop, SecurityFloor? Floor, string? Maildir);

/// <summary>An entry of <c>Outbound.Rules</c>.</summary>
/// <param name="Destination">See <see cref="OperatorRules"/>: a domain, <c>*.</c> and a domain for every domain below it, an
/// address literal, or <c>*</c> for everything.</param>
/// <param name="Names">Further names the certificate may be for; see <see cref="HostPlan.ReferenceNames"/>.</param>
/// <param name="Source">The configuration key, for records.</param>
/// <param name="Exception">Set: the rule is an exception. It says what its destination needs at most, where without it the rule only
/// says what is needed at least. Which demands it lowers is said at <see cref="HostPlan"/>.</param>
public sealed record OutboundRule(
    string Destination, SecurityFloor Floor, ImmutableArray<string> Names, string Source, ExceptionTerms? Exception = null)
{
    /// <summary>Null: whoever sends. Anybody may put any sender on his mail, so as an exception it lets off whoever may send as him.</summary>
    public SenderPattern? Sender { get; init; }

    /// <summary>Null: nothing said. In an exception it also lowers what rules for more than its own destination and sender ask
    /// for.</summary>
    public TlsVersion? MinimumVersion { get; init; }

    /// <summary>Empty: none.</summary>
    public ImmutableArray<CertificatePin> Pins { get; init; } = [];

    /// <summary>The only authorities that count; null for the usual ones.</summary>
    public TrustedRoots? Authority { get; init; }

    /// <summary>For mail that requires TLS (REQUIRETLS): true where a host that proves who it is need not promise the same, false where it must;
    /// null: nothing said, so it must.</summary>
    public bool? AuthenticatedHop { get; init; }

    /// <summary>It stands in no configuration: somebody held the destination, a domain, to what it had proved. It is about the mail for that domain, not about
    /// a host of the same name; and an exception for the same destination lowers it, because whoever wrote that one has the last word.</summary>
    public bool Required { get; init; }

    /// <summary>Shown to the destination when it asks for one.</summary>
    public CertificateFiles? ClientCertificate { get; init; }
}

/// <summary>Who lets a destination off, why, and for how long. Whoever plans with the rule has made sure that it is still in force.</summary>
/// <param name="Until">The last day (UTC).</param>
/// <param name="Reason">As the operator wrote it.</param>
/// <param name="Owner">As the operator wrote it.</param>
public sealed record ExceptionTerms(DateOnly Until, string Reason, string Owner)
{
    /// <summary>For example <c>until 2027-01-31, ops: ticket 4711</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"until {Until:yyyy-MM-dd}, {Owner}: {Reason}");
}

/// <summary>Everything the operator said about where mail goes and how.</summary>
public sealed record Routing
{
    public ImmutableDictionary<DomainName, DomainRoute> Domains { get; init; } = ImmutableDictionary<DomainName, DomainRoute>.Empty;

    /// <summary>For domains that are not in the table: local mode keeps them all. Null in a gateway.</summary>
    public DomainRoute? AnyDomain { get; init; }

    public NextHop? SmartHost { get; init; }

    /// <summary>Whether we authenticate to the smart host.</summary>
    public bool SmartHostCredentials { get; init; }

    public SecurityFloor? SmartHostFloor { get; init; }

    public ImmutableArray<OutboundRule> Rules { get; init; } = [];

    /// <summary>Our own names, as MX records may have them: mail for which we are an MX host goes only to hosts better than
    /// ourselves (RFC 5321 §5.1).</summary>
    public ImmutableHashSet<DomainName> OwnNames { get; init; } = [];

    /// <summary>Of MX hosts; 25 outside of tests and the demo.</summary>
    public int MxPort { get; init; } = 25;
}
