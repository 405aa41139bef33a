using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

/// <summary>A database that may have one page more than an empty one, two pages more, and so on until a scenario with everything in it fits.</summary>
public sealed class FullAtAnyPageTests
{
    const int MostPages = 500;

    [Fact(Timeout = 240_000)]
    public async Task A_disk_that_is_full_at_any_page_loses_nothing_and_invents_nothing()
    {
        var failed = new HashSet<string>();
        for (var pages = 0; pages < MostPages; pages++)
        {
            await using var world = new World($"with {pages} pages more than none", TestContext.Current.CancellationToken);
            await world.LiveAsync(pages);
            await world.JudgeAsync();
            failed.UnionWith(world.Failed);
            if (world.Failed.Count == 0)
            {
                Assert.True(pages > 20, $"the scenario needs {pages} pages only");
                Assert.Superset(new HashSet<string> { "add", "add and lease", "settle", "warn" }, failed);
                return;
            }
        }

        Assert.Fail($"the scenario does not fit into {MostPages} pages");
    }

    sealed class World : IAsyncDisposable
    {
        static readonly RecipientOutcome s_wordy = new RecipientOutcome.Deferred(new(4, 4, 1), new string('w', 900));

        readonly Scratch _scratch = new();
        readonly Dictionary<QueueId, string> _texts = [];

        /// <summary>What the store said it keeps.</summary>
        readonly HashSet<(QueueId Id, string Domain)> _promised = [];

        readonly HashSet<(QueueId Id, string Domain)> _warned = [];
        readonly List<QueueLease> _leased = [];
        readonly string _when;
        readonly CancellationToken _cancel;
        readonly SqliteQueueStore _store;

        public World(string when, CancellationToken cancel)
        {
            _when = when;
            _cancel = cancel;
            _store = _scratch.Open();
        }

        /// <summary>Kinds of work that the disk was too full for.</summary>
        public HashSet<string> Failed { get; } = [];

        public async Task LiveAsync(int pages)
        {
            await _store.LimitPagesAsync(await _store.CountPagesAsync() + pages);
            for (var i = 0; i < 6; i++)
            {
                await AddAsync(new string((char)('a' + i), 2_000), $"u@d{i}.example", "u@shared.example");
            }

            await AddAsync(new string('o', 100_000), "u@overflow.example");
            await AddLargeAsync("u@spool.example");
            await AddAsync("to many", [.. Enumerable.Range(0, 200).Select(i => $"user{i}@many.example")]);
            await SettleAsync(await LeaseAsync(Scratch.Start));
            await WarnAsync();
            await AddAndLeaseAsync(new string('l', 20_000), "u@leased.example", "u@d0.example");
            await SettleAsync(await LeaseAsync(Scratch.Start.AddHours(1)));
            await AddAsync(new string('z', 30_000), "u@last.example");
        }

