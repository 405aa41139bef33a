namespace Hopseal.Audit.Probes;

/// <summary>How many connections one address is still asked to bear, and for how long.</summary>
sealed class ConnectionBudget(ProbeOptions options)
{
    const int MostBackOffs = 2;

    readonly long _began = options.Clock.GetTimestamp();
    TimeSpan _paused;
    int _backedOff;

    public int Taken { get; private set; }

    /// <summary>The server asked to be left alone: 421, or a refused connection after others.</summary>
    public bool Closed { get; set; }

    /// <summary>Why there are no more, in words.</summary>
    public string Exhausted { get; private set; } = "";

    /// <summary>Waits the pause, and counts; false when there are none left.</summary>
    public async Task<bool> TakeAsync(CancellationToken cancel)
    {
        if (Closed || Taken >= options.MostConnections)
        {
            Exhausted = $"{Taken} connections are as many as may be opened";
            return false;
        }

        if (Taken > 0 && options.Clock.GetElapsedTime(_began) - _paused > options.MostTime)
        {
            Exhausted = $"{Taken} connections took {options.MostTime.TotalMinutes:0.#} minutes";
            return false;
        }

        if (Taken > 0 && options.Pause > TimeSpan.Zero)
        {
            await Task.Delay(options.Pause, options.Clock, cancel);
            _paused += options.Pause;
        }

        Taken++;
        return true;
    }

    /// <summary>After being turned away: waits, so that it can be tried again; false when enough was waited, or a quick look has no time for it.</summary>
    public async Task<bool> BackOffAsync(CancellationToken cancel)
    {
        if (!options.Deep || _backedOff == MostBackOffs)
        {
            return false;
        }

        _backedOff++;
        await Task.Delay(options.BackOff, options.Clock, cancel);
        _paused += options.BackOff;
        return true;
    }
}
