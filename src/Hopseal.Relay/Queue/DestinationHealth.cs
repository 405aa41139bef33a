namespace Hopseal.Relay.Queue;

/// <summary>What is known of one destination as such, beside what it says to single messages: whether it answers, how much it
/// is given at once, and when it is tried again while it does not. Not for several threads.</summary>
/// <param name="limits">How fast it is trusted and how slow it is asked again.</param>
sealed class DestinationHealth(HealthLimits limits)
{
    /// <summary>Attempts at once at a destination that has not answered yet.</summary>
    public const int FirstWindow = 2;

    DateTimeOffset _answeredAt;
    DateTimeOffset _failedAt;
    int _window = Math.Min(FirstWindow, limits.MaxWindow);

    /// <summary>Times in a row that it failed; attempts that were under way together count once.</summary>
    public int Failures { get; private set; }

    /// <summary>It has answered, and has not failed since.</summary>
    public bool IsProven { get; private set; }

    /// <summary>No attempt begins before that time.</summary>
    public DateTimeOffset NotBefore { get; private set; }

    /// <summary>Why it failed last; null when it does not fail.</summary>
    public RecipientOutcome.Deferred? Failure { get; private set; }

    /// <summary>Attempts at once: one while it fails, more with every answer.</summary>
    public int Window => Failures > 0 ? 1 : _window;

    public void Answered(DateTimeOffset now)
    {
        _window = Failures > 0 ? _window : Math.Min(_window + 1, limits.MaxWindow);
        _answeredAt = now;
        Forget();
        IsProven = true;
    }

    /// <summary>An attempt got nowhere. When another one got through since it began, the destination may have too many
    /// connections, and gets one less; otherwise it is left alone, twice as long as the time before.</summary>
    public void Failed(DateTimeOffset startedAt, DateTimeOffset now, RecipientOutcome.Deferred failure)
    {
        if (startedAt < _answeredAt)
        {
            _window = Math.Max(1, _window - 1);
            return;
        }

        Failure = failure;
        if (Failures > 0 && startedAt <= _failedAt)
        {
            return;
        }

        Failures++;
        IsProven = false;
        _failedAt = now;
        _window = Math.Min(FirstWindow, limits.MaxWindow);
        NotBefore = now + limits.BackOff(Failures);
    }

    /// <summary>Somebody knows better: it may be tried at once.</summary>
    public void Forget()
    {
        Failures = 0;
        Failure = null;
        NotBefore = default;
    }
}

/// <param name="MaxWindow">Attempts at once at one destination; at least 1.</param>
/// <param name="FirstBackOff">After the first failure; doubled with each further one.</param>
/// <param name="LongestBackOff">Where the doubling ends.</param>
sealed record HealthLimits(int MaxWindow, TimeSpan FirstBackOff, TimeSpan LongestBackOff)
{
    public TimeSpan BackOff(int failures)
    {
        var delay = FirstBackOff;
        for (var i = 1; i < failures && delay < LongestBackOff; i++)
        {
            delay *= 2;
        }

        return delay < LongestBackOff ? delay : LongestBackOff;
    }
}
