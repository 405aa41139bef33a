using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A queue in memory that fails at one given call, counted over all calls that read or write entries.</summary>
sealed class MemoryStore(int failAt = -1) : IQueueStore
{
    readonly Lock _lock = new();
    readonly Dictionary<QueueId, StoredMessage> _messages = [];
    readonly Dictionary<(QueueId Id, string Domain), Entry> _entries = [];
    int _calls;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Everything that was ever settled, in order.</summary>
    public List<(QueueLease Lease, Settlement Settlement, ImmutableArray<StoredMessage> Reports)> Settled { get; } = [];

    public ValueTask AddAsync(StoredMessage message, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            Add(message);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<ImmutableArray<QueueLease>> LeaseDueAsync(
        DateTimeOffset now, int limit, RetrySchedule schedule, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            ImmutableArray<QueueLease> leases =
                [.. from entry in _entries
                    where !entry.Value.Leased && entry.Value.DueAt <= now
                    orderby entry.Value.DueAt
                    select Lease(entry.Key.Id, entry.Key.Domain, entry.Value, now, schedule)];
            leases = [.. leases.Take(limit)];
            foreach (var lease in leases)
            {
                var entry = _entries[(lease.Id, lease.Domain)];
                entry.Leased = true;
                entry.Attempts++;
                entry.DueAt = now + schedule.DelayAfter(entry.Attempts);
            }

            return ValueTask.FromResult(leases);
        }
    }

    public ValueTask<DateTimeOffset?> NextDueAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            return ValueTask.FromResult<DateTimeOffset?>(
                _entries.Values.Where(entry => !entry.Leased).Select(entry => (DateTimeOffset?)entry.DueAt).Min());
        }
    }

    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            return ValueTask.FromResult<Stream>(new MemoryStream(_messages[id].Content.ToArray(), writable: false));
        }
    }

    public ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            Settled.Add((lease, settlement, reports));
            var entry = _entries[(lease.Id, lease.Domain)];
            entry.Leased = false;
            entry.Pending = [.. lease.Pending.Recipients.Where((_, position) => settlement.Outcomes[position] is RecipientOutcome.Deferred)];
            entry.DueAt = settlement.RetryAt ?? entry.DueAt;
            entry.TlsFailed |= settlement.TlsFailed;
            if (entry.Pending.IsEmpty)
            {
                _entries.Remove((lease.Id, lease.Domain));
                if (!_entries.Keys.Any(key => key.Id == lease.Id))
                {
                    _messages.Remove(lease.Id);
                }
            }

            foreach (var report in reports)
            {
                Add(report);
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<long> CountAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            return ValueTask.FromResult((long)_messages.Count);
        }
    }

    /// <summary>When an entry that waits falls due.</summary>
    public DateTimeOffset DueAt(QueueId id, string domain)
    {
        lock (_lock)
        {
            Assert.False(_entries[(id, domain)].Leased);
            return _entries[(id, domain)].DueAt;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    void Add(StoredMessage message)
    {
        _messages.Add(message.Id, message with { Content = message.Content.ToArray() });
        foreach (var domain in message.Envelope.Recipients.GroupBy(recipient => recipient.Mailbox.Domain!.Ascii))
        {
            _entries.Add((message.Id, domain.Key), new Entry { Pending = [.. domain], DueAt = message.ReceivedAt });
        }
    }

    QueueLease Lease(QueueId id, string domain, Entry entry, DateTimeOffset now, RetrySchedule schedule)
    {
        var message = _messages[id];
        return new QueueLease(
            id,
            domain,
            message.Envelope with { Recipients = entry.Pending },
            entry.Attempts + 1,
            message.ReceivedAt,
            message.Size,
            message.ReceivedAt + schedule.GiveUpAfter,
            entry.TlsFailed);
    }

    void Fail()
    {
        if (_calls++ == failAt)
        {
            throw new QueueStoreException("as the test wants it");
        }
    }

    sealed class Entry
    {
        public ImmutableArray<Recipient> Pending { get; set; }

        public DateTimeOffset DueAt { get; set; }

        public int Attempts { get; set; }

        public bool Leased { get; set; }

        public bool TlsFailed { get; set; }
    }
}
