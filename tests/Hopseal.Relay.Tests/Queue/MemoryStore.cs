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
    readonly Dictionary<string, DateTimeOffset> _postponed = [];
    int _calls;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Everything that was ever settled, in order.</summary>
    public List<(QueueLease Lease, Settlement Settlement, ImmutableArray<StoredMessage> Reports)> Settled { get; } = [];

    /// <summary>Everything that was ever given back, in order.</summary>
    public List<QueueLease> Returned { get; } = [];

    /// <summary>Every report on a delay, in order.</summary>
    public List<StoredMessage> Warnings { get; } = [];

    public ValueTask<ImmutableArray<QueueLease>> AddAsync(StoredMessage message, LeaseTerms? terms, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            Add(message);
            return ValueTask.FromResult<ImmutableArray<QueueLease>>(terms is null
                ? []
                : [.. from key in _entries.Keys
                      where key.Id == message.Id && terms.Taker.Ask(key.Domain, arriving: true) is LeaseAnswer.Yes
                      select Lease(key.Id, key.Domain, suspended: false, terms)]);
        }
    }

    public ValueTask<LeaseScan> LeaseDueAsync(LeaseTerms terms, int limit, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            var leases = ImmutableArray.CreateBuilder<QueueLease>();
            foreach (var ((id, domain), entry) in _entries.Where(entry => !entry.Value.Leased).OrderBy(entry => entry.Value.DueAt).ToList())
            {
                var expired = _messages[id].ReceivedAt + terms.Schedule.GiveUpAfter <= terms.Now;
                if (leases.Count == limit || entry.DueAt > terms.Now && !expired)
                {
                    continue;
                }

                var answer = terms.Taker.Ask(domain, arriving: false);
                var suspended = answer is LeaseAnswer.NotBefore && expired && terms.Taker.AskSuspended();
                if (answer is LeaseAnswer.Yes || suspended)
                {
                    leases.Add(Lease(id, domain, suspended, terms));
                }
                else if (answer is LeaseAnswer.NotBefore wait)
                {
                    _postponed[domain] = wait.Time;
                }
            }

            return ValueTask.FromResult(new LeaseScan(leases.ToImmutable(), leases.Count == limit, NextDue(terms)));
        }
    }

    public ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            foreach (var lease in leases)
            {
                var entry = _entries[(lease.Id, lease.Domain)];
                (entry.Leased, entry.DueAt, entry.Attempts) = (false, lease.DueAt, lease.AttemptNumber - (lease.Suspended ? 0 : 1));
                Returned.Add(lease);
            }
        }

        return ValueTask.CompletedTask;
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
            entry.Failure = settlement.Outcomes.OfType<RecipientOutcome.Deferred>().Select(Failure).LastOrDefault() ?? entry.Failure;
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

    public ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            return ValueTask.FromResult(new DelayScan(
                [.. from entry in _entries
                    let message = _messages[entry.Key.Id]
                    where !entry.Value.Warned && !entry.Value.Leased && message.ReceivedAt < receivedBefore
                    select new DelayedEntry(
                        entry.Key.Id,
                        entry.Key.Domain,
                        message.Envelope with { Recipients = entry.Value.Pending },
                        [.. entry.Value.Pending.Select(_ => entry.Value.Failure)],
                        message.ReceivedAt,
                        message.Size)],
                null));
        }
    }

    public ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel)
    {
        lock (_lock)
        {
            Fail();
            if (!_entries.TryGetValue((entry.Id, entry.Domain), out var found) || found.Warned || found.Pending.Length != entry.Pending.Recipients.Length)
            {
                return ValueTask.FromResult(false);
            }

            found.Warned = true;
            if (report is not null)
            {
                Add(report);
                Warnings.Add(report);
            }

            return ValueTask.FromResult(true);
        }
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

    DateTimeOffset? NextDue(LeaseTerms terms)
    {
        var times = from entry in _entries
                    where !entry.Value.Leased
                    let postponed = _postponed.GetValueOrDefault(entry.Key.Domain)
                    let due = postponed > entry.Value.DueAt ? postponed : entry.Value.DueAt
                    let expiry = _messages[entry.Key.Id].ReceivedAt + terms.Schedule.GiveUpAfter
                    from time in (DateTimeOffset[])[due, expiry]
                    where time > terms.Now
                    select (DateTimeOffset?)time;
        return times.Min();
    }

    QueueLease Lease(QueueId id, string domain, bool suspended, LeaseTerms terms)
    {
        var message = _messages[id];
        var entry = _entries[(id, domain)];
        var dueAt = entry.DueAt;
        entry.Leased = true;
        entry.Attempts += suspended ? 0 : 1;
        entry.DueAt = terms.Now + terms.Schedule.DelayAfter(entry.Attempts);
        return new QueueLease(
            id,
            domain,
            message.Envelope with { Recipients = entry.Pending },
            entry.Attempts,
            message.ReceivedAt,
            message.Size,
            message.ReceivedAt + terms.Schedule.GiveUpAfter,
            entry.TlsFailed)
        {
            DueAt = dueAt,
            Suspended = suspended,
        };
    }

    static LastFailure Failure(RecipientOutcome.Deferred deferred) =>
        new(deferred.Status.ToString(), deferred.Reason, deferred.Remote?.Host, deferred.Security?.ToString());

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

        public bool Warned { get; set; }

        public LastFailure? Failure { get; set; }
    }
}
