namespace Hopseal.Audit.Probes;

/// <summary>How long something may take, by the probe's clock; it also ends when the whole look is cancelled.</summary>
sealed class Patience : IDisposable
{
    readonly CancellationTokenSource _timer;
    readonly CancellationTokenSource _both;

    public Patience(TimeSpan time, TimeProvider clock, CancellationToken cancel)
    {
        _timer = new CancellationTokenSource(time, clock);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancel);
    }

    public CancellationToken Token => _both.Token;

    public void Dispose()
    {
        _both.Dispose();
        _timer.Dispose();
    }
}
