using System.Collections.Concurrent;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>Mail to mailboxes that the gateway reads itself.</summary>
public sealed class OwnMailTests
{
    static readonly RecipientOutcome s_later = new RecipientOutcome.Deferred(new EnhancedStatus(4, 7, 5), "no key yet");

    readonly ConcurrentQueue<string> _read = [];

    [Fact]
    public async Task It_is_read_from_the_queue_and_no_plan_is_made_for_it()
    {
        await using var queue = new RunningQueue((_, _) => throw new InvalidOperationException("a plan"), configure: Reads(ReplyVerdict.OfRead()));
        await queue.AddAsync("Reports@example.org");

        var attempt = await queue.Sink.NextAttemptAsync();

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        Assert.Equal(new DeliveryPlan.Keep("records.db"), attempt.Plan);
        Assert.Equal([System.Text.Encoding.ASCII.GetString(Samples.Content)], _read);
        Assert.Equal(0, await queue.CountAsync());
        Assert.DoesNotContain(queue.Log.Lines, line => line.Exception is not null);
    }

    [Fact]
    public async Task The_other_recipients_of_the_message_go_their_own_way()
    {
        var up = false;
        string? directory = null;
        await using var queue = new RunningQueue(
            (_, _) => ValueTask.FromResult<DeliveryPlan>(
                Volatile.Read(ref up) ? new DeliveryPlan.Keep(directory!) : new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "down")),
            configure: Reads(ReplyVerdict.OfRead()));
        directory = Path.Combine(queue.Directory, "mail");
        await queue.AddAsync("a@example.org", "reports@example.org", "b@example.org");

        var first = await queue.Sink.NextAttemptAsync();
        Assert.Equal(["a@example.org", "reports@example.org", "b@example.org"], first.Recipients.Select(recipient => recipient.Recipient.ToString()));
        Assert.Equal(
            [typeof(RecipientOutcome.Deferred), typeof(RecipientOutcome.Delivered), typeof(RecipientOutcome.Deferred)],
            first.Recipients.Select(recipient => recipient.Outcome.GetType()));
        Assert.Equal(3, first.Lease.Pending.Recipients.Length);

        Volatile.Write(ref up, true);
        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        var second = await queue.Sink.NextAttemptAsync();
        Assert.Equal(["a@example.org", "b@example.org"], second.Recipients.Select(recipient => recipient.Recipient.ToString()));
        Assert.Single(_read);
        Assert.Equal(0, await queue.CountAsync());
    }

    [Fact]
    public async Task What_was_read_says_nothing_good_of_a_destination_that_is_down()
    {
        await using var queue = new RunningQueue(
            (_, _) => ValueTask.FromResult<DeliveryPlan>(new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "down")), configure: Reads(ReplyVerdict.OfRead()));
        await queue.AddAsync("a@example.org", "reports@example.org");
        await queue.Sink.NextAttemptAsync();

        Assert.Equal("down", queue.FailureOf("example.org")?.Reason);
    }

    [Fact]
    public async Task What_cannot_be_read_now_is_read_later()
    {
        await using var queue = new RunningQueue((_, _) => throw new InvalidOperationException("a plan"), configure: Reads(s_later, ReplyVerdict.OfRead()));
        await queue.AddAsync("reports@example.org");

        Assert.Equal("no key yet", Assert.IsType<RecipientOutcome.Deferred>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome).Reason);
        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
        Assert.Equal(2, _read.Count);
    }

    [Fact]
    public async Task A_fault_of_the_reader_costs_one_attempt_and_nothing_else()
    {
        await using var queue = new RunningQueue((_, _) => throw new InvalidOperationException("a plan"), configure: Reads(null, ReplyVerdict.OfRead()));
        await queue.AddAsync("reports@example.org");

        Assert.IsType<RecipientOutcome.Deferred>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
        Assert.IsType<IOException>(Assert.Single(queue.Log.Lines, line => line.Exception is not null).Exception);
        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
    }

    [Fact]
    public async Task Where_it_is_asked_for_the_mail_is_delivered_once_it_was_read()
    {
        string? directory = null;
        await using var queue = new RunningQueue(
            (_, _) => ValueTask.FromResult<DeliveryPlan>(new DeliveryPlan.Keep(directory!)), configure: Reads(alsoDelivered: true, s_later, ReplyVerdict.OfRead()));
        directory = Path.Combine(queue.Directory, "mail");
        await queue.AddAsync("reports@example.org");

        Assert.IsType<RecipientOutcome.Deferred>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
        Assert.False(Directory.Exists(directory));
        queue.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single((await queue.Sink.NextAttemptAsync()).Recipients).Outcome);
        Assert.Single(Directory.GetFiles(Path.Combine(directory, "new")));
    }

    Func<QueueRunnerOptions, QueueRunnerOptions> Reads(params RecipientOutcome?[] outcomes) => Reads(alsoDelivered: false, outcomes);

    /// <param name="outcomes">Of one reading after the other; null: it throws.</param>
    Func<QueueRunnerOptions, QueueRunnerOptions> Reads(bool alsoDelivered, params RecipientOutcome?[] outcomes) => options => options with
    {
        OwnMail = new OwnMail
        {
            IsRead = mailbox => mailbox.LocalPart.Equals("reports", StringComparison.OrdinalIgnoreCase),
            ReadAsync = async (_, content, cancel) =>
            {
                using var reader = new StreamReader(content);
                _read.Enqueue(await reader.ReadToEndAsync(cancel));
                return outcomes[Math.Min(_read.Count, outcomes.Length) - 1] ?? throw new IOException("the disk is full");
            },
            Place = "records.db",
            AlsoDelivered = alsoDelivered,
        },
    };
}
