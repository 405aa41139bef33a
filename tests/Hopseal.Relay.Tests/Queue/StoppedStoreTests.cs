using System.Collections.Concurrent;
using System.Text;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A whole queue over SQLite, whose store dies at the first write, at the second, and so on through a scenario with everything in
/// it: what it leaves is picked up by another one.</summary>
public sealed class StoppedStoreTests
{
    const int MostWrites = 500;
    const string Good = "good.test";
    const string Slow = "slow.test";
    const string Bad = "bad.test";
    const string Home = "home.test";

    static readonly RetrySchedule s_schedule = new([TimeSpan.FromMinutes(5)], TimeSpan.FromDays(3650));
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    static readonly (string Name, int Lines, string[] Domains)[] s_messages =
    [
        ("m1", 1, [Good]),
        ("m2", 20, [Good, Slow, Bad]),
        ("m3", 8000, [Good, Slow]),
        ("m4", 1, [Bad]),
        ("m5", 8000, [Bad]),
        ("m6", 5, [Slow]),
    ];

    [Theory(Timeout = 240_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_that_dies_at_any_write_loses_nothing_and_invents_nothing(bool afterwards)
    {
        for (var write = 0; write < MostWrites; write++)
        {
            using var world = new World(TestContext.Current.CancellationToken);
            await world.LiveAsync(write, afterwards);
            await world.GoOnAsync();
            world.Judge($"{(afterwards ? "after" : "before")} write {write}");
            if (!world.Stopped)
            {
                Assert.True(write > 20, $"the scenario has {write} writes only");
                return;
            }
        }

        Assert.Fail($"the scenario does not end within {MostWrites} writes");
    }

    static string Text(string name) =>
        $"Subject: {name}\r\n\r\n" + string.Concat(Enumerable.Repeat($"a line of {name} that says nothing new at all\r\n", s_messages.Single(m => m.Name == name).Lines));

    /// <summary>One scenario, from the first message until the last one has gone.</summary>
    sealed class World(CancellationToken cancel) : IDisposable
    {
        readonly Scratch _scratch = new();
        readonly Dictionary<QueueId, string> _names = [];
        readonly HashSet<string> _promised = [];
        readonly ConcurrentDictionary<string, int> _plans = [];
        readonly CancellationToken _cancel = cancel;
        StoppingStore? _dying;
        readonly RecordingLog<QueueRunner> _log = new();

        public bool Stopped => _dying!.Stopped;

        public async Task LiveAsync(int stopAt, bool afterwards)
        {
            await using var store = _scratch.Open();
            _dying = new StoppingStore(store, stopAt, afterwards);
            await RunAsync(_dying, async queue =>
            {
                foreach (var (name, _, domains) in s_messages)
                {
                    await AddAsync(store, queue, name, domains);
                }
            });
        }

        /// <summary>Another process on what a crash leaves, with destinations that are all well.</summary>
        public async Task GoOnAsync()
        {
            await using var store = _scratch.OpenWhatACrashLeaves();
            await RunAsync(store, _ => Task.CompletedTask);
            await store.Sweep;
            Assert.Equal(0, await store.CountAsync(_cancel));
            var spool = Path.Combine(Directory.EnumerateDirectories(_scratch.Directory, "crash-*").Single(), "spool");
            Assert.Empty(Directory.EnumerateFiles(spool, "*", SearchOption.AllDirectories));
        }

        public void Judge(string when)
        {
            foreach (var (name, _, domains) in s_messages)
            {
                foreach (var domain in domains)
                {
                    var copies = domain == Bad ? Reports(name) : Copies(name, domain);
                    Assert.True(copies > 0 || !_promised.Contains(name), $"{when}: {name} for {domain} is lost");
                    Assert.True(copies <= Most(name, domain), $"{when}: {name} for {domain} came {copies} times, at most {Most(name, domain)} are explained");
                }
            }
        }

        public void Dispose() => _scratch.Dispose();

        /// <summary>A second copy needs an attempt of which nobody wrote down what became of it; a message that was refused
        /// needs a store that died with the answer on its lips.</summary>
        int Most(string name, string domain)
        {
            if (!_names.ContainsValue(name))
            {
                return 0;
            }

            var id = _names.Single(entry => entry.Value == name).Key;
            return 1 + (domain == Bad
                ? _dying!.ReportOn.Where(report => report.Value == id).Sum(report => _dying.Unsettled[report.Key].Count())
                : _dying!.Unsettled[id].Count(unsettled => unsettled == domain));
        }

        int Copies(string name, string domain)
        {
            var arrived = Arrived(domain).Where(text => text.Contains($"Subject: {name}\r\n", StringComparison.Ordinal)).ToList();
            Assert.All(arrived, text => Assert.EndsWith(Text(name), text, StringComparison.Ordinal));
            return arrived.Count;
        }

        int Reports(string name) => Arrived(Home).Count(text => text.Contains($"{name}@{Bad}", StringComparison.Ordinal));

        List<string> Arrived(string domain)
        {
            var directory = Path.Combine(MaildirOf(domain), "new");
            return Directory.Exists(directory) ? [.. Directory.EnumerateFiles(directory).Select(File.ReadAllText)] : [];
        }

        string MaildirOf(string domain) => Path.Combine(_scratch.Directory, "mail", domain);

        async Task AddAsync(SqliteQueueStore store, MessageQueue queue, string name, string[] domains)
        {
            var id = QueueId.Next(_scratch.Clock);
            var octets = Encoding.ASCII.GetBytes(Text(name));
            await using var content = store.Spool.Begin(id);
            await content.WriteAsync(octets, _cancel);
            var (inMemory, file) = await content.FinishAsync(_cancel);
            var envelope = new Envelope(
                Samples.Mailbox($"sender@{Home}"), [.. domains.Select(domain => new Recipient(Samples.Mailbox($"{name}@{domain}")))]);
            try
            {
                await queue.AddAsync(new StoredMessage(id, _scratch.Clock.GetUtcNow(), envelope, octets.Length, inMemory, file), _cancel);
                _promised.Add(name);
                _names.Add(id, name);
            }
            catch (QueueStoreException) when (_dying!.KeptUnheard == id)
            {
                // Kept, but the client did not hear of it.
                _names.Add(id, name);
            }
            catch (QueueStoreException)
            {
                // Not promised: it must not arrive.
            }
        }

        async Task RunAsync(IQueueStore store, Func<MessageQueue, Task> work)
        {
            var clock = _scratch.Clock;
            using var stop = new CancellationTokenSource();
            using var queue = new MessageQueue(store, s_schedule, clock);
            using var runner = Runner(queue);
            var running = runner.RunAsync(stop.Token);
            var started = TimeProvider.System.GetTimestamp();
            await work(queue);
            while (await store.CountAsync(_cancel) > 0 && store is not StoppingStore { Stopped: true })
            {
                Assert.False(running.IsCompleted, "the runner ended by itself");
                Assert.True(TimeProvider.System.GetElapsedTime(started) < s_longest, $"the queue does not become empty: {string.Join('\n', _log.Lines.Select(line => line.Text))}");
                clock.Advance(TimeSpan.FromSeconds(30));
                await Task.Yield();
            }

            await stop.CancelAsync();
            while (!running.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(10));
                await Task.Yield();
            }

            await running;
        }

        QueueRunner Runner(MessageQueue queue)
        {
            var clock = _scratch.Clock;
            var sink = new RecordingSink();
            var client = new ClientOptions { Hostname = "gw.example.org", Clock = clock };
            var deliverer = new Deliverer(
                new DelivererOptions { Client = client, Verify = _ => _ => new PeerVerdict(PeerIdentity.Unauthenticated, []) },
                sink,
                NullLogger<Deliverer>.Instance);
            return new QueueRunner(
                queue,
                deliverer,
                new Maildir("gw.example.org", clock),
                new DeliveryReport("gw.example.org", clock),
                sink,
                new QueueRunnerOptions
                {
                    Plan = (lease, stop) => PlanAsync(lease.Domain, stop),
                    Schedule = s_schedule,
                    Clock = clock,
                    LastTimeout = Timeout.InfiniteTimeSpan, // the clock runs much faster than the queue
                },
                _log);
        }

        /// <summary>Good is well, slow is down for its first three attempts, bad wants no mail.</summary>
        ValueTask<DeliveryPlan> PlanAsync(string domain, CancellationToken stop) => ValueTask.FromResult<DeliveryPlan>(domain switch
        {
            Bad => new DeliveryPlan.Bounce(new EnhancedStatus(5, 1, 10), "it takes no mail"),
            Slow when _plans.AddOrUpdate(domain, 1, (_, count) => count + 1) <= 3 => new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "not known now"),
            _ => new DeliveryPlan.Keep(MaildirOf(domain)),
        });
    }
}
