namespace Hopseal.Parts;

/// <summary>Work that a part of the gateway does again and again, until the gateway stops. An exception ends the gateway.</summary>
/// <param name="AtOnce">The first time without waiting.</param>
sealed record Periodic(TimeSpan Interval, Func<CancellationToken, Task> Act, bool AtOnce = false)
{
    public static Periodic Of(TimeSpan interval, Action act) => new(interval, _ =>
    {
        act();
        return Task.CompletedTask;
    });

    public async Task RunAsync(TimeProvider clock, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        var now = AtOnce;
        try
        {
            while (now || await timer.WaitForNextTickAsync(stop))
            {
                now = false;
                await Act(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }
}
