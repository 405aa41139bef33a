using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Monitor.Requiring;

/// <summary>What a domain has proved on every one of its hosts, and could be held to: the rule that somebody would write for it by hand who looked at the
/// same facts. Pure.</summary>
/// <remarks>A host without addresses counts for nothing, and neither does an address that nobody could connect to where another address of the same host answered: our
/// mail does not get there either.
/// Whatever else was not seen to its end, greylisting and time-outs included, might be weaker than the rest, and then mail would wait for it. So there is no demand.</remarks>
public abstract record ObservedProof
{
    ObservedProof()
    {
    }

    /// <summary>It can be held to this.</summary>
    /// <param name="Floor">Encrypted or Authenticated.</param>
    /// <param name="MinimumVersion">The newest that every address chose.</param>
    /// <param name="Names">Hosts that a certificate may be for although nothing but the rule vouches for their names: with an MX record that is not signed, whoever
    /// forges it names a host of his own. Only with Authenticated.</param>
    /// <param name="Because">What was seen, in one sentence.</param>
    public sealed record Demand(SecurityFloor Floor, TlsVersion MinimumVersion, ImmutableArray<string> Names, string Because) : ObservedProof
    {
        /// <summary>What whoever requires it should know, a sentence each.</summary>
        public ImmutableArray<string> Remarks { get; init; } = [];

        /// <summary>What a rule has to say: null where it is what every rule asks for.</summary>
        public TlsVersion? RuleVersion => MinimumVersion is TlsVersion.Tls12 ? null : MinimumVersion;

        /// <summary>When it was seen the last time.</summary>
        public required DateTimeOffset SeenAt { get; init; }

        /// <summary>What a rule made of it says that it rests on.</summary>
        public string Reason => string.Create(CultureInfo.InvariantCulture, $"{Because} (seen {SeenAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC)");
    }

    /// <summary>It can be held to nothing.</summary>
    public sealed record Nothing(string Why) : ObservedProof;

    /// <summary>Of a domain that is watched.</summary>
    public static ObservedProof Of(DomainHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        if (history.Current is not { } current)
        {
            return new Nothing($"nothing is known of it yet{Detail(history.Looks.Why)}");
        }

        if (history.Looks.PendingSince is { } since)
        {
            return new Nothing(string.Create(CultureInfo.InvariantCulture, $"it looks different since {since.UtcDateTime:yyyy-MM-dd HH:mm} UTC, and another look has to say the same first"));
        }

        var proof = Of(current.Facts);
        if (proof is not Demand demand)
        {
            return proof;
        }

        demand = demand with { SeenAt = current.LastSeenAt };
        return history.Looks.Unanswered is [var first, ..]
            ? demand with
            {
                Remarks = [.. demand.Remarks, $"The last look could not find out everything ({first.Part}: {first.Why}): for that, what was seen before stands"],
            }
            : demand;
    }

    /// <summary>Of one look.</summary>
    public static ObservedProof Of(AuditFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Domain is not { } domain || !DomainName.TryParse(domain.Name, out var name))
        {
            return new Nothing("only a domain can be held to what it proved");
        }

        if (Unusable(domain.Mx) is { } why)
        {
            return new Nothing(why);
        }

        var seen = ImmutableArray.CreateBuilder<SeenAddress>();
        var remarks = ImmutableArray.CreateBuilder<string>();
        foreach (var host in facts.Hosts)
        {
            if (See(host, seen, remarks) is { } fault)
            {
                return new Nothing(fault);
            }
        }

