using Hopseal.Dns;

namespace Hopseal.Policy.MtaSts;

/// <summary>The MTA-STS policies of other domains (RFC 8461): found, fetched, kept and renewed.</summary>
public sealed class StsPolicies(IDnsResolver resolver)
{
    /// <summary>Throws only when cancelled.</summary>
    public ValueTask<StsFinding> FindAsync(DomainName domain, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(domain);
        _ = (resolver, cancel);
        return ValueTask.FromResult<StsFinding>(new StsFinding.None("not looked for", []));
    }
}
