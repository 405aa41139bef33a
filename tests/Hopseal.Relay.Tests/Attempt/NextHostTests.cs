using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>Which recipients of a message are offered to the next host (RFC 5321 §5.1).</summary>
public sealed class NextHostTests
{
    static readonly Script s_particular = new()
    {
        Answers = { ["RCPT TO:<later@"] = "450 4.2.1 mailbox busy", ["RCPT TO:<gone@"] = "550 5.1.1 no such user" },
    };

    [Fact]
    public async Task Each_recipient_has_its_own_outcome_and_only_the_deferred_one_is_offered_to_the_next_host()
    {
        await using var first = new ScriptedServer(null, s_particular);
        await using var second = new ScriptedServer(null, s_particular);

        var attempt = await DeliverAsync(2, first, second);

        Assert.Equal(("2.0.0", "4.2.1", "5.1.1"), (Status(attempt, 0), Status(attempt, 1), Status(attempt, 2)));
        Assert.Equal([(1, 1, 1), (0, 1, 0)], attempt.Sessions.Select(session => (session.Delivered, session.Deferred, session.Bounced)));
        Assert.Equal(["RCPT TO:<later@example.org>"], second.Commands.Where(command => command.StartsWith("RCPT", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_next_host_may_take_whom_the_first_one_deferred()
    {
        await using var first = new ScriptedServer(null, s_particular);
        await using var second = new ScriptedServer(null, new Script());

        var attempt = await DeliverAsync(1000, first, second);

        Assert.Equal(("2.0.0", "2.0.0", "5.1.1"), (Status(attempt, 0), Status(attempt, 1), Status(attempt, 2)));
    }

    [Fact]
    public async Task A_refusal_by_the_next_host_does_not_bounce_whom_the_first_one_would_take_later()
    {
        await using var first = new ScriptedServer(null, s_particular);
        await using var second = new ScriptedServer(null, new Script { Answers = { ["RCPT"] = "550 5.7.1 we do not relay" } });

        Assert.Equal("4.2.1", Status(await DeliverAsync(1000, first, second), 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task One_deferred_recipient_keeps_none_of_the_others_from_the_host(int recipientsAtOnce)
    {
        await using var only = new ScriptedServer(null, s_particular);

        var attempt = await DeliverAsync(recipientsAtOnce, only);

        Assert.Equal(("2.0.0", "4.2.1", "5.1.1"), (Status(attempt, 0), Status(attempt, 1), Status(attempt, 2)));
        Assert.Single(only.Sessions);
    }

    /// <summary>To bob, later and gone, in this order.</summary>
    static Task<DeliveryAttempt> DeliverAsync(int recipientsAtOnce, params ScriptedServer[] servers) =>
        new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net" },
                Verify = _ => _ => throw new InvalidOperationException("there is no TLS"),
                MaxRecipients = recipientsAtOnce,
            },
            new RecordingSink(),
            NullLogger<Deliverer>.Instance).DeliverAsync(
                Samples.Lease("bob@example.org", "later@example.org", "gone@example.org"),
                new DeliveryPlan.Relay([.. servers.Select(server => Samples.Host(port: server.Port))]),
                Samples.Open,
                TestContext.Current.CancellationToken);

    static string Status(DeliveryAttempt attempt, int recipient) => attempt.Recipients[recipient].Outcome switch
    {
        RecipientOutcome.Delivered => "2.0.0",
        RecipientOutcome.Deferred deferred => deferred.Status.ToString(),
        RecipientOutcome.Bounced bounced => bounced.Status.ToString(),
        var unknown => throw new InvalidOperationException($"unknown outcome {unknown}"),
    };
}