        /// <summary>What a crash leaves now, and what the store itself does when there is space again.</summary>
        public async Task JudgeAsync()
        {
            await using (var crashed = _scratch.OpenWhatACrashLeaves())
            {
                await EmptyAsync(crashed, [.. _promised]);
            }

            await _store.LimitPagesAsync(PageLimit.None);
            foreach (var lease in _leased)
            {
                await _store.SettleAsync(lease, Every(lease, Scratch.Delivered), [], _cancel);
                Assert.True(_promised.Remove((lease.Id, lease.Domain)), _when);
            }

            await AddAsync("afterwards", "u@after.example");
            await EmptyAsync(_store, [.. _promised]);
            await _store.DisposeAsync();
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(_scratch.Data, "spool"), "*", SearchOption.AllDirectories));
        }

        public async ValueTask DisposeAsync()
        {
            await _store.DisposeAsync();
            _scratch.Dispose();
        }

        static Settlement Every(QueueLease lease, RecipientOutcome outcome) =>
            Scratch.Settlement([.. Enumerable.Repeat(outcome, lease.Pending.Recipients.Length)]);

        async Task EmptyAsync(SqliteQueueStore store, HashSet<(QueueId Id, string Domain)> promised)
        {
            Assert.Equal(promised.Select(entry => entry.Id).Distinct().Count(), await store.CountAsync(_cancel));
            var delayed = (await store.FindDelayedAsync(Scratch.Start.AddDays(1), null, _cancel)).Entries;
            Assert.DoesNotContain(delayed, entry => _warned.Contains((entry.Id, entry.Domain)));
            for (var hours = 2; hours < 24; hours++)
            {
                foreach (var lease in await Scratch.LeaseAsync(store, Scratch.Start.AddHours(hours)))
                {
                    Assert.True(promised.Remove((lease.Id, lease.Domain)), $"{_when}: {lease.Id} for {lease.Domain} is invented");
                    Assert.Equal(_texts[lease.Id], await Scratch.ReadAsync(store, lease.Id));
                    await store.SettleAsync(lease, Every(lease, Scratch.Delivered), [], _cancel);
                }
            }

            Assert.True(promised.Count == 0, $"{_when}: lost are {string.Join(", ", promised)}");
            Assert.Equal(0, await store.CountAsync(_cancel));
        }

        /// <returns>Whether it was done. Only a disk without space excuses the store.</returns>
        async Task<bool> TryAsync(string kind, Func<Task> work)
        {
            try
            {
                await work();
                return true;
            }
            catch (QueueStoreException e)
            {
                Assert.True(e.IsFull, $"{_when}: {e}");
                Assert.False(e.MayBeKept, $"{_when}: {e}");
                Failed.Add(kind);
                return false;
            }
        }

        StoredMessage Message(string text, params string[] recipients)
        {
            var message = _scratch.Message(text, recipients);
            _texts.Add(message.Id, text);
            return message;
        }

        void Promise(StoredMessage message) => _promised.UnionWith(
            message.Envelope.Recipients.Select(recipient => (message.Id, recipient.Mailbox.Domain!.ToString())));

        async Task AddAsync(string text, params string[] recipients) => await AddAsync(Message(text, recipients));

        async Task AddAsync(StoredMessage message)
        {
            if (await TryAsync("add", async () => await _store.AddAsync(message, _cancel)))
            {
                Promise(message);
            }
        }

        async Task AddLargeAsync(string recipient)
        {
            var text = new string('s', Spool.MemoryOctets + 1);
            var message = Message(text, recipient);
            await using var content = _store.Spool.Begin(message.Id);
            await content.WriteAsync(message.Content, _cancel);
            var (_, file) = await content.FinishAsync(_cancel);
            await AddAsync(message with { Content = default, ContentFile = file });
        }

        async Task AddAndLeaseAsync(string text, params string[] recipients)
        {
            var message = Message(text, recipients);
            var taker = new ListTaker();
            ImmutableArray<QueueLease> leases = [];
            if (await TryAsync(
                "add and lease",
                async () => leases = await _store.AddAsync(message, new LeaseTerms(Scratch.Start, Scratch.Schedule, taker), _cancel)))
            {
                Promise(message);
                Assert.Equal(recipients.Length, leases.Length);
                await SettleAsync(leases);
            }

            Assert.Equal(leases.Length, taker.Reserved);
        }

        async Task<ImmutableArray<QueueLease>> LeaseAsync(DateTimeOffset now)
        {
            var taker = new ListTaker();
            ImmutableArray<QueueLease> leases = [];
            await TryAsync("lease", async () => leases = (await Scratch.ScanAsync(_store, now, taker)).Leases);
            Assert.Equal(leases.Length, taker.Reserved);
            Assert.All(leases, lease => Assert.Contains((lease.Id, lease.Domain), _promised));
            return leases;
        }

        /// <summary>In turn: waits, has arrived, cannot arrive and is reported.</summary>
        async Task SettleAsync(ImmutableArray<QueueLease> leases)
        {
            foreach (var (i, lease) in leases.Index())
            {
                var outcome = (i % 3) switch { 0 => s_wordy, 1 => Scratch.Delivered, _ => Scratch.Bounced };
                ImmutableArray<StoredMessage> reports = i % 3 == 2 ? [Message($"bounce {new string('b', 3_000)}", "sender@home.example")] : [];
                if (!await TryAsync("settle", async () => await _store.SettleAsync(lease, Every(lease, outcome), reports, _cancel)))
                {
                    _leased.Add(lease);
                    continue;
                }

                if (outcome is not RecipientOutcome.Deferred)
                {
                    _promised.Remove((lease.Id, lease.Domain));
                }

                foreach (var report in reports)
                {
                    Promise(report);
                }
            }
        }

        async Task WarnAsync()
        {
            var found = (await _store.FindDelayedAsync(Scratch.Start.AddHours(1), null, _cancel)).Entries;
            Assert.All(found, entry => Assert.Contains((entry.Id, entry.Domain), _promised));
            foreach (var entry in found)
            {
                var report = Message($"waits {new string('d', 3_000)}", "sender@home.example");
                var written = false;
                if (await TryAsync("warn", async () => written = await _store.WarnAsync(entry, report, _cancel)))
                {
                    Assert.True(written, _when);
                    _warned.Add((entry.Id, entry.Domain));
                    Promise(report);
                }
            }
        }
    }
}
