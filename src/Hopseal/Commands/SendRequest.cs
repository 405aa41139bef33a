using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands;

/// <summary>What <c>hopseal send</c> was asked for.</summary>
sealed record SendRequest
{
    public required Envelope Envelope { get; init; }

    /// <summary>Null: the MX hosts of each recipient's domain.</summary>
    public NextHop? Via { get; init; }

    /// <summary>Null: what the plan says without it.</summary>
    public SecurityFloor? Floor { get; init; }

    public ClientCredentials? Credentials { get; init; }

    public required TrustedRoots Roots { get; init; }

    /// <summary>Our name in EHLO.</summary>
    public required string Hostname { get; init; }

    public Routing Routing => new()
    {
        SmartHost = Via,
        SmartHostCredentials = Credentials is not null,
        Rules = Floor is { } floor ? [new OutboundRule("*", floor, [], "--tls")] : [],
    };

    /// <summary>The recipients that travel together: all of them to one server, else those of one domain.</summary>
    public IEnumerable<(string Domain, ImmutableArray<Recipient> Recipients)> Parts() =>
        Envelope.Recipients
            .GroupBy(recipient => Via is null ? DomainOf(recipient.Mailbox) : DomainOf(Envelope.Recipients[0].Mailbox), StringComparer.Ordinal)
            .Select(group => (group.Key, group.ToImmutableArray()));

    static string DomainOf(Mailbox mailbox) => mailbox.Domain?.Ascii ?? mailbox.AddressLiteral ?? "";
}
