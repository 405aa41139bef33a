namespace Hopseal.Relay.Queue;

/// <summary>The store could not do what was asked; nothing of it was done, unless <see cref="MayBeKept"/> says otherwise. The
/// store goes on, and the same call may succeed later.</summary>
public sealed class QueueStoreException : IOException
{
    public QueueStoreException(string message)
        : base(message)
    {
    }

    public QueueStoreException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public QueueStoreException()
    {
    }

    /// <summary>No space is left (RFC 3463 §3.4: X.3.1).</summary>
    public bool IsFull { get; init; }

    /// <summary>Another process has it.</summary>
    public bool IsInUse { get; init; }

    /// <summary>The disk failed while it was asked to keep what had been written: a restart may find it done. Like a connection
    /// lost after the final dot (RFC 5321 §6.1), it can double a message but never lose one.</summary>
    public bool MayBeKept { get; init; }
}
