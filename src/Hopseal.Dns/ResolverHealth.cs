using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Dns;

/// <summary>What a resolver does about DNSSEC, the worse the later.</summary>
public enum ResolverState
{
    /// <summary>It marks what it validated, refuses what is bogus, and is believed.</summary>
    Validates,

    /// <summary>It does not answer.</summary>
    Unreachable,

    /// <summary>It answers, and does not find the name that is known to be signed.</summary>
    Unknown,

    /// <summary>It validates, but its AD bit is not believed: it came over a path that is not trusted. DANE is off.</summary>
    NotTrusted,

    /// <summary>It does not mark what is signed: it does not validate, or somebody on the way to it strips that. DANE is off.</summary>
    DoesNotValidate,

    /// <summary>It hands out what it should refuse: whoever forges an answer turns DANE off.</summary>
    AcceptsBogus,
}

/// <param name="Trusted">Whether its AD bit is believed; see <see cref="TrustedResolverOptions.TrustAuthenticData"/>.</param>
/// <param name="Detail">For people: what it answered.</param>
public sealed record ServerHealth(IPEndPoint Server, bool Trusted, ResolverState State, string Detail)
{
    /// <param name="signed">To a question for a name that is known to be signed; secure is what the AD bit said, believed or not. Denial counts
    /// as well: it is signed too.</param>
    /// <param name="bogus">To a question for a name whose signatures are known to be wrong; null when there is no such question.</param>
    public static ServerHealth Judge(IPEndPoint server, bool trusted, DnsAnswer<IPAddress> signed, DnsAnswer<IPAddress>? bogus)
    {
        ArgumentNullException.ThrowIfNull(signed);
        var (state, detail) = (signed, bogus) switch
        {
            (DnsAnswer<IPAddress>.Failed, DnsAnswer<IPAddress>.Found) =>
                (ResolverState.AcceptsBogus, "it hands out a name whose signatures are wrong"),
            (DnsAnswer<IPAddress>.Failed { Kind: DnsFailureKind.TimedOut or DnsFailureKind.Unreachable } failed, _) =>
                (ResolverState.Unreachable, failed.Detail),
            (DnsAnswer<IPAddress>.Failed failed, _) => (ResolverState.Unknown, failed.Detail),
            _ when StatusOf(signed) is DnssecStatus.Insecure =>
                (ResolverState.DoesNotValidate, "it does not say of a signed name that it validated it"),
            (_, DnsAnswer<IPAddress>.Found) => (ResolverState.AcceptsBogus, "it hands out a name whose signatures are wrong"),
            _ when !trusted => (ResolverState.NotTrusted, "it validates, and is not believed: it is not on this machine, and Dns.TrustAuthenticData is not set"),
            _ => (ResolverState.Validates, "it validates"),
        };
        return new ServerHealth(server, trusted, state, detail);
    }

    static DnssecStatus StatusOf(DnsAnswer<IPAddress> answer) => answer switch
    {
        DnsAnswer<IPAddress>.Found found => found.Status,
        DnsAnswer<IPAddress>.NoData absent => absent.Status,
        DnsAnswer<IPAddress>.NameError absent => absent.Status,
        _ => DnssecStatus.Insecure,
    };
}

/// <summary>Whether what DNSSEC proves reaches us. Where it does not, every domain looks as if it had published nothing, and DANE is off without a
/// word from anybody (RFC 7672 §2.1.3); so this asks.</summary>
/// <param name="Servers">Those that are asked, in order.</param>
public sealed record ResolverHealth(ImmutableArray<ServerHealth> Servers, DateTimeOffset CheckedAt)
{
    /// <summary>The worst of those that showed what they do: any of them may answer the next question. Only where none did, that of those that
    /// did not.</summary>
    public ResolverState State
    {
        get
        {
            var shown = Servers.Where(server => server.State is not (ResolverState.Unreachable or ResolverState.Unknown)).ToArray();
            return (shown.Length > 0 ? shown : [.. Servers]).Max(server => server.State);
        }
    }

    /// <summary>Whether DNSSEC proves nothing to us now, though servers answer.</summary>
    public bool IsBlind => State is ResolverState.NotTrusted or ResolverState.DoesNotValidate or ResolverState.AcceptsBogus;

    /// <summary>For people, for example <c>validates (127.0.0.1:53)</c>.</summary>
    public override string ToString() => $"{Words(State)} ({Describe()})";

    string Describe() => Servers.All(server => server.State is ResolverState.Validates)
        ? string.Join(", ", Servers.Select(server => server.Server))
        : string.Join("; ", Servers.Select(server => $"{server.Server}: {server.Detail}"));

    static string Words(ResolverState state) => state switch
    {
        ResolverState.Validates => "validates",
        ResolverState.Unreachable => "does not answer",
        ResolverState.Unknown => "cannot be judged",
        ResolverState.NotTrusted => "is not believed, so DANE is off",
        ResolverState.DoesNotValidate => "does not validate, so DANE is off",
        ResolverState.AcceptsBogus => "hands out forged answers, so DANE protects nobody",
    };
}
