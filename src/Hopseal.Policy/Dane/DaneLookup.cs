using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Dane;

/// <summary>Finds the TLSA records of a host (RFC 7672 §2.2).</summary>
/// <remarks>
/// <para>Nothing is asked where nothing can come of it: for an address, and for a host in a zone that is not signed. That is more than
/// thrift: some of the large hosters' servers do not answer TLSA questions at all, and their zones are not signed (RFC 7672 §2.2.2).</para>
/// <para>Names that may hold the records, in this order (RFC 7672 §2.2.3): the name that holds the addresses, if all aliases on the way there are
/// signed; then the name of the host. Only the latter where its alias is signed and what it leads to is not.</para>
/// <para>Whatever is not known is <see cref="DaneFinding.Failed"/>, also where a second name could still be asked: the first one's records
/// would have counted (RFC 7672 §2.1.2).</para>
/// </remarks>
public sealed class DaneLookup(IDnsResolver resolver)
{
    /// <summary>Throws only when cancelled.</summary>
    public async ValueTask<DaneFinding> FindAsync(PlannedHost host, CancellationToken cancel)
    {
        if (host.Name is not { } name)
        {
            return new DaneFinding.None("an address has no TLSA records");
        }

        if (host.AddressFailure is not null)
        {
            return new DaneFinding.None("not looked for: there is no address to connect to");
        }

        if (host.AddressStatus is DnssecStatus.Secure)
        {
            return await FindAsync(host.ExpandedName is { } expanded ? [expanded, name] : [name], host.Port, cancel);
        }

        if (host.ExpandedName is null)
        {
            return new DaneFinding.None("not looked for: the addresses are not signed");
        }

        return await resolver.CnameAsync(name, cancel) switch
        {
            DnsAnswer<DomainName>.Found { Status: DnssecStatus.Secure } => await FindAsync([name], host.Port, cancel),
            DnsAnswer<DomainName>.Failed failed => Unknown($"whether {name} is a signed alias", failed.Kind, failed.Detail),
            _ => new DaneFinding.None("not looked for: neither the alias nor the addresses are signed"),
        };
    }

    async ValueTask<DaneFinding> FindAsync(ImmutableArray<DomainName> bases, int port, CancellationToken cancel)
    {
        var why = ImmutableArray.CreateBuilder<string>();
        foreach (var candidate in bases)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"_{port}._tcp.");
            if (!DomainName.TryParse(prefix + candidate.Ascii, out var owner))
            {
                why.Add($"{candidate} is too long a name to have TLSA records");
                continue;
            }

            switch (await resolver.TlsaAsync(owner, cancel))
            {
                case DnsAnswer<TlsaRecord>.Found { Status: DnssecStatus.Secure } found:
                    return new DaneFinding.Found(candidate, TlsaSet.InOrder(found.Records), TlsaSet.Usable(found.Records));
                case DnsAnswer<TlsaRecord>.Found:
                    why.Add($"the TLSA records at {owner} are not signed");
                    break;
                case DnsAnswer<TlsaRecord>.Failed failed:
                    return Unknown($"the TLSA records at {owner}", failed.Kind, failed.Detail);
                default:
                    why.Add($"no TLSA record at {owner}");
                    break;
            }
        }

        return new DaneFinding.None(string.Join("; ", why));
    }

    /// <summary>All of them are "no valid records were returned from the recursive resolver" (RFC 8460 §4.3.2.1).</summary>
    static DaneFinding.Failed Unknown(string what, DnsFailureKind kind, string detail)
    {
        var reason = kind switch
        {
            DnsFailureKind.TimedOut => "dns-timed-out",
            DnsFailureKind.ServerFailure => "dns-server-failure",
            DnsFailureKind.Refused => "dns-refused",
            DnsFailureKind.Malformed => "dns-malformed",
            DnsFailureKind.Unreachable => "dns-unreachable",
        };
        return new DaneFinding.Failed(new TlsFailure(TlsResultType.DnssecInvalid, reason, $"not known now: {what} ({detail})"));
    }
}
