using System.Collections.Immutable;

namespace Hopseal.Reports.Alerts;

/// <summary>Turns what rules see into alerts that open once and end once: for each rule and subject there is at most one open alert, and a notice
/// comes only of a change. Without a clock; any thread may call any member.</summary>
/// <remarks>What is not <see cref="Trouble.Certain"/> opens when it is seen in two looks in a row; every alert ends when it is missing in two looks
/// in a row. A look that could not find out (null) changes nothing.</remarks>
public sealed class AlertBook
{
    /// <summary>Open at one time for one rule; what is more is one alert on all of them.</summary>
    public const int MostPerRule = 50;

    const string Others = "(others)";

    static readonly TimeSpan s_reminder = TimeSpan.FromDays(1);

    readonly Lock _lock = new();
    readonly Dictionary<(string Rule, string Subject), State> _states = [];
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
                _states[(alert.Rule, alert.Subject)] = new State { Alert = alert, NoticedAt = alert.SeenAt };
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
            var troubles = Bounded(rule, seen);
            foreach (var trouble in troubles.Values)
            {
                See(rule, trouble, now, notices);
            }

            foreach (var (key, state) in _states.Where(pair => pair.Key.Rule == rule && !troubles.ContainsKey(pair.Key.Subject)).ToArray())
            {
                Miss(key, state, now, notices);
            }

            return notices.DrainToImmutable();
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
    Dictionary<string, Trouble> Bounded(string rule, IReadOnlyCollection<Trouble> seen)
    {
        var distinct = seen.GroupBy(trouble => trouble.Subject, StringComparer.Ordinal).Select(same => same.MaxBy(trouble => trouble.Severity)!).ToArray();
        if (distinct.Length <= MostPerRule)
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
                state.Alert = new Alert(++_lastId, rule, trouble.Subject, trouble.Severity, trouble.Text, trouble.Advice, now, now, null, null);
                Notice(NoticeKind.Opened, state, now, notices);
            }

            return;
        }

        state.Alert = open with { Severity = trouble.Severity, Text = trouble.Text, Advice = trouble.Advice, SeenAt = now };
        if (trouble.Severity > open.Severity)
        {
            Notice(NoticeKind.Raised, state, now, notices);
        }
        else if (trouble.Severity is AlertSeverity.Critical && now - state.NoticedAt >= s_reminder)
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
        else if (++state.Missed >= 2)
        {
            state.Alert = open with { ResolvedAt = now };
            Notice(NoticeKind.Resolved, state, now, notices);
            _states.Remove(key);
        }
    }

    static void Notice(NoticeKind kind, State state, DateTimeOffset now, ImmutableArray<AlertNotice>.Builder notices)
    {
        state.NoticedAt = now;
        notices.Add(new AlertNotice(kind, state.Alert!, now));
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
    }
}
