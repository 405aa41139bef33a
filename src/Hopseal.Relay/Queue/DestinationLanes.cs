using System.Diagnostics.CodeAnalysis;

namespace Hopseal.Relay.Queue;

/// <summary>Which lease runs next, and which may be taken at all. Each destination has a lane: so many attempts at once, so many
/// leases ready behind them. Lanes take turns, so that a full one delays itself only; and destinations that have not answered
/// may never fill the places of those that do. Not for several threads.</summary>
sealed class DestinationLanes(LaneLimits limits)
{
    /// <summary>Leases of a destination that has not answered yet, running or ready.</summary>
    const int MaxUnproven = DestinationHealth.FirstWindow;

    /// <summary>Attempts beside the places, for each place that there is.</summary>
    const int BesideForEach = 4;

    readonly Dictionary<string, DestinationLane> _lanes = new(StringComparer.Ordinal);

    /// <summary>Lanes that have somebody ready and a place free, each once: those that answer, and the others.</summary>
    readonly Queue<DestinationLane> _ready = [];

    readonly Queue<DestinationLane> _readyUnproven = [];

    /// <summary>Lanes that are kept for what is known of them, the longest idle first.</summary>
    readonly Queue<DestinationLane> _idle = [];

    int _round;
    int _heldUnproven;
    bool _refused;
    bool _turn;
    bool _wantsMore;

    public int Running { get; private set; }

    /// <summary>Of those, at destinations that have not answered.</summary>
    public int RunningUnproven { get; private set; }

    /// <summary>Attempts that wait beside the places.</summary>
    public int Beside { get; private set; }

    /// <summary>Leases that wait for their turn, and places reserved for more.</summary>
    public int Held { get; private set; }

    /// <summary>Destinations that something is known of.</summary>
    public int Count => _lanes.Count;

    /// <summary>Nothing runs, waits or is on its way.</summary>
    public bool IsEmpty => Running == 0 && Beside == 0 && Held == 0;

    /// <summary>Reserves a place; <see cref="Admit"/> or <see cref="Release"/> must follow.</summary>
    /// <param name="arriving">A new message: takes no place while older ones wait in the store for it.</param>
    public LeaseAnswer Reserve(string destination, bool arriving, DateTimeOffset now)
    {
        var lane = _lanes.GetValueOrDefault(destination) ?? new DestinationLane(destination, new DestinationHealth(limits.Health));
        if (lane.Health.NotBefore > now)
        {
            return new LeaseAnswer.NotBefore(lane.Health.NotBefore);
        }

        if (arriving && lane.RefusedIn >= _round - 1)
        {
            return LeaseAnswer.Full.Instance;
        }

        if (Held >= limits.MaxWaiting || !lane.Health.IsProven && _heldUnproven >= Math.Max(1, limits.MaxWaiting / 2))
        {
            _refused = true;
            lane.RefusedIn = _round;
            return LeaseAnswer.Full.Instance;
        }

        if (lane.IsRefused || RoomIn(lane) <= 0)
        {
            lane.IsRefused = true;
            lane.RefusedIn = _round;
            return LeaseAnswer.Full.Instance;
        }

        _lanes.TryAdd(destination, lane);
        lane.Reserved++;
        Hold(lane, 1);
        return LeaseAnswer.Yes.Instance;
    }

    /// <summary>Gives a reserved place back.</summary>
    public void Release(string destination)
    {
        var lane = _lanes[destination];
        lane.Reserved--;
        Hold(lane, -1);
        NoteRoom(lane);
        LeaveIfIdle(lane);
    }

    /// <summary>Fills a reserved place.</summary>
    public void Admit(string destination, QueueLease lease)
    {
        var lane = _lanes[destination];
        lane.Reserved--;
        lane.Waiting.Enqueue(lease);
        MakeReady(lane);
    }

