namespace Hopseal.Relay.Queue;

/// <summary>Who attempts what is leased, and knows how much of it may be under way. Seam: <see cref="QueueRunner"/> in
/// production, a list in tests.</summary>
/// <remarks>The store asks from within its writer, which everybody waits for: answers come at once and from memory.</remarks>
public interface ILeaseTaker
{
    /// <summary>Asks for a place for one lease. <see cref="LeaseAnswer.Yes"/> reserves it: <see cref="Take"/> or
    /// <see cref="Release"/> must follow.</summary>
    /// <param name="arriving">The message is new: it must not overtake those that wait.</param>
    LeaseAnswer Ask(string domain, bool arriving);

    /// <summary>The same for an entry whose time is over while its domain may not be attempted: it is given up without an
    /// attempt.</summary>
    bool AskSuspended();

    /// <summary>The lease is not taken after all.</summary>
    void Release(string domain, bool suspended);

    /// <summary>The lease is written down; from here on it is the taker's to settle or to return.</summary>
    void Take(QueueLease lease);

    /// <summary>Every domain that is due has been asked for, once, since the last time.</summary>
    void EndRound();
}

/// <summary>Whether a lease may be taken.</summary>
public abstract record LeaseAnswer
{
    LeaseAnswer()
    {
    }

    public sealed record Yes : LeaseAnswer
    {
        public static readonly Yes Instance = new();
    }

    /// <summary>Not while so many others are under way. The taker says when there is room again.</summary>
    public sealed record Full : LeaseAnswer
    {
        public static readonly Full Instance = new();
    }

    /// <summary>The domain is not attempted before that time, whatever of it is due.</summary>
    public sealed record NotBefore(DateTimeOffset Time) : LeaseAnswer;
}
