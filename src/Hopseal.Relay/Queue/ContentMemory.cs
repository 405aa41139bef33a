namespace Hopseal.Relay.Queue;

/// <summary>The contents of messages that go out at once, so that they need not be read back. Bounded: what does not fit is in the
/// store.</summary>
/// <param name="maxOctets">In all.</param>
sealed class ContentMemory(int maxOctets)
{
    /// <summary>Larger ones would be large objects to the garbage collector, and reading them back costs little beside sending
    /// them.</summary>
    const int MaxContent = 64 * 1024;

    readonly Lock _lock = new();
    readonly Dictionary<QueueId, Kept> _contents = [];
    int _octets;

    public int Octets => Volatile.Read(ref _octets);

    /// <param name="leases">How many will let go of it.</param>
    public void Keep(StoredMessage message, int leases)
    {
        var length = message.Content.Length;
        if (message.ContentFile is not null || length > MaxContent || leases == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (_octets + length <= maxOctets && _contents.TryAdd(message.Id, new Kept(message.Content.ToArray()) { Leases = leases }))
            {
                _octets += length;
            }
        }
    }

    /// <summary>Null when it is not here.</summary>
    public Stream? TryOpen(QueueId id)
    {
        lock (_lock)
        {
            return _contents.TryGetValue(id, out var kept) ? new MemoryStream(kept.Content, writable: false) : null;
        }
    }

    /// <summary>A lease of the message has ended.</summary>
    public void LetGo(QueueId id)
    {
        lock (_lock)
        {
            if (_contents.TryGetValue(id, out var kept) && --kept.Leases == 0)
            {
                _contents.Remove(id);
                _octets -= kept.Content.Length;
            }
        }
    }

    sealed class Kept(byte[] content)
    {
        public byte[] Content => content;

        public int Leases { get; set; }
    }
}
