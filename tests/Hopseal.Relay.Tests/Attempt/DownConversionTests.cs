using System.Text;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>Nothing is converted on the way: what a host cannot carry goes to one that can, or back to the sender.</summary>
public sealed class DownConversionTests
{
    static readonly string[] s_everything = ["8BITMIME", "SMTPUTF8", "BINARYMIME", "CHUNKING", "SIZE 100000"];

    public static TheoryData<string, string, string, bool, string, string> Messages => new()
    {
        // what it is, its content, the body it was declared with, whether with SMTPUTF8, what the poor host offers, the status
        { "8-bit text", "Subject: é\r\n\r\né\r\n", nameof(BodyType.EightBitMime), false, "SMTPUTF8", "5.6.3" },
        { "binary content", "Subject: x\r\n\r\n\0\r\n", nameof(BodyType.BinaryMime), false, "8BITMIME,CHUNKING", "5.6.3" },
        { "binary content, and BINARYMIME without CHUNKING", "Subject: x\r\n\r\n\0\r\n", nameof(BodyType.BinaryMime), false, "8BITMIME,BINARYMIME", "5.6.3" },
        { "a header in UTF-8", "Subject: é\r\n\r\nx\r\n", nameof(BodyType.EightBitMime), true, "8BITMIME", "5.6.9" },
        { "a large message", "Subject: x\r\n\r\nmore than ten octets\r\n", nameof(BodyType.SevenBit), false, "8BITMIME,SIZE 10", "5.3.4" },
        { "a bare line break", "Subject: x\r\n\r\na\nb\r\n", nameof(BodyType.SevenBit), false, "8BITMIME", "5.6.0" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public async Task What_a_host_cannot_carry_goes_to_one_that_can_or_back(
        string what, string text, string body, bool utf8, string offered, string status)
    {
        await using var poor = Server(offered.Split(','));
        await using var rich = Server(s_everything);
        var content = Encoding.UTF8.GetBytes(text);
        var lease = Samples.Lease();
        lease = lease with { Size = content.Length, Pending = lease.Pending with { Body = Enum.Parse<BodyType>(body), SmtpUtf8 = utf8 } };

        var refused = await DeliverAsync(lease, content, Host(poor));
        var notNow = await DeliverAsync(lease, content, Host(poor), Samples.Down());
        var notNowFirst = await DeliverAsync(lease, content, Samples.Down(), Host(poor));
        var elsewhere = await DeliverAsync(lease, content, Host(poor), Host(rich));

        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Outcome(refused));
        Assert.Equal((what, status), (what, bounced.Status.ToString()));
        Assert.Contains("cannot take this message", bounced.Reason, StringComparison.Ordinal);
        Assert.IsType<RecipientOutcome.Deferred>(Outcome(notNow));
        Assert.IsType<RecipientOutcome.Deferred>(Outcome(notNowFirst));
        if (status == "5.6.0")
        {
            // No host takes text that is none.
            Assert.IsType<RecipientOutcome.Bounced>(Outcome(elsewhere));
        }
        else
        {
            Assert.IsType<RecipientOutcome.Delivered>(Outcome(elsewhere));
        }
    }

    [Fact]
    public async Task A_label_alone_is_no_reason_to_return_a_message()
    {
        await using var poor = Server([]);
        var lease = Samples.Lease();

        var attempt = await DeliverAsync(
            lease with { Pending = lease.Pending with { Body = BodyType.EightBitMime } }, Samples.Content.ToArray(), Host(poor));

        Assert.IsType<RecipientOutcome.Delivered>(Outcome(attempt));
    }

    static Task<DeliveryAttempt> DeliverAsync(QueueLease lease, byte[] content, params HostPlan[] hosts)
    {
        var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net" },
                Verify = _ => _ => new PeerVerdict(PeerIdentity.Unauthenticated, []),
            },
            new RecordingSink(),
            NullLogger<Deliverer>.Instance);
        return deliverer.DeliverAsync(
            lease,
            new DeliveryPlan.Relay([.. hosts]),
            _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)),
            TestContext.Current.CancellationToken);
    }

    /// <summary>One that does nothing wrong.</summary>
    static HostilePeer Server(string[] extensions) => new(Place.Quit, "221 bye", extensions, certificate: null);

    static HostPlan Host(HostilePeer server) => Samples.Host(port: server.Port);

    static RecipientOutcome Outcome(DeliveryAttempt attempt) => Assert.Single(attempt.Recipients).Outcome;
}