        return seen.Count == 0 ? new Nothing("none of its hosts has an address") : Sum(name, domain.Mx.Signed, facts.At, seen.DrainToImmutable(), remarks);
    }

    static string? Unusable(MxFacts mx) => mx.State switch
    {
        MxState.Found or MxState.Implicit => null,
        MxState.Null => "it takes no mail (null MX)",
        MxState.NoSuchDomain => "the domain does not exist",
        MxState.Unroutable => "none of its MX records names a host",
        MxState.NotKnown => $"its MX records are not known: {mx.Detail}",
    };

    /// <summary>Adds the addresses of a host at which everything was seen.</summary>
    /// <returns>Why it proves nothing; null when it does.</returns>
    static string? See(HostFacts host, ImmutableArray<SeenAddress>.Builder seen, ImmutableArray<string>.Builder remarks)
    {
        if (host.Endpoints.IsEmpty)
        {
            if (!host.AddressesKnown)
            {
                return $"the addresses of {host.Name} are not known{Detail(host.AddressProblem)}";
            }

            remarks.Add($"{host.Name} has no address, and counts for nothing");
            return null;
        }

        if (!host.Endpoints.Any(endpoint => endpoint.Dialogue.Reach is Reach.Talked))
        {
            return $"{host.Name} was not reached{Detail(host.Endpoints[0].Dialogue.Why)}";
        }

        if (host.Tlsa.Answer is TlsaAnswer.Failed)
        {
            return $"the TLSA records of {host.Name} cannot be looked up{Detail(host.Tlsa.Problem)}";
        }

        foreach (var endpoint in host.Endpoints)
        {
            var where = $"{host.Name} [{endpoint.Address}]";
            switch (endpoint)
            {
                case { Dialogue.Reach: Reach.Unreachable }:
                    remarks.Add($"{where} was not reached, and counts for nothing{Detail(endpoint.Dialogue.Why)}");
                    break;
                case { Dialogue.Reach: not Reach.Talked }:
                    return $"{where} was not seen to the end{Detail(endpoint.Dialogue.Why)}";
                case { Dialogue.StartTls: false }:
                    return $"{where} does not offer STARTTLS";
                case { Handshake: { Works: true } handshake }:
                    if (handshake.TlsaMatches is false)
                    {
                        return $"{where} shows a certificate that its TLSA records do not match";
                    }

                    seen.Add(new SeenAddress(where, host, handshake));
                    break;
                default:
                    return $"{where} does not come to TLS{Detail(endpoint.Handshake?.Failure ?? endpoint.Dialogue.StartTlsReply)}";
            }
        }

        return null;
    }

    static Demand Sum(DomainName domain, bool signedMx, DateTimeOffset at, ImmutableArray<SeenAddress> seen, ImmutableArray<string>.Builder remarks)
    {
        var unproven = seen.FirstOrDefault(address => !address.IsProven(signedMx));
        var floor = unproven is null ? SecurityFloor.Authenticated : SecurityFloor.Encrypted;
        if (unproven is not null)
        {
            remarks.Add($"No host has to prove who it is: {unproven.Where} does not{Detail(unproven.WhyNot(signedMx))}");
        }

        var old = seen.FirstOrDefault(address => !address.IsNewest);
        if (old is not null)
        {
            remarks.Add($"TLS 1.2 stays allowed: {old.Where} chose it");
        }

        ImmutableArray<string> names = floor is SecurityFloor.Authenticated && !signedMx
            ? [.. seen.Where(address => !address.IsBelieved(domain)).Select(address => address.Host.Name!).Distinct(StringComparer.OrdinalIgnoreCase)]
            : [];
        if (!names.IsEmpty)
        {
            remarks.Add("Its MX records are not signed, so the names of its hosts stand in the rule: should it move to others, its mail waits until the rule is renewed");
        }

        if (floor is SecurityFloor.Authenticated && seen.FirstOrDefault(address => !address.HasAuthority) is { } byKey)
        {
            remarks.Add($"{byKey.Where} proves itself by DANE alone: without its TLSA records its mail would wait");
        }

        return new Demand(floor, old is null ? TlsVersion.Tls13 : TlsVersion.Tls12, names, Words(seen, signedMx, floor, old is null))
        {
            SeenAt = at,
            Remarks = remarks.DrainToImmutable(),
        };
    }

    static string Words(ImmutableArray<SeenAddress> seen, bool signedMx, SecurityFloor floor, bool newest)
    {
        var hosts = seen.Select(address => address.Host.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count();
        var proof = floor is SecurityFloor.Encrypted ? "none has to prove who it is"
            : seen.All(address => address.HasDane(signedMx)) ? "each matches its TLSA records"
            : seen.All(address => !address.HasDane(signedMx)) ? "each has a certificate of the web PKI for its name"
            : "each matches its TLSA records, or has a certificate of the web PKI for its name";
        return $"{Audit.Output.Words.Count(hosts, "host")} with {Audit.Output.Words.Count(seen.Length, "address", "addresses")} did {(newest ? "TLS 1.3" : "TLS 1.2 or newer")}; {proof}";
    }

    static string Detail(string? why) => string.IsNullOrWhiteSpace(why) ? "" : $": {why}";

    /// <summary>An address of a host that came to TLS.</summary>
    sealed record SeenAddress(string Where, HostFacts Host, HandshakeFacts Handshake)
    {
        /// <summary>As the handshake tells it, <c>TLSv1.3</c>.</summary>
        public bool IsNewest => Handshake.Version?.EndsWith("1.3", StringComparison.Ordinal) is true;

        public bool HasAuthority => Handshake is { Chain.IsEmpty: false, PkixProblems.IsEmpty: true, NameMatches: true };

        /// <summary>Validated records of a host whose MX record is not validated prove the host, and not that it is the right one (RFC 7672 §2.2.1).</summary>
        public bool HasDane(bool signedMx) => signedMx && Host.Tlsa.Answer is TlsaAnswer.Signed && Handshake.TlsaMatches is true;

        public bool IsProven(bool signedMx) => HasDane(signedMx) || HasAuthority;

        /// <summary>Whether the planner takes the host's name from an unsigned MX record: within the recipient domain a forger would need a certificate of that domain.</summary>
        public bool IsBelieved(DomainName domain) => DomainName.TryParse(Host.Name!, out var name) && name.IsWithin(domain);

        public string? WhyNot(bool signedMx) =>
            !Handshake.PkixProblems.IsEmpty ? Handshake.PkixProblems[0]
            : Handshake.NameMatches is not true ? "its certificate is not for its name"
            : signedMx ? null : "its TLSA records are of a host that an unsigned MX record names";
    }
}
