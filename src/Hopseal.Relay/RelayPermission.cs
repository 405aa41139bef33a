using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay;

/// <summary>Which recipients' mail is taken from anyone.</summary>
public abstract record AcceptedDomains
{
    AcceptedDomains()
    {
    }

    /// <summary>Every recipient: for a gateway that keeps all mail on its own machine, never for one that relays.</summary>
    public sealed record Any : AcceptedDomains;

    /// <summary>These domains, and not those below them.</summary>
    public sealed record Listed(FrozenSet<DomainName> Names) : AcceptedDomains;
}

/// <summary>What is said to one recipient.</summary>
public enum RelayDecision
{
    Accepted,

    /// <summary>Neither the domain nor the client is one of ours.</summary>
    RelayDenied,

    /// <summary>The domain is ours, but the local part names a further destination.</summary>
    RoutedLocalPart,
}

/// <summary>Who may send where (RFC 5321 §7.9, RFC 2505 §2.1): everybody to our domains, our own clients and users everywhere.
/// A pure decision.</summary>
public sealed class RelayPermission
{
    /// <summary>Characters by which mail systems have named a further hop: <c>user%other@ours</c>, <c>other!user@ours</c>,
    /// <c>"user@other"@ours</c>, <c>"@other:user"@ours</c>; and their full-width and small forms (local parts of RFC 6531),
    /// which a host that normalises them would take for the same.</summary>
    static readonly SearchValues<char> s_routing =
        SearchValues.Create("%!@:\uFF05\uFF01\uFF20\uFF1A\uFE6A\uFE57\uFE6B\uFE55");

    readonly AcceptedDomains _domains;
    readonly ImmutableArray<ClientNetwork> _relayFrom;

    /// <param name="relayFrom">Clients that may send anywhere. IPv4 networks also in their IPv6-mapped form.</param>
    public RelayPermission(AcceptedDomains domains, ImmutableArray<IPNetwork> relayFrom)
    {
        _domains = domains;
        _relayFrom = [.. relayFrom.Select(network => new ClientNetwork(network))];
    }

    /// <summary>Our own clients are believed in everything, also in routes and address literals: who abuses that can be found
    /// and stopped. From others, a local part that names a further destination is refused even for our domains: the host behind
    /// us trusts what we pass on, and would relay it (RFC 2505 §2.1). An ordinary quoted
    /// local part (<c>"john doe"</c>) is nobody's business but the final host's. An address literal is never one of our domains.</summary>
    /// <param name="user">The authenticated user, or null.</param>
    public RelayDecision Decide(IPAddress client, string? user, Mailbox recipient)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(recipient);
        if (_domains is not AcceptedDomains.Listed listed || user is not null || IsOurs(client))
        {
            return RelayDecision.Accepted;
        }

        if (recipient.Domain is not { } domain || !listed.Names.Contains(domain))
        {
            return RelayDecision.RelayDenied;
        }

        return recipient.LocalPart.AsSpan().ContainsAny(s_routing) ? RelayDecision.RoutedLocalPart : RelayDecision.Accepted;
    }

    bool IsOurs(IPAddress client)
    {
        foreach (var network in _relayFrom)
        {
            if (network.Holds(client))
            {
                return true;
            }
        }

        return false;
    }
}
