using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests;

public sealed class SessionFanoutTests
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    readonly RecordingLog<SessionFanout> _log = new();

    [Fact]
    public async Task Every_reader_gets_every_record_in_order_before_the_end()
    {
        var (one, two) = (new RecordingSink(), new RecordingSink());
        await using (var fanout = new SessionFanout([one, two], TimeProvider.System, _log))
        {
            for (var i = 1; i <= 100; i++)
            {
                Assert.True(fanout.TryRecord(Attempt(i)));
            }
        }

        foreach (var sink in (RecordingSink[])[one, two])
        {
            for (var i = 1; i <= 100; i++)
            {
                Assert.Equal(i, (await sink.NextAttemptAsync()).Lease.AttemptNumber);
            }
        }
    }

    [Fact]
    public async Task A_slow_reader_misses_what_does_not_fit_and_is_told_apart_from_the_others()
    {
        using var slow = new BlockedSink();
        var quick = new RecordingSink();
        await using (var fanout = new SessionFanout([slow, quick], TimeProvider.System, _log, capacity: 2))
        {
            Assert.True(fanout.TryRecord(Attempt(1)));
            await slow.EnteredAsync();
            await quick.NextAttemptAsync();
            foreach (var (number, taken) in ((int, bool)[])[(2, true), (3, true), (4, false), (5, false)])
            {
                Assert.Equal(taken, fanout.TryRecord(Attempt(number)));
                Assert.Equal(number, (await quick.NextAttemptAsync()).Lease.AttemptNumber);
            }

            Assert.Equal(2, fanout.Dropped);
            slow.Release();
        }

        Assert.Equal([1, 2, 3], slow.Seen);
        Assert.Equal(2, slow.MissedRecords);
        var line = Assert.Single(_log.Lines);
        Assert.Equal((LogLevel.Warning, (object)2L, (object)nameof(BlockedSink)), (line.Level, line.Fields["Dropped"], line.Fields["Reader"]));
    }

    [Fact]
    public async Task A_reader_that_throws_goes_on_with_the_next_record()
    {
        var throwing = new ThrowingSink();
        await using (var fanout = new SessionFanout([throwing], TimeProvider.System, _log))
        {
            fanout.TryRecord(Attempt(1));
            fanout.TryRecord(Attempt(2));
        }

        Assert.Equal(2, throwing.Calls);
        Assert.Equal(2, _log.Lines.Count(line => line.Exception is InvalidOperationException));
    }

    /// <summary>One after another they would wake its thread each time.</summary>
    [Fact]
    public async Task What_comes_within_a_moment_is_handed_over_together()
    {
        var clock = new FakeTimeProvider();
        var sink = new RecordingSink();
        await using var fanout = new SessionFanout([sink], clock, _log);
        fanout.TryRecord(Attempt(1));
        Assert.Equal(1, (await sink.NextAttemptAsync()).Lease.AttemptNumber);
        fanout.TryRecord(Attempt(2));
        fanout.TryRecord(Attempt(3));
        var second = sink.NextAttemptAsync();
        while (!second.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        Assert.Equal((2, 3), ((await second).Lease.AttemptNumber, (await sink.NextAttemptAsync()).Lease.AttemptNumber));
    }

    [Fact]
    public async Task The_end_does_not_wait_for_the_moment()
    {
        var sink = new RecordingSink();
        await using (var fanout = new SessionFanout([sink], new FakeTimeProvider(), _log))
        {
            fanout.TryRecord(Attempt(1));
            await sink.NextAttemptAsync();
            fanout.TryRecord(Attempt(2));
        }

        Assert.Equal(2, (await sink.NextAttemptAsync()).Lease.AttemptNumber);
    }

    [Fact]
    public async Task Messages_go_only_to_who_reads_them()
    {
        var (one, two) = (new MessageSink(reads: true), new MessageSink(reads: false));
        await using (var fanout = new SessionFanout([one, two], TimeProvider.System, _log))
        {
            Assert.True(fanout.ReadsMessages);
            Assert.True(fanout.TryRecord(Message()));
        }

        Assert.Equal((1, 0), (one.Messages, two.Messages));
        await using var nobody = new SessionFanout([two], TimeProvider.System, _log);
        Assert.False(nobody.ReadsMessages);
        Assert.True(nobody.TryRecord(Message()));
    }

    static AcceptedMessage Message()
    {
        var (client, server) = (IPEndPoint.Parse("203.0.113.9:40000"), IPEndPoint.Parse("198.51.100.1:25"));
        return new(Samples.Lease().Id, Samples.Noon, new SessionContext("s1", "mx", client, server, "client.example", Extended: true, null, User: null), new Envelope(null, []), 10);
    }

    static DeliveryAttempt Attempt(int number) => new(
        Samples.Lease() with { AttemptNumber = number },
        Samples.Noon,
        TimeSpan.Zero,
        new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "later"),
        [],
        [],
        TlsFailed: false);

    sealed class BlockedSink : ISessionSink, IDisposable
    {
        readonly SemaphoreSlim _entered = new(0);
        readonly ManualResetEventSlim _released = new();

        public List<int> Seen { get; } = [];

        public long MissedRecords { get; private set; }

        public void Missed(long records) => MissedRecords += records;

        public bool TryRecord(SessionRecord record) => false;

        public bool TryRecord(DeliveryAttempt attempt)
        {
            _entered.Release();
            Assert.True(_released.Wait(s_longest));
            Seen.Add(attempt.Lease.AttemptNumber);
            return true;
        }

        public async Task EnteredAsync() => Assert.True(await _entered.WaitAsync(s_longest));

        public void Release() => _released.Set();

        public void Dispose()
        {
            _entered.Dispose();
            _released.Dispose();
        }
    }

    sealed class MessageSink(bool reads) : ISessionSink
    {
        public int Messages { get; private set; }

        public bool ReadsMessages => reads;

        public bool TryRecord(SessionRecord record) => false;

        public bool TryRecord(DeliveryAttempt attempt) => false;

        public bool TryRecord(AcceptedMessage message)
        {
            Messages++;
            return true;
        }
    }

    sealed class ThrowingSink : ISessionSink
    {
        public int Calls { get; private set; }

        public bool TryRecord(SessionRecord record) => false;

        public bool TryRecord(DeliveryAttempt attempt)
        {
            Calls++;
            throw new InvalidOperationException("a bug");
        }
    }
}
