namespace Hopseal.Reports.Alerts;

/// <summary>Notices that wait for the end of quiet hours: at most one for each alert. What began and ended meanwhile is not told. Any thread may call any
/// member.</summary>
/// <param name="outbox">Keeps them over restarts; null: nobody does.</param>
public sealed class HeldNotices(NoticeOutbox? outbox)
{
    /// <summary>In the outbox.</summary>
    public const string Receiver = "quiet hours";

    readonly Lock _lock = new();
    readonly Dictionary<long, WaitingNotice> _held = (outbox?.Waiting(Receiver) ?? []).GroupBy(waiting => waiting.Notice.Alert.Id).ToDictionary(same => same.Key, same => same.Last());

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _held.Count == 0;
            }
        }
    }

    public void Hold(AlertNotice notice)
    {
        ArgumentNullException.ThrowIfNull(notice);
        lock (_lock)
        {
            if (After(notice) is { } worth)
            {
                _held[notice.Alert.Id] = outbox?.Add(Receiver, worth) ?? new WaitingNotice(0, worth);
            }
        }
    }

    /// <summary>One that is told at once: what was held of its alert is not told any more.</summary>
    /// <returns>The notice as whoever gets it understands it, who may not know that it began; null when it is not worth a word.</returns>
    public AlertNotice? Overtake(AlertNotice notice)
    {
        ArgumentNullException.ThrowIfNull(notice);
        lock (_lock)
        {
            return After(notice);
        }
    }

    /// <summary>Tells everything that is still worth a word, in the order of its time, and keeps none of it. Each is in the outbox until it is told: a crash
    /// between loses none.</summary>
    /// <param name="open">Alerts as they are now.</param>
    public async Task ReleaseAsync(IEnumerable<Alert> open, Func<AlertNotice, Task> tell)
    {
        ArgumentNullException.ThrowIfNull(tell);
        var now = open.ToDictionary(alert => alert.Id);
        while (TakeFirst() is { } held)
        {
            var notice = held.Notice;
            if (notice.Kind is NoticeKind.Resolved)
            {
                await tell(notice);
            }
            else if (now.TryGetValue(notice.Alert.Id, out var alert))
            {
                await tell(notice with { Alert = alert });
            }

            outbox?.Remove(held.Id);
        }
    }

    WaitingNotice? TakeFirst()
    {
        lock (_lock)
        {
            var first = _held.Values.OrderBy(held => held.Notice.At).ThenBy(held => held.Notice.Alert.Id).FirstOrDefault();
            if (first is not null)
            {
                _held.Remove(first.Notice.Alert.Id);
            }

            return first;
        }
    }

    /// <summary>What a notice is to those who were not told what is held, which is taken out.</summary>
    AlertNotice? After(AlertNotice notice)
    {
        if (!_held.Remove(notice.Alert.Id, out var before))
        {
            return notice;
        }

        outbox?.Remove(before.Id);
        return before.Notice.Kind is not NoticeKind.Opened ? notice
            : notice.Kind is NoticeKind.Resolved ? null
            : notice with { Kind = NoticeKind.Opened };
    }
}
