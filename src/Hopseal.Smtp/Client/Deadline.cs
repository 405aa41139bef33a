namespace Hopseal.Smtp.Client;

/// <summary>The one timer of a session, armed anew for every wait, and the caller's wish to stop.</summary>
sealed class Deadline(TimeProvider clock) : IDisposable
{
    readonly CancellationTokenSource _source = new(Timeout.InfiniteTimeSpan, clock);
    CancellationToken _caller;
    CancellationTokenRegistration _following;

    /// <summary>Cancelled when the time is over or the caller wishes so; the session is at its end then.</summary>
    public CancellationToken Token => _source.Token;

    public bool CallerCancelled => _caller.IsCancellationRequested;

    /// <summary>The next operation belongs to this caller.</summary>
    public void Follow(CancellationToken caller)
    {
        _following.Dispose();
        _caller = caller;
        _following = caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    public void Arm(TimeSpan after) => _source.CancelAfter(after);

    /// <summary>Nobody waits for anything.</summary>
    public void Rest()
    {
        Follow(CancellationToken.None);
        _source.CancelAfter(Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _following.Dispose();
        _source.Dispose();
    }
}
