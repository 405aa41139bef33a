using Hopseal.Audit;

namespace Hopseal.Parts;

/// <summary>Looks that come soon after one another share what was found out at hosts; later ones ask again.</summary>
/// <param name="lasts">Shorter than the time between a look and the one that confirms it.</param>
sealed class AuditRounds(Func<MailAudit> create, TimeSpan lasts, TimeProvider clock)
{
    readonly Lock _lock = new();
    MailAudit? _audit;
    DateTimeOffset _until;

    public MailAudit Current
    {
        get
        {
            lock (_lock)
            {
                if (_audit is null || clock.GetUtcNow() >= _until)
                {
                    (_audit, _until) = (create(), clock.GetUtcNow() + lasts);
                }

                return _audit;
            }
        }
    }

    /// <summary>The next look asks again.</summary>
    public void Renew()
    {
        lock (_lock)
        {
            _audit = null;
        }
    }
}
