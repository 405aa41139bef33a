using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using MimeKit;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>Who is told what, for everything a sender can ask for and everything that can happen.</summary>
public sealed class AttemptReportsTests
{
    const DsnNotify S = DsnNotify.Success;
    const DsnNotify F = DsnNotify.Failure;
    const DsnNotify D = DsnNotify.Delay;
    const string Nothing = "";

    static readonly DeliveryPlan s_defer = new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "DNS does not answer");

    /// <summary>NOTIFY, and what a host with DSN is told of it · what is reported when the message goes to a host without DSN, into a
    /// Maildir, is refused, waits, is given up. A host with DSN reports success itself.</summary>
    public static TheoryData<DsnNotify?, string, string, string, string, string, string> Table => new()
    {
        { null, "", Nothing, Nothing, "failed", "delayed", "failed" },
        { DsnNotify.Never, " NOTIFY=NEVER", Nothing, Nothing, Nothing, Nothing, Nothing },
        { S, " NOTIFY=SUCCESS ORCPT=rfc822;bob@example.org", "relayed", "delivered", Nothing, Nothing, Nothing },
        { F, " NOTIFY=FAILURE ORCPT=rfc822;bob@example.org", Nothing, Nothing, "failed", Nothing, "failed" },
        { D, " NOTIFY=DELAY ORCPT=rfc822;bob@example.org", Nothing, Nothing, Nothing, "delayed", Nothing },
        { S | F, " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.org", "relayed", "delivered", "failed", Nothing, "failed" },
        { S | D, " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@example.org", "relayed", "delivered", Nothing, "delayed", Nothing },
        { F | D, " NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.org", Nothing, Nothing, "failed", "delayed", "failed" },
        { S | F | D, " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;bob@example.org", "relayed", "delivered", "failed", "delayed", "failed" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task The_sender_is_told_what_he_asked_for(
        DsnNotify? notify, string onTheWire, string silentHost, string mailbox, string refused, string waits, string givenUp)
    {
        Assert.Equal((Nothing, onTheWire), await RelayAsync(notify, dsn: true, answer: null));
        Assert.Equal((silentHost, ""), await RelayAsync(notify, dsn: false, answer: null));
        Assert.Equal((refused, onTheWire), await RelayAsync(notify, dsn: true, "550 5.1.1 no such user"));
        Assert.Equal((refused, ""), await RelayAsync(notify, dsn: false, "550 5.1.1 no such user"));
        Assert.Equal(mailbox, await KeepAsync(notify));
        Assert.Equal((waits, givenUp), await WaitAsync(notify));
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(false, "550 5.1.1 no such user")]
    public async Task The_null_sender_is_told_nothing_whatever_it_asked_for(bool dsn, string? answer)
    {
        var (reports, _) = await RelayAsync(S | F | D, dsn, answer, nullSender: true);

        Assert.Equal(Nothing, reports);
    }

    [Fact]
    public async Task Each_recipient_counts_for_himself_and_each_action_has_one_report()
    {
        var script = new Script { Extensions = [] };
        script.Answers["RCPT TO:<gone"] = "550 5.1.1 no such user";
        await using var server = new ScriptedServer(null, script);
        await using var queue = new RunningQueue((domain, _) => Plan(domain, ToServer(server)));
        await queue.AddAsync(Envelope() with
        {
            Recipients = [One("a", S), One("b", S | F), One("c", null), One("gone1", null), One("gone2", F), One("gone3", DsnNotify.Never)],
        });

        await queue.NextAttemptOfAsync("example.org");

        var (_, _, reports) = queue.Store.Settled[0];
        Assert.Equal(2, reports.Length);
        Assert.Equal("failed gone1@example.org gone2@example.org", Describe(reports[0]));
        Assert.Equal("relayed a@example.org b@example.org", Describe(reports[1]));
    }

    [Fact]
    public async Task What_the_message_was_called_travels_on_and_comes_back()
    {
        var script = new Script { Extensions = ["DSN"] };
        script.Answers["RCPT TO:<gone"] = "550 5.1.1 no such user";
        await using var server = new ScriptedServer(null, script);
        await using var queue = new RunningQueue((domain, _) => Plan(domain, ToServer(server)));
        var first = new OriginalRecipient("rfc822", "First+1@example.com");
        await queue.AddAsync(Envelope() with
        {
            Recipients = [One("bob", null) with { Original = first }, One("gone", null) with { Original = first }],
            Return = DsnReturn.Full,
            EnvelopeId = "an id",
        });

        await queue.NextAttemptOfAsync("example.org");

        Assert.Equal(
            ["MAIL FROM:<sender@example.net> RET=FULL ENVID=an+20id", "RCPT TO:<bob@example.org> ORCPT=rfc822;First+2B1@example.com"],
            server.Commands.Skip(1).Take(2));
        var report = Parse(Assert.Single(queue.Store.Settled[0].Reports));
        Assert.Equal("message/rfc822", report[2].ContentType.MimeType);
        Assert.Equal("an id", Status(report).StatusGroups[0]["Original-Envelope-Id"]);
        Assert.Equal("rfc822;First+1@example.com", Status(report).StatusGroups[1]["Original-Recipient"]);
    }

    static async Task<(string Reports, string OnTheWire)> RelayAsync(DsnNotify? notify, bool dsn, string? answer, bool nullSender = false)
    {
        var script = new Script { Extensions = dsn ? ["DSN"] : [] };
        if (answer is not null)
        {
            script.Answers["RCPT"] = answer;
        }

        await using var server = new ScriptedServer(null, script);
        await using var queue = new RunningQueue((domain, _) => Plan(domain, ToServer(server)));
        await queue.AddAsync(Envelope(notify) with { ReturnPath = nullSender ? null : Samples.Mailbox("sender@example.net") });
        await queue.NextAttemptOfAsync("example.org");

        var rcpt = server.Commands.First(command => command.StartsWith("RCPT", StringComparison.Ordinal));
        return (Describe(queue.Store.Settled[0].Reports), rcpt["RCPT TO:<bob@example.org>".Length..]);
    }

    static async Task<string> KeepAsync(DsnNotify? notify)
    {
        string? directory = null;
        await using var queue = new RunningQueue((domain, _) => Plan(domain, new DeliveryPlan.Keep(directory!)));
        directory = Path.Combine(queue.Directory, "mail");
        await queue.AddAsync(Envelope(notify));
        var outcome = Assert.Single((await queue.NextAttemptOfAsync("example.org")).Recipients).Outcome;
        Assert.True(outcome is RecipientOutcome.Delivered, $"{outcome}\n{string.Join('\n', queue.Log.Lines.Select(line => $"{line.Text} {line.Exception}"))}");
        return Describe(queue.Store.Settled[0].Reports);
    }

    static async Task<(string Waits, string GivenUp)> WaitAsync(DsnNotify? notify)
    {
        await using var queue = new RunningQueue((domain, _) => Plan(domain, s_defer));
        await queue.AddAsync(Envelope(notify));
        await queue.NextAttemptOfAsync("example.org");
        queue.Clock.SetUtcNow(Samples.Noon + RunningQueue.WarnAfter + TimeSpan.FromMinutes(1));
        await queue.NextAttemptOfAsync("example.org");
        await queue.Delays.LookAsync(TestContext.Current.CancellationToken);
        var waits = Describe([.. queue.Store.Warnings]);

        queue.Clock.SetUtcNow(Samples.Noon + RunningQueue.Schedule.GiveUpAfter + TimeSpan.FromMinutes(1));
        var last = await queue.NextAttemptOfAsync("example.org");
        Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(last.Recipients).Outcome);
        return (waits, Describe(queue.Store.Settled.Last(settled => settled.Lease.Domain == "example.org").Reports));
    }

    /// <summary>Reports themselves stay where they are.</summary>
    static ValueTask<DeliveryPlan> Plan(string domain, DeliveryPlan plan) => ValueTask.FromResult(domain == "example.org" ? plan : s_defer);

    static DeliveryPlan.Relay ToServer(ScriptedServer server) =>
        new([Samples.Host(port: server.Port, addresses: IPAddress.Loopback)]);

    static Envelope Envelope(DsnNotify? notify = null) => new(Samples.Mailbox("sender@example.net"), [One("bob", notify)]);

    static Recipient One(string local, DsnNotify? notify) => new(Samples.Mailbox($"{local}@example.org"), notify);

    static string Describe(IReadOnlyList<StoredMessage> reports) => reports.Count == 0
        ? Nothing
        : Describe(Assert.Single(reports)).Replace(" bob@example.org", "", StringComparison.Ordinal);

    /// <summary>The action, and for whom; checks that it goes to the sender and from nobody.</summary>
    static string Describe(StoredMessage report)
    {
        Assert.Null(report.Envelope.ReturnPath);
        Assert.Equal("sender@example.net", Assert.Single(report.Envelope.Recipients).ToString());
        var groups = Status(Parse(report)).StatusGroups.Skip(1).ToList();
        var action = Assert.Single(groups.Select(group => group["Action"]).Distinct());
        return $"{action} {string.Join(' ', groups.Select(group => group["Final-Recipient"]!.Replace("rfc822;", "", StringComparison.Ordinal)))}";
    }

    static MultipartReport Parse(StoredMessage report) =>
        Assert.IsType<MultipartReport>(MimeMessage.Load(new MemoryStream(report.Content.ToArray())).Body);

    static MessageDeliveryStatus Status(MultipartReport report) => Assert.IsType<MessageDeliveryStatus>(report[1]);
}
