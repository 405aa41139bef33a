using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Queue;

public sealed class OwnMailReadingTests
{
    [Fact]
    public void What_a_session_did_is_told_of_the_recipients_it_was_done_for()
    {
        var clock = new FakeTimeProvider();
        var domain = DomainName.Parse("example.org");
        Recipient[] recipients = [new(new Mailbox("reports", domain)), new(new Mailbox("a", domain)), new(new Mailbox("b", domain))];
        var lease = new QueueLease(QueueId.Next(clock), domain.Ascii, new Envelope(null, [.. recipients]), 1, clock.GetUtcNow(), 1, clock.GetUtcNow().AddDays(5), false);
        var own = new OwnMail
        {
            IsRead = mailbox => mailbox.LocalPart == "reports",
            ReadAsync = (_, _, _) => throw new InvalidOperationException("it was not to be read"),
            Place = "here",
        };
        var reading = OwnMailReading.Unread(own, lease, ReplyVerdict.OfRead());
        var host = new HostPlan(new PlannedHost(domain, 10, 25, TlsStart.StartTls, HostAuthenticity.None, [IPAddress.Loopback]), [new TransportPolicy.Opportunistic()], []);
        var use = new SessionUse("s1", host, new IPEndPoint(IPAddress.Loopback, 25), TlsStart.StartTls, null, null, 0, 1, 1, 0, 1, 0, null)
        {
            DeliveredPlaces = [1],
            BouncedPlaces = [0],
        };
        var bounced = new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "nobody");
        var delivered = new RecipientOutcome.Delivered(new SmtpReply(250, "kept"));

        var whole = reading.With(new DeliveryAttempt(
            reading.Rest!, clock.GetUtcNow(), TimeSpan.Zero, new DeliveryPlan.Relay([host]), [use], [(recipients[1], bounced), (recipients[2], delivered)], TlsFailed: false));

        var told = Assert.Single(whole.Sessions);
        Assert.Equal(["b@example.org"], told.DeliveredPlaces.Select(place => whole.Recipients[place].Recipient.ToString()));
        Assert.Equal(["a@example.org"], told.BouncedPlaces.Select(place => whole.Recipients[place].Recipient.ToString()));
        Assert.Equal(delivered, whole.Recipients[2].Outcome);
    }
}
