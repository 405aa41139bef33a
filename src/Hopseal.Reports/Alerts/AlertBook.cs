using System.Collections.Immutable;
using Hopseal.Relay;

namespace Hopseal.Reports.Alerts;

/// <summary>Turns what rules see into alerts that open once and end once: for each rule and subject there is at most one open alert, and a notice
/// comes only of a change. Without a clock; any thread may call any member.</summary>
/// <remarks>What is not <see cref="Trouble.Certain"/> opens when it is seen in two looks in a row; every alert ends when it is missing in two looks
/// in a row. What comes back within an hour has to stay away longer each time, up to an hour, so that nobody is told every minute. What could not be found
/// out changes nothing.</remarks>
public sealed class AlertBook
{
    /// <summary>Open at one time for one rule; what is more is one alert on all of them.</summary>
    public const int MostPerRule = 50;

    const string Others = "(others)";

    const int MostCharacters = 500;

    static readonly TimeSpan s_reminder = TimeSpan.FromDays(1);
    static readonly TimeSpan s_memory = TimeSpan.FromHours(1);
    static readonly TimeSpan s_firstCalm = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    readonly Dictionary<(string Rule, string Subject), State> _states = [];

    /// <summary>What ended within <see cref="s_memory"/>, and how often it had come back by then.</summary>
    readonly Dictionary<(string Rule, string Subject), (DateTimeOffset At, int Returns)> _ended = [];
    long _lastId;