    /// <summary>Takes the next lease that may run; <see cref="End"/> must follow.</summary>
    public bool TryStart([NotNullWhen(true)] out string? destination, [NotNullWhen(true)] out QueueLease? lease)
    {
        destination = null;
        lease = null;
        if (Running >= limits.MaxRunning || Next() is not { } lane)
        {
            return false;
        }

        destination = lane.Destination;
        lease = lane.Waiting.Dequeue();
        Hold(lane, -1);
        Run(lane, 1);
        MakeReady(lane);
        NoteRoom(lane);
        return true;
    }

    /// <summary>An attempt that runs has been waiting for a destination that has not answered. A few hundred that are silent for
    /// minutes would keep everybody else waiting to be asked once: it leaves its place to them. True when it has.</summary>
    public bool StepAside(string destination)
    {
        var lane = _lanes[destination];
        if (lane.Health.IsProven || Beside >= limits.MaxRunning * BesideForEach)
        {
            return false;
        }

        Run(lane, -1);
        lane.Beside++;
        Beside++;
        return true;
    }

    /// <param name="beside">It has stepped aside.</param>
    public void End(string destination, bool beside = false)
    {
        var lane = _lanes[destination];
        if (beside)
        {
            lane.Beside--;
            Beside--;
        }
        else
        {
            Run(lane, -1);
        }

        MakeReady(lane);
        NoteRoom(lane);
        LeaveIfIdle(lane);
    }

    /// <summary>The destination answered an attempt that runs.</summary>
    public void Answered(string destination, DateTimeOffset now)
    {
        var lane = _lanes[destination];
        Reclass(lane, () => lane.Health.Answered(now));
        MakeReady(lane);
        NoteRoom(lane);
    }

    /// <summary>It did not. Returns what was ready for it and has to wait elsewhere now.</summary>
    public List<QueueLease> Failed(string destination, DateTimeOffset startedAt, DateTimeOffset now, RecipientOutcome.Deferred failure)
    {
        var lane = _lanes[destination];
        Reclass(lane, () => lane.Health.Failed(startedAt, now, failure));
        return lane.Health.NotBefore > now ? TakeWaiting(lane) : [];
    }

    /// <summary>Lets a destination be tried at once.</summary>
    public void Forget(string destination)
    {
        if (_lanes.TryGetValue(destination, out var lane))
        {
            Reclass(lane, lane.Health.Forget);
        }
    }

    /// <summary>Why the destination is left alone; null when it is not.</summary>
    public RecipientOutcome.Deferred? FailureOf(string destination) =>
        _lanes.TryGetValue(destination, out var lane) ? lane.Health.Failure : null;

    public bool IsProven(string destination) => _lanes.TryGetValue(destination, out var lane) && lane.Health.IsProven;

    /// <summary>Whether attempts at it have to wait now.</summary>
    public bool MustWait(string destination, DateTimeOffset now) =>
        _lanes.TryGetValue(destination, out var lane) && lane.Health.NotBefore > now;

    /// <summary>Takes everything that is ready; what runs goes on.</summary>
    public List<QueueLease> TakeWaiting() => [.. _lanes.Values.SelectMany(TakeWaiting)];

    /// <summary>Takes what is ready for one destination. It may have been the last that anybody waited for there: whoever was refused
    /// because of it may come now.</summary>
    public List<QueueLease> TakeWaiting(string destination)
    {
        var lane = _lanes[destination];
        var waiting = TakeWaiting(lane);
        NoteRoom(lane);
        LeaveIfIdle(lane);
        return waiting;
    }

    /// <summary>The store has been asked for all that is due: what was refused before the round is served.</summary>
    public void EndRound() => _round++;

    /// <summary>True, once, when there is room for what had been refused.</summary>
    public bool TakeWish()
    {
        if (_refused && Held <= limits.MaxWaiting * 3 / 4 && _heldUnproven <= limits.MaxWaiting * 3 / 8)
        {
            _refused = false;
            _wantsMore = true;
        }

        var wish = _wantsMore;
        _wantsMore = false;
        return wish;
    }

