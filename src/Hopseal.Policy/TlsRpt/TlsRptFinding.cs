using System.Collections.Immutable;
using Hopseal.Dns;

namespace Hopseal.Policy.TlsRpt;

/// <summary>Whether a domain wants reports, and where (RFC 8460 §3).</summary>
public abstract record TlsRptFinding
{
    TlsRptFinding()
    {
    }

    public sealed record Found(TlsRptRecord Record) : TlsRptFinding;

    /// <summary>It wants none, or its record cannot be used.</summary>
    /// <param name="Why">For people.</param>
    public sealed record None(string Why) : TlsRptFinding;

    /// <summary>Not known now.</summary>
    /// <param name="Why">For people.</param>
    public sealed record Failed(string Why) : TlsRptFinding;

    /// <summary>Asks DNS; an alias is followed. Throws only when cancelled.</summary>
    /// <param name="domain">A policy domain: that of recipients for MTA-STS, the TLSA base domain for DANE (RFC 8460 §1.1).</param>
    public static async ValueTask<TlsRptFinding> AskAsync(IDnsResolver resolver, DomainName domain, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(resolver);
        ArgumentNullException.ThrowIfNull(domain);
        return DomainName.TryParse($"_smtp._tls.{domain}", out var name)
            ? Of(await resolver.TxtAsync(name, cancel))
            : new None("the domain is too long for a name under it");
    }

    /// <summary>What an answer for <c>_smtp._tls</c> says. Pure.</summary>
    public static TlsRptFinding Of(DnsAnswer<string> answer) => answer switch
    {
        DnsAnswer<string>.Found found => Choose(found.Records),
        DnsAnswer<string>.NoData or DnsAnswer<string>.NameError => new None("there is no record"),
        DnsAnswer<string>.Failed failed => new Failed(failed.Detail),
        _ => throw new ArgumentException($"unknown answer {answer}", nameof(answer)),
    };

    /// <summary>Records for something else may stand beside it; two of ours are none (RFC 8460 §3).</summary>
    static TlsRptFinding Choose(ImmutableArray<string> texts)
    {
        var ours = texts.Where(text => text.StartsWith($"{TlsRptRecord.Version};", StringComparison.Ordinal)).Take(2).ToArray();
        return ours switch
        {
            [] => new None($"no TXT record there begins with {TlsRptRecord.Version};"),
            [var text] => TlsRptRecord.TryParse(text, out var record, out var why) ? new Found(record) : new None($"its record cannot be used: {why}"),
            _ => new None("there is more than one record"),
        };
    }
}
