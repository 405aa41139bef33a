namespace Hopseal.Relay.Attempt;

/// <summary>How long a session that delivered is kept open for the next message, and how many are.</summary>
public sealed record SessionReuse
{
    /// <summary>Between two transactions. Longer than a queue needs to hand over the next message, shorter than a server's
    /// patience.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From connect on; an older session ends with its transaction. What is only seen by connecting (another certificate, a
    /// changed DNS record) is then never older than this.</summary>
    public TimeSpan LifeTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Transactions in one session; at least 1.</summary>
    public int MaxTransactions { get; init; } = 500;

    /// <summary>Sessions open, in use or idle. Never holds up an attempt: idle ones make room for it, and when there are none left, it
    /// opens its session all the same.</summary>
    public int MaxOpen { get; init; } = 200;

    /// <summary>The same for one destination.</summary>
    public int MaxOpenPerDestination { get; init; } = 10;

    /// <summary>What shares <see cref="MaxOpenPerDestination"/>. Unless given, each recipient domain is its own.</summary>
    public Func<string, string> DestinationOf { get; init; } = static domain => domain;
}
