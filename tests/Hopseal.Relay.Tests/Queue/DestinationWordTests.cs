using System.Collections.Immutable;
using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

public sealed class DestinationWordTests
{
    static readonly RecipientOutcome s_deferred = new RecipientOutcome.Deferred(new EnhancedStatus(4, 4, 1), "later");
    static readonly RecipientOutcome s_bounced = new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "no such user");
    static readonly DeliveryPlan s_relay = new DeliveryPlan.Relay([Samples.Host()], Credentials: false);

    [Fact]
    public void Where_no_attempt_is_planned_the_destination_is_at_fault() =>
        Assert.Equal(DestinationWord.Failed, Of(new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "DNS"), s_deferred));

    [Fact]
    public void Where_no_host_may_have_what_requires_TLS_others_are_not_held_up()
    {
        var attempt = Attempt(new DeliveryPlan.Defer(new EnhancedStatus(4, 7, 30), "nobody vouches for it now"), s_deferred);
        var required = attempt.Lease with { Pending = attempt.Lease.Pending with { Tls = MessageTls.Required } };
        Assert.Equal(DestinationWord.Nothing, DestinationWords.Of(attempt with { Lease = required }, particular: false));
    }

    [Fact]
    public void A_domain_that_takes_no_mail_has_answered() =>
        Assert.Equal(DestinationWord.Answered, Of(new DeliveryPlan.Bounce(new EnhancedStatus(5, 1, 10), "null MX"), s_bounced));

    [Fact]
    public void A_maildir_that_fails_says_nothing() =>
        Assert.Equal(DestinationWord.Nothing, Of(new DeliveryPlan.Keep("/mail"), s_deferred));

    [Fact]
    public void An_attempt_without_a_session_says_nothing() => Assert.Equal(DestinationWord.Nothing, Of(s_relay, s_deferred));

    [Theory]
    [InlineData(SmtpPhase.Connect, 0, false)]
    [InlineData(SmtpPhase.Greeting, 0, false)]
    [InlineData(SmtpPhase.HelloAfterTls, 0, false)]
    [InlineData(SmtpPhase.Authentication, 0, false)]
    [InlineData(SmtpPhase.MailFrom, 0, true)]
    [InlineData(SmtpPhase.MailFrom, 3, false)]
    [InlineData(SmtpPhase.RcptTo, 3, true)]
    [InlineData(SmtpPhase.EndOfData, 0, true)]
    public void A_session_that_came_to_speak_of_mail_is_an_answer(SmtpPhase phase, int earlier, bool answered) => Assert.Equal(
        answered ? DestinationWord.Answered : DestinationWord.Failed,
        Of(s_relay, s_deferred, Use(new SessionFault(phase, FaultKind.ConnectionLost, null, "lost"), earlier)));

    [Fact]
    public void A_session_without_a_fault_is_an_answer() =>
        Assert.Equal(DestinationWord.Answered, Of(s_relay, s_deferred, Use(null, 0)));

    [Fact]
    public void A_failed_handshake_where_plaintext_is_allowed_holds_no_other_message_up() => Assert.Equal(
        DestinationWord.Answered,
        DestinationWords.Of(Attempt(s_relay, s_deferred, Use(new SessionFault(SmtpPhase.Handshake, FaultKind.ConnectionLost, null, "x"), 0)) with
        {
            TlsFailed = true,
        }, particular: false));

    [Theory]
    [InlineData(MessageTls.Unspecified, false, true)]
    [InlineData(MessageTls.Unspecified, true, false)]
    [InlineData(MessageTls.Required, false, false)]
    [InlineData(MessageTls.Optional, false, false)]
    public void A_message_that_misses_demands_of_its_own_holds_no_other_up(MessageTls asked, bool particular, bool holdsUp)
    {
        var word = holdsUp ? DestinationWord.Failed : DestinationWord.Nothing;
        var refused = Use(null, 0) with { Tls = new TlsOutcome.Refused([new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered")]) };
        var reached = Use(new SessionFault(SmtpPhase.RcptTo, FaultKind.ConnectionLost, null, "lost"), 0);
        var lost = Use(new SessionFault(SmtpPhase.Greeting, FaultKind.ConnectionLost, null, "lost"), 0) with { Tls = null };

        Assert.Equal(word, Of(refused));
        Assert.Equal(word, Of(lost, refused));
        Assert.Equal(DestinationWord.Failed, Of(lost));
        Assert.Equal(DestinationWord.Answered, Of(refused, reached));

        DestinationWord Of(params SessionUse[] sessions)
        {
            var attempt = Attempt(s_relay, s_deferred, sessions);
            return DestinationWords.Of(attempt with
            {
                Lease = attempt.Lease with { Pending = attempt.Lease.Pending with { Tls = asked } },
            }, particular);
        }
    }

    static DestinationWord Of(DeliveryPlan plan, RecipientOutcome outcome, params SessionUse[] sessions) =>
        DestinationWords.Of(Attempt(plan, outcome, sessions), particular: false);

    static DeliveryAttempt Attempt(DeliveryPlan plan, RecipientOutcome outcome, params SessionUse[] sessions)
    {
        var lease = Samples.Lease();
        ImmutableArray<(Recipient, RecipientOutcome)> recipients = [.. lease.Pending.Recipients.Select(recipient => (recipient, outcome))];
        return new DeliveryAttempt(lease, Samples.Noon, TimeSpan.Zero, plan, [.. sessions], recipients, TlsFailed: false);
    }

    static SessionUse Use(SessionFault? fault, int earlier) => new(
        "s", Samples.Host(), new IPEndPoint(IPAddress.Loopback, 25), TlsStart.None,
        new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered")), fault, earlier, 1, 0, 1, 0, 0, null);
}
