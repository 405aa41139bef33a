namespace Hopseal.Relay.Queue;

/// <summary>What an operator does to entries.</summary>
public enum QueueAction
{
    /// <summary>Makes it due at once, and takes back what its domain has to wait for.</summary>
    Retry,

    /// <summary>Keeps it back. An attempt under way goes on; what is left of the entry after it is held.</summary>
    Hold,

    /// <summary>Ends that: it is due when it had been.</summary>
    Release,

    /// <summary>Removes it, without a word to the sender.</summary>
    Delete,
}

/// <summary>What became of an action on one entry.</summary>
public enum EntryChange
{
    Done,

    /// <summary>There was nothing to do: it is held already, or is not; or it would be retried, and is held.</summary>
    Unchanged,

    /// <summary>Nothing was done, because its attempt is under way.</summary>
    Attempting,

    /// <summary>It has left the queue.</summary>
    Gone,
}
