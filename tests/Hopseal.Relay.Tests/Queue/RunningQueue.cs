using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A queue that runs over a store in memory, with a clock that stands still.</summary>
sealed class RunningQueue : IAsyncDisposable
{
    public static readonly RetrySchedule Schedule = new([TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30)], TimeSpan.FromHours(2));

    public static readonly TimeSpan WarnAfter = TimeSpan.FromHours(1);

    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    readonly CancellationTokenSource _stop = new();
    readonly MessageQueue _queue;
    readonly QueueRunner _runner;
    readonly Task _running;

    public RunningQueue(
        Func<string, CancellationToken, ValueTask<DeliveryPlan>> plan,
        MemoryStore? store = null,
        Func<QueueRunnerOptions, QueueRunnerOptions>? configure = null)
    {
        Store = store ?? new MemoryStore();
        var options = new QueueRunnerOptions
        {
            Plan = (lease, stop) => plan(lease.Domain, stop),
            Schedule = Schedule,
            Clock = Clock,
            LastTimeout = Timeout.InfiniteTimeSpan, // the clock runs much faster than the queue
        };
        options = configure?.Invoke(options) ?? options;
        _queue = new MessageQueue(Store, options.Schedule, Clock);
        var client = new ClientOptions { Hostname = "gw.example.org", Clock = Clock };
        var deliverer = new Deliverer(
            new DelivererOptions { Client = client, Verify = _ => _ => new PeerVerdict(PeerIdentity.Unauthenticated, []) },
            Sink,
            NullLogger<Deliverer>.Instance);
        var reports = new DeliveryReport("gw.example.org", Clock);
        Delays = new DelayWatch(
            _queue,
            reports,
            new DelayWatchOptions { WarnAfter = WarnAfter, GiveUpAfter = Schedule.GiveUpAfter, Clock = Clock },
            NullLogger<DelayWatch>.Instance);
        _runner = new QueueRunner(
            _queue,
            deliverer,
            new Maildir("gw.example.org", Clock),
            reports,
            Sink,
            options,
            Log);
        _running = _runner.RunAsync(_stop.Token);
    }

    public FakeTimeProvider Clock { get; } = new(Samples.Noon);

    public MemoryStore Store { get; }

    /// <summary>As the store sees the runner.</summary>
    public ILeaseTaker Taker => _runner;

    /// <summary>Looks when it is asked to.</summary>
    public DelayWatch Delays { get; }

    public RecordingSink Sink { get; } = new();

    public RecordingLog<QueueRunner> Log { get; } = new();

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("hopseal-runner-").FullName;

    public Task<QueueId> AddAsync(params string[] recipients) =>
        AddAsync(new Envelope(Samples.Mailbox("sender@example.net"), [.. recipients.Select(Samples.Mailbox)]));

    public async Task<QueueId> AddAsync(Envelope envelope)
    {
        var content = Samples.Content.ToArray();
        var message = new StoredMessage(QueueId.Next(Clock), Clock.GetUtcNow(), envelope, content.Length, content, null);
        await _queue.AddAsync(message, TestContext.Current.CancellationToken);
        return message.Id;
    }

    /// <summary>Passes over attempts for other domains.</summary>
    public async Task<DeliveryAttempt> NextAttemptOfAsync(string domain)
    {
        while (true)
        {
            var attempt = await Sink.NextAttemptAsync();
            if (attempt.Lease.Domain == domain)
            {
                return attempt;
            }
        }
    }

    public async Task<long> CountAsync() => await _queue.CountAsync(TestContext.Current.CancellationToken);

    /// <summary>See <see cref="QueueRunner.Retry"/>.</summary>
    public void Retry(string domain) => _runner.Retry(domain);

    /// <summary>See <see cref="QueueRunner.FailureOf"/>.</summary>
    public RecipientOutcome.Deferred? FailureOf(string domain) => _runner.FailureOf(domain);

    /// <summary>Asks for the stop without waiting for it.</summary>
    public void BeginStop() => _stop.Cancel();

    public Task StoppedAsync() => _running.WaitAsync(s_longest, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        while (!_running.IsCompleted)
        {
            // Whatever a failed test left waiting for the clock.
            Clock.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }

        _runner.Dispose();
        _queue.Dispose();
        _stop.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