    List<QueueLease> TakeWaiting(DestinationLane lane)
    {
        List<QueueLease> waiting = [.. lane.Waiting];
        lane.Waiting.Clear();
        Hold(lane, -waiting.Count);
        return waiting;
    }

    int RoomIn(DestinationLane lane) => lane.Health switch
    {
        { Failures: > 0 } => 1 - lane.Running - lane.Beside - lane.Held,
        { IsProven: false } => MaxUnproven - lane.Running - lane.Beside - lane.Held,
        _ => limits.MaxWaitingPerLane - lane.Held,
    };

    /// <summary>Many at once cost the store less than one by one: a lane that answers asks when it is half empty.</summary>
    void NoteRoom(DestinationLane lane)
    {
        if (lane.IsRefused && RoomIn(lane) >= (lane.Health.IsProven ? (limits.MaxWaitingPerLane + 1) / 2 : 1))
        {
            lane.IsRefused = false;
            _wantsMore = true;
        }
    }

    /// <summary>Those that answer and those that have not take turns, and the latter never have more than half of the
    /// places.</summary>
    DestinationLane? Next()
    {
        _turn = !_turn;
        return _turn ? Next(_ready) ?? NextUnproven() : NextUnproven() ?? Next(_ready);
    }

    DestinationLane? NextUnproven() => RunningUnproven < Math.Max(1, limits.MaxRunning / 2) ? Next(_readyUnproven) : null;

    static DestinationLane? Next(Queue<DestinationLane> ready)
    {
        while (ready.TryDequeue(out var lane))
        {
            if (lane.ReadyIn != ready)
            {
                continue;
            }

            lane.ReadyIn = null;
            if (MayStart(lane))
            {
                return lane;
            }
        }

        return null;
    }

    /// <summary>While one attempt waits for an answer in vain, a second one would only wait beside it.</summary>
    static bool MayStart(DestinationLane lane) =>
        lane.Waiting.Count > 0 && lane.Running + lane.Beside < lane.Health.Window && (lane.Health.IsProven || lane.Beside == 0);

    void MakeReady(DestinationLane lane)
    {
        if (lane.ReadyIn is null && MayStart(lane))
        {
            lane.ReadyIn = lane.Health.IsProven ? _ready : _readyUnproven;
            lane.ReadyIn.Enqueue(lane);
        }
    }

    void Hold(DestinationLane lane, int more)
    {
        Held += more;
        _heldUnproven += lane.Health.IsProven ? 0 : more;
    }

    void Run(DestinationLane lane, int more)
    {
        lane.Running += more;
        Running += more;
        RunningUnproven += lane.Health.IsProven ? 0 : more;
    }

    void Reclass(DestinationLane lane, Action change)
    {
        var before = lane.Health.IsProven;
        change();
        if (before != lane.Health.IsProven)
        {
            var sign = before ? 1 : -1;
            _heldUnproven += sign * lane.Held;
            RunningUnproven += sign * lane.Running;
            lane.ReadyIn = null;
            MakeReady(lane);
        }
    }

    /// <summary>A lane without work stays for what is known of its destination, as long as there is memory for it.</summary>
    void LeaveIfIdle(DestinationLane lane)
    {
        if (!lane.IsIdle)
        {
            return;
        }

        if (lane.Health is { IsProven: false, Failures: 0 })
        {
            _lanes.Remove(lane.Destination);
            return;
        }

        if (!lane.IsListed)
        {
            lane.IsListed = true;
            _idle.Enqueue(lane);
        }

        while (_lanes.Count > limits.MaxRemembered && _idle.TryDequeue(out var oldest))
        {
            // One that was forgotten already may have a successor, which is in use.
            oldest.IsListed = false;
            if (oldest.IsIdle && _lanes.GetValueOrDefault(oldest.Destination) == oldest)
            {
                _lanes.Remove(oldest.Destination);
            }
        }
    }
}
