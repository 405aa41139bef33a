using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Tests.Queue;

public sealed class QueueRunnerTests
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);
    static readonly RetrySchedule s_slow = new([TimeSpan.FromHours(3)], TimeSpan.FromHours(2));
    static readonly DeliveryPlan s_defer = new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "DNS does not answer");
    static readonly DeliveryPlan s_bounce = new DeliveryPlan.Bounce(new EnhancedStatus(5, 1, 10), "example.org takes no mail (null MX)");

    [Fact]
    public async Task What_is_to_be_kept_goes_into_the_maildir_and_out_of_the_queue()
    {
        string? directory = null;
        await using var queue = new RunningQueue((_, _) => Plan(new DeliveryPlan.Keep(directory!)));
        directory = Path.Combine(queue.Directory, "mail");
        await queue.AddAsync("bob@example.org");

        var attempt = await queue.Sink.NextAttemptAsync();

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        Assert.Null(attempt.RetryAt);
        Assert.EndsWith("body\r\n", await File.ReadAllTextAsync(
            Assert.Single(Directory.GetFiles(Path.Combine(directory, "new"))), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(0, await queue.CountAsync());
    }

    [Fact]
    public async Task A_maildir_that_cannot_be_written_defers()
    {
        await using var queue = new RunningQueue((_, _) => Plan(new DeliveryPlan.Keep("/dev/null/mail")));
        await queue.AddAsync("bob@example.org");

        Assert.Equal("4.3.0", Deferred(await queue.Sink.NextAttemptAsync()).Status.ToString());
        Assert.Equal(1, await queue.CountAsync());
    }

    [Fact]
    public async Task A_bounce_puts_one_report_into_the_queue_as_it_takes_the_message_out()
    {
        await using var queue = new RunningQueue((domain, _) => Plan(domain == "example.org" ? s_bounce : s_defer));
        await queue.AddAsync("a@example.org", "b@example.org");

        var attempt = await queue.Sink.NextAttemptAsync();
        var toldSender = await queue.Sink.NextAttemptAsync();

        Assert.All(attempt.Recipients, recipient => Assert.IsType<RecipientOutcome.Bounced>(recipient.Outcome));
        var (_, _, reports) = queue.Store.Settled[0];
        Assert.Equal("sender@example.net", Assert.Single(Assert.Single(reports).Envelope.Recipients).ToString());
        Assert.Equal(reports[0].Id, toldSender.Lease.Id);
        Assert.Null(toldSender.Lease.Pending.ReturnPath);
        Assert.Equal(1, await queue.CountAsync());
    }

    [Fact]
    public async Task Nobody_is_told_when_a_report_itself_bounces()
    {
        await using var queue = new RunningQueue((_, _) => Plan(s_bounce));
        await queue.AddAsync(new Envelope(null, [Samples.Mailbox("bob@example.org")]));

        await queue.Sink.NextAttemptAsync();

        Assert.Empty(Assert.Single(queue.Store.Settled).Reports);
        Assert.Equal(0, await queue.CountAsync());
        Assert.Contains(queue.Log.Lines, line => line.Level == LogLevel.Warning && line.Text.Contains("null sender", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_is_tried_by_the_schedule_and_given_up_when_its_time_is_over()
    {
        await using var queue = new RunningQueue((_, _) => Plan(s_defer));
        var id = await queue.AddAsync("bob@example.org");

        // After 5 minutes, then every 30, and the last time exactly after two hours.
        foreach (var delay in (int[])[5, 30, 30, 30, 30])
        {
            var attempt = await queue.Sink.NextAttemptAsync();
            var expected = queue.Clock.GetUtcNow() + TimeSpan.FromMinutes(delay);
            expected = expected < attempt.Lease.GivesUpAt ? expected : attempt.Lease.GivesUpAt;
            Assert.Equal("4.4.3", Deferred(attempt).Status.ToString());
            Assert.Equal(expected, attempt.RetryAt);
            Assert.Equal(expected, queue.Store.DueAt(id, "example.org"));
            queue.Clock.SetUtcNow(expected + TimeSpan.FromMilliseconds(1));
        }

        var last = await queue.Sink.NextAttemptAsync();
        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(last.Recipients).Outcome);
        Assert.Equal((6, "5.4.7"), (last.Lease.AttemptNumber, bounced.Status.ToString()));
        Assert.Equal("given up after 2 hours; the last attempt failed: DNS does not answer", bounced.Reason);
    }

    [Fact]
    public async Task An_exception_costs_one_attempt_and_nothing_else()
    {
        var broken = 1;
        string? directory = null;
        await using var queue = new RunningQueue(
            (_, _) => Interlocked.Exchange(ref broken, 0) == 1 ? throw new InvalidOperationException("a bug") : Plan(new DeliveryPlan.Keep(directory!)));
        directory = Path.Combine(queue.Directory, "mail");
        var id = await queue.AddAsync("bob@example.org");

        Assert.Equal("4.3.0", Deferred(await queue.Sink.NextAttemptAsync()).Status.ToString());
        var logged = Assert.Single(queue.Log.Lines, line => line.Exception is InvalidOperationException);
        Assert.Equal((LogLevel.Error, (object)id), (logged.Level, logged.Fields["Id"]));

        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
    }

    [Fact]
    public async Task One_slow_destination_takes_its_share_and_holds_nobody_up()
    {
        var slow = new SlowPlans();
        await using var queue = new RunningQueue(slow.PlanAsync, configure: options => options with { MaxAttemptsPerDestination = 2 });
        for (var i = 0; i < 10; i++)
        {
            await queue.AddAsync($"bob{i}@slow.example");
        }

        await queue.AddAsync("bob@quick.example");

        Assert.Equal("quick.example", (await queue.Sink.NextAttemptAsync()).Lease.Domain);
        await slow.BegunAsync(2);
        slow.Release();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("slow.example", (await queue.Sink.NextAttemptAsync()).Lease.Domain);
        }

        Assert.Equal(2, slow.MostAtOnce);
    }

    [Fact]
    public async Task Destinations_that_are_silent_for_minutes_do_not_keep_a_new_one_from_being_asked()
    {
        var slow = new SlowPlans();
        await using var queue = new RunningQueue(slow.PlanAsync, configure: options => options with { MaxAttempts = 4 });
        await queue.AddAsync("bob@a.slow.example");
        await queue.AddAsync("bob@b.slow.example");
        await slow.BegunAsync(2);
        await queue.AddAsync("bob@quick.example");

        queue.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("quick.example", (await queue.Sink.NextAttemptAsync()).Lease.Domain);

        slow.Release();
        Assert.EndsWith("slow.example", (await queue.Sink.NextAttemptAsync()).Lease.Domain, StringComparison.Ordinal);
        Assert.EndsWith("slow.example", (await queue.Sink.NextAttemptAsync()).Lease.Domain, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Domains_behind_one_next_hop_share_its_limit()
    {
        var slow = new SlowPlans();
        await using var queue = new RunningQueue(
            slow.PlanAsync, configure: options => options with { MaxAttemptsPerDestination = 1, DestinationOf = _ => "smart host" });
        await queue.AddAsync("a@slow.example", "b@other.slow.example");

        await slow.BegunAsync(1);
        slow.Release();
        await queue.Sink.NextAttemptAsync();
        await queue.Sink.NextAttemptAsync();

        Assert.Equal(1, slow.MostAtOnce);
    }

    [Fact]
    public async Task A_stop_lets_attempts_end_and_gives_the_rest_back()
    {
        var slow = new SlowPlans();
        await using var queue = new RunningQueue(slow.PlanAsync, configure: options => options with { MaxAttemptsPerDestination = 1 });
        var first = await queue.AddAsync("a@slow.example");
        await slow.BegunAsync(1);
        var second = await queue.AddAsync("b@slow.example");
        await queue.AddAsync("bob@quick.example");
        await queue.Sink.NextAttemptAsync();

        queue.BeginStop();
        slow.Release();
        await queue.StoppedAsync();

        Assert.Equal(first, (await queue.Sink.NextAttemptAsync()).Lease.Id);
        Assert.False(queue.Sink.TryTakeAttempt(out _));
        Assert.Equal(Samples.Noon, queue.Store.DueAt(second, "slow.example"));
    }

    [Fact]
    public async Task An_attempt_that_does_not_end_is_broken_off_and_deferred()
    {
        var slow = new SlowPlans();
        await using var queue = new RunningQueue(slow.PlanAsync);
        var id = await queue.AddAsync("a@slow.example");
        await slow.BegunAsync(1);

        queue.BeginStop();
        var attempt = queue.Sink.NextAttemptAsync();
        while (!attempt.IsCompleted)
        {
            queue.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await queue.StoppedAsync();
        Assert.Equal("4.3.2", Deferred(await attempt).Status.ToString());
        Assert.True(queue.Store.DueAt(id, "slow.example") > Samples.Noon);
    }

    [Fact]
    public async Task Wherever_the_store_fails_once_no_message_is_lost_and_no_sender_is_left_without_word()
    {
        // The clock runs much faster than the queue.
        var patient = RunningQueue.Schedule with { GiveUpAfter = TimeSpan.FromDays(1000) };
        for (var failAt = 2; failAt < 30; failAt++)
        {
            var store = new MemoryStore(failAt);
            string? directory = null;
            await using var queue = new RunningQueue(
                (domain, _) => Plan(domain == "bounced.example" ? s_bounce : new DeliveryPlan.Keep(Path.Combine(directory!, domain))),
                store,
                options => options with { Schedule = patient });
            directory = queue.Directory;
            await AddUntilKeptAsync(queue, "bob@kept.example");
            await AddUntilKeptAsync(queue, "bob@bounced.example");

            var deadline = Task.Delay(s_longest, TimeProvider.System, TestContext.Current.CancellationToken);
            while (await queue.CountAsync() > 0)
            {
                Assert.False(deadline.IsCompleted, $"still in the queue after failure {failAt}");
                queue.Clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            Assert.Single(Directory.GetFiles(Path.Combine(directory, "kept.example", "new")));
            Assert.Single(Directory.GetFiles(Path.Combine(directory, "example.net", "new")));
        }
    }

    [Fact]
    public async Task A_destination_that_fails_is_asked_by_one_message_at_a_time_and_the_rest_is_neither_tried_nor_written()
    {
        await using var queue = new RunningQueue((_, _) => Plan(s_defer));
        for (var i = 0; i < 50; i++)
        {
            await queue.AddAsync($"bob{i}@dead.example");
        }

        // The first two were under way before anything was known.
        await queue.Sink.NextAttemptAsync();
        foreach (var minutes in (int[])[1, 2, 4, 8, 16])
        {
            while (queue.Sink.TryTakeAttempt(out _))
            {
            }

            queue.Clock.Advance(TimeSpan.FromMinutes(minutes) + TimeSpan.FromSeconds(1));
            await queue.Sink.NextAttemptAsync();
        }

        Assert.InRange(queue.Store.Settled.Count, 6, 7);
        Assert.Equal(50, await queue.CountAsync());
    }

    [Fact]
    public async Task A_destination_that_answers_again_gets_all_that_waited()
    {
        string? directory = null;
        var up = false;
        await using var queue = new RunningQueue((_, _) => Plan(Volatile.Read(ref up) ? new DeliveryPlan.Keep(directory!) : s_defer));
        directory = Path.Combine(queue.Directory, "mail");
        for (var i = 0; i < 50; i++)
        {
            await queue.AddAsync($"bob{i}@dead.example");
        }

        Deferred(await queue.Sink.NextAttemptAsync());
        Volatile.Write(ref up, true);
        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        await EmptyAsync(queue);
        Assert.Equal(50, Directory.GetFiles(Path.Combine(directory, "new")).Length);
    }

    [Fact]
    public async Task An_operator_may_have_a_destination_tried_at_once()
    {
        string? directory = null;
        var up = false;
        await using var queue = new RunningQueue((_, _) => Plan(Volatile.Read(ref up) ? new DeliveryPlan.Keep(directory!) : s_defer));
        directory = Path.Combine(queue.Directory, "mail");
        for (var i = 0; i < 5; i++)
        {
            await queue.AddAsync($"bob{i}@dead.example");
        }

        var tried = new List<QueueId> { (await queue.Sink.NextAttemptAsync()).Lease.Id };
        Volatile.Write(ref up, true);
        queue.Retry("dead.example");

        // All but those that had their attempt, which are due by the schedule.
        var next = await queue.Sink.NextAttemptAsync();
        Assert.DoesNotContain(next.Lease.Id, tried);
    }

    [Fact]
    public async Task What_is_over_its_time_bounces_without_an_attempt_while_its_destination_is_left_alone()
    {
        var asked = 0;
        await using var queue = new RunningQueue(
            (domain, _) =>
            {
                Interlocked.Add(ref asked, domain == "dead.example" ? 1 : 0);
                return Plan(s_defer);
            },
            configure: options => options with { FirstBackOff = TimeSpan.FromHours(3), LongestBackOff = TimeSpan.FromHours(3), Schedule = s_slow });
        var first = await queue.AddAsync("bob@dead.example");
        Deferred(await queue.Sink.NextAttemptAsync());
        queue.Clock.Advance(TimeSpan.FromMinutes(1));
        var second = await queue.AddAsync("eve@dead.example");
        Assert.Equal(1, Volatile.Read(ref asked));

        queue.Clock.Advance(TimeSpan.FromMinutes(119) + TimeSpan.FromSeconds(30));
        var bounce = await queue.Sink.NextAttemptAsync();
        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(bounce.Recipients).Outcome);
        Assert.Equal((first, "5.4.7"), (bounce.Lease.Id, bounced.Status.ToString()));
        Assert.Equal(
            "given up after 2 hours; the last attempt failed: delivery to dead.example is suspended for a while: DNS does not answer",
            bounced.Reason);
        Assert.Single(queue.Store.Settled.ToList(), settled => settled.Lease.Id == first && settled.Reports.Length == 1);

        // The report to the sender defers, and then the second is over its time too.
        Deferred(await queue.Sink.NextAttemptAsync());
        queue.Clock.Advance(TimeSpan.FromMinutes(1));
        var another = await queue.Sink.NextAttemptAsync();
        Assert.Equal(second, another.Lease.Id);
        Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(another.Recipients).Outcome);
        Assert.Equal(1, Volatile.Read(ref asked));
    }

    /// <summary>Waits until the queue is empty.</summary>
    static async Task EmptyAsync(RunningQueue queue)
    {
        var deadline = Task.Delay(s_longest, TimeProvider.System, TestContext.Current.CancellationToken);
        while (await queue.CountAsync() > 0)
        {
            Assert.False(deadline.IsCompleted, "the queue does not empty");
            await Task.Yield();
        }
    }

    static async Task AddUntilKeptAsync(RunningQueue queue, string recipient)
    {
        try
        {
            await queue.AddAsync(recipient);
        }
        catch (QueueStoreException)
        {
            await queue.AddAsync(recipient);
        }
    }

    static ValueTask<DeliveryPlan> Plan(DeliveryPlan plan) => ValueTask.FromResult(plan);

    static RecipientOutcome.Deferred Deferred(DeliveryAttempt attempt) =>
        Assert.IsType<RecipientOutcome.Deferred>(Assert.Single(attempt.Recipients).Outcome);
}