    /// <summary>Open alerts, the most severe first, then the newest.</summary>
    public ImmutableArray<Alert> Open
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _states.Values.Select(state => state.Alert).OfType<Alert>()
                        .OrderByDescending(alert => alert.Severity).ThenByDescending(alert => alert.Id)
                ];
            }
        }
    }

    /// <summary>Takes back what was stored: open alerts, and the highest id that was ever given.</summary>
    public void Restore(IEnumerable<Alert> open, long lastId)
    {
        ArgumentNullException.ThrowIfNull(open);
        lock (_lock)
        {
            foreach (var alert in open)
            {
                _states[(alert.Rule, alert.Subject)] = new State { Alert = alert, Kept = alert, Highest = alert.Severity, NoticedAt = alert.SeenAt };
                lastId = Math.Max(lastId, alert.Id);
            }

            _lastId = Math.Max(_lastId, lastId);
        }
    }

    /// <summary>One look of one rule at everything it watches.</summary>
    /// <param name="seen">What is wrong now; null: it could not be found out.</param>
    /// <returns>What is to be told, and stored.</returns>
    public ImmutableArray<AlertNotice> Look(string rule, IReadOnlyCollection<Trouble>? seen, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (seen is null)
        {
            return [];
        }

        lock (_lock)
        {
            var notices = ImmutableArray.CreateBuilder<AlertNotice>();
            var unknown = seen.Where(trouble => trouble.IsUnknown).Select(trouble => trouble.Subject).ToHashSet(StringComparer.Ordinal);
            var troubles = Bounded(rule, seen.Where(trouble => !trouble.IsUnknown));
            foreach (var trouble in troubles.Values)
            {
                See(rule, trouble, now, notices);
            }

            foreach (var (key, state) in _states.Where(pair => pair.Key.Rule == rule && !troubles.ContainsKey(pair.Key.Subject) && !unknown.Contains(pair.Key.Subject)).ToArray())
            {
                Miss(key, state, now, notices);
            }

            return notices.DrainToImmutable();
        }
    }

    /// <summary>Open alerts whose words or severity changed without a notice since they were handed out last: to be stored. When they were seen
    /// is when they were last told, so that a restart does not put off the reminder.</summary>
    public ImmutableArray<Alert> TakeChanged()
    {
        lock (_lock)
        {
            var changed = ImmutableArray.CreateBuilder<Alert>();
            foreach (var state in _states.Values)
            {
                if (state is { Alert: { } alert, Kept: { } kept } && (alert.Severity, alert.Text, alert.Advice) != (kept.Severity, kept.Text, kept.Advice))
                {
                    state.Kept = alert;
                    changed.Add(alert with { SeenAt = state.NoticedAt });
                }
            }

            return changed.DrainToImmutable();
        }
    }

    /// <summary>No notices of it until then; null when no alert of that id is open.</summary>
    public Alert? Silence(long id, DateTimeOffset until)
    {
        lock (_lock)
        {
            var state = _states.Values.FirstOrDefault(state => state.Alert?.Id == id);
            return state is null ? null : state.Alert = state.Alert! with { SilencedUntil = until };
        }
    }

    /// <summary>The subjects that already have an alert keep it; of the others, the first ones get one each.</summary>
    Dictionary<string, Trouble> Bounded(string rule, IEnumerable<Trouble> seen)
    {
        var distinct = seen.GroupBy(trouble => trouble.Subject, StringComparer.Ordinal).Select(same => same.MaxBy(trouble => trouble.Severity)!).ToArray();
        if (distinct.Length < MostPerRule)
        {
            return distinct.ToDictionary(trouble => trouble.Subject, StringComparer.Ordinal);
        }

        Trouble[] ordered =
        [
            .. distinct.OrderByDescending(trouble => _states.TryGetValue((rule, trouble.Subject), out var state) && state.Alert is not null)
                .ThenByDescending(trouble => trouble.Severity).ThenBy(trouble => trouble.Subject, StringComparer.Ordinal)
        ];
        var others = ordered[(MostPerRule - 1)..];
        var kept = ordered[..(MostPerRule - 1)].ToDictionary(trouble => trouble.Subject, StringComparer.Ordinal);
        kept[Others] = others[0] with
        {
            Subject = Others,
            Severity = others.Max(trouble => trouble.Severity),
            Certain = others.Any(trouble => trouble.Certain),
            Text = $"The same holds for {others.Length} others: {string.Join(", ", others.Take(5).Select(trouble => trouble.Subject))}, …",
        };
        return kept;
    }

    void See(string rule, Trouble trouble, DateTimeOffset now, ImmutableArray<AlertNotice>.Builder notices)
    {
        var key = (rule, trouble.Subject);
        if (!_states.TryGetValue(key, out var state))
        {
            _states[key] = state = new State();
        }

        state.Missed = 0;
        if (state.Alert is not { } open)
        {
            if (trouble.Certain || ++state.Seen >= 2)
            {
                state.Alert = new Alert(++_lastId, rule, trouble.Subject, trouble.Severity, Words(trouble.Text), Words(trouble.Advice), now, now, null, null);
                state.Returns = _ended.TryGetValue(key, out var ended) && Between(ended.At, now) < s_memory ? ended.Returns + 1 : 0;
                Notice(NoticeKind.Opened, state, now, notices);
            }

            return;
        }

        state.Alert = open with { Severity = trouble.Severity, Text = Words(trouble.Text), Advice = Words(trouble.Advice), SeenAt = now };
        var reminds = Between(state.NoticedAt, now) >= s_reminder;
        if (trouble.Severity > state.Highest || (trouble.Severity > open.Severity && reminds))
        {
            Notice(NoticeKind.Raised, state, now, notices);
        }
        else if (trouble.Severity is AlertSeverity.Critical && reminds)
        {
            Notice(NoticeKind.Reminder, state, now, notices);
        }
    }

    void Miss((string Rule, string Subject) key, State state, DateTimeOffset now, ImmutableArray<AlertNotice>.Builder notices)
    {
        if (state.Alert is not { } open)
        {
            _states.Remove(key);
        }
        else if (++state.Missed >= 2 && Between(open.SeenAt, now) >= Calm(state.Returns))
        {
            // Whoever was told that it is critical is told that it ended, though it was less than that in the end.
            state.Alert = open with { Severity = state.Highest, ResolvedAt = now };
            Notice(NoticeKind.Resolved, state, now, notices);
            _states.Remove(key);
            foreach (var (old, _) in _ended.Where(ended => Between(ended.Value.At, now) >= s_memory).ToArray())
            {
                _ended.Remove(old);
            }

            _ended[key] = (now, state.Returns);
        }
    }

    /// <summary>How long something has to stay away, by how often it came back.</summary>
    static TimeSpan Calm(int returns) => returns switch
    {
        0 => TimeSpan.Zero,
        > 6 => s_memory,
        _ => s_firstCalm * (1 << (returns - 1)),
    };

    /// <summary>A clock that ran ahead and was set back must not hold up an end or a reminder until it is there again.</summary>
    static TimeSpan Between(DateTimeOffset before, DateTimeOffset now) => (now - before).Duration();

    /// <summary>Much of it comes from peers.</summary>
    static string Words(string text) => OneLine.Of(text, MostCharacters);

    static void Notice(NoticeKind kind, State state, DateTimeOffset now, ImmutableArray<AlertNotice>.Builder notices)
    {
        var alert = state.Alert!;
        state.NoticedAt = now;
        state.Kept = alert;
        state.Highest = alert.Severity > state.Highest ? alert.Severity : state.Highest;
        notices.Add(new AlertNotice(kind, alert, now));
    }

    sealed class State
    {
        /// <summary>Null while it is not certain yet.</summary>
        public Alert? Alert { get; set; }

        /// <summary>Looks in a row.</summary>
        public int Seen { get; set; }

        /// <summary>Looks in a row without it.</summary>
        public int Missed { get; set; }

        public DateTimeOffset NoticedAt { get; set; }

        /// <summary>As it was handed out last.</summary>
        public Alert? Kept { get; set; }

        /// <summary>That was told.</summary>
        public AlertSeverity Highest { get; set; }

        /// <summary>How often it came back within an hour of its end.</summary>
        public int Returns { get; set; }
    }
}
