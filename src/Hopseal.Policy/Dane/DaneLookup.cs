using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>Finds the TLSA records of a host (RFC 7672 §2.2).</summary>
sealed class DaneLookup(IDnsResolver resolver)
{
    /// <summary>Throws only when cancelled.</summary>
    public ValueTask<DaneFinding> FindAsync(PlannedHost host, CancellationToken cancel)
    {
        _ = (resolver, host, cancel);
        return ValueTask.FromResult<DaneFinding>(new DaneFinding.None("not looked for"));
    }
}
