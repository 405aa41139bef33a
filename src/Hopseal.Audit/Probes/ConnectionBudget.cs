namespace Hopseal.Audit.Probes;

/// <summary>How many connections one address is still asked to bear.</summary>
sealed class ConnectionBudget(ProbeOptions options)
{
    public int Taken { get; private set; }

    /// <summary>The server asked to be left alone: 421, or a refused connection after others.</summary>
    public bool Closed { get; set; }

    /// <summary>Waits the pause, and counts; false when there are none left.</summary>
    public async Task<bool> TakeAsync(CancellationToken cancel)
    {
        if (Closed || Taken >= options.MostConnections)
        {
            return false;
        }

        if (Taken > 0 && options.Pause > TimeSpan.Zero)
        {
            await Task.Delay(options.Pause, options.Clock, cancel);
        }

        Taken++;
        return true;
    }
}
