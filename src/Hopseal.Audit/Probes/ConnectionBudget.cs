namespace Hopseal.Audit.Probes;

/// <summary>How many connections one address is still asked to bear in one check, by whatever names, and for how long. Names come one after the other:
/// for one at a time.</summary>
/// <param name="promised">Connections that are held back for names that have not had their turn.</param>
sealed class ConnectionBudget(ProbeOptions options, int promised = 0)
{
    const int MostBackOffs = 2;

    long _began = options.Clock.GetTimestamp();
    TimeSpan _paused;
    int _backedOff;
    int _promised = promised;
    int _takenBefore;

    /// <summary>By all names.</summary>
    public int Taken { get; private set; }

    /// <summary>By the name whose turn it is.</summary>
    public int TakenNow => Taken - _takenBefore;

    /// <summary>The server asked to be left alone: 421, or a refused connection after others.</summary>
    public bool Closed { get; set; }

    /// <summary>Why there are no more, in words.</summary>
    public string Exhausted { get; private set; } = "";

    /// <summary>Other names of this check still wait, so that the one whose turn it is gets less than all.</summary>
    public bool HoldsBack => Held > 0;

    /// <summary>Half of all, at most: what is asked under the first name counts for all of them.</summary>
    int Held => Math.Min(_promised, options.MostConnections / 2);

    /// <summary>The turn of the next name.</summary>
    /// <param name="own">Connections that were promised to it.</param>
    public void Begin(int own)
    {
        _promised = Math.Max(0, _promised - own);
        (_began, _paused, _backedOff, _takenBefore, Closed) = (options.Clock.GetTimestamp(), TimeSpan.Zero, 0, Taken, false);
    }

    /// <summary>Waits the pause, and counts; false when there are none left.</summary>
    /// <param name="promised">One of those that are held back for this name.</param>
    public async Task<bool> TakeAsync(CancellationToken cancel, bool promised = false)
    {
        if (Closed || Taken >= options.MostConnections - (promised ? 0 : Held))
        {
            Exhausted = $"{Taken} connections are as many as may be opened";
            return false;
        }

        if (TakenNow > 0 && options.Clock.GetElapsedTime(_began) - _paused > options.MostTime)
        {
            Exhausted = $"{TakenNow} connections took {options.MostTime.TotalMinutes:0.#} minutes";
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
