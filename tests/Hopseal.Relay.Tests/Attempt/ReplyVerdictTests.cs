using System.Net;
using System.Security.Authentication;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class ReplyVerdictTests
{
    static readonly IPAddress s_peer = IPAddress.Parse("192.0.2.1");

    static readonly TlsOutcome s_plaintext = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered"));

    static readonly TlsOutcome s_encrypted = new TlsOutcome.Encrypted(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.Zero, []);

    [Theory]
    [InlineData(SmtpPhase.Greeting, "421 4.3.2 closing", "4.3.2", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Greeting, "450 later", "4.0.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Greeting, "554 go away", "4.0.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Greeting, "521 5.3.2 no mail here", "4.3.2", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Hello, "421 busy", "4.0.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Hello, "550 5.7.1 your address is listed", "5.7.1", NextStep.NextHost)]
    [InlineData(SmtpPhase.HelloAfterTls, "550 who are you", "5.0.0", NextStep.NextHost)]
    [InlineData(SmtpPhase.HelloAfterTls, "450 later", "4.0.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.StartTls, "454 4.7.0 not now", "4.7.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Authentication, "535 5.7.8 wrong password", "4.7.8", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Authentication, "454 4.7.0 later", "4.7.0", NextStep.NextAddress)]
    public void A_refused_session(SmtpPhase phase, string reply, string status, NextStep next)
    {
        var fault = new SessionFault(phase, FaultKind.Refused, Reply(reply), "");

        var verdict = ReplyVerdict.OfSession(
            Samples.Host(SecurityFloor.Encrypted), s_peer, TlsStart.StartTls, new Clearance.Unavailable(fault, null), earlierTlsFailure: true);

        Assert.Equal(status, Status(verdict.Outcome));
        Assert.Equal(next, verdict.Next);
        Assert.False(verdict.TlsFailed);
        Assert.Contains("mx.example.org:25 (192.0.2.1)", Reason(verdict.Outcome), StringComparison.Ordinal);
        Assert.Contains(reply, Reason(verdict.Outcome), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SmtpPhase.Connect, FaultKind.Unreachable, "4.4.1")]
    [InlineData(SmtpPhase.Connect, FaultKind.TimedOut, "4.4.1")]
    [InlineData(SmtpPhase.Greeting, FaultKind.TimedOut, "4.4.2")]
    [InlineData(SmtpPhase.Hello, FaultKind.ConnectionLost, "4.4.2")]
    [InlineData(SmtpPhase.Greeting, FaultKind.ProtocolError, "4.5.0")]
    [InlineData(SmtpPhase.Greeting, FaultKind.Refused, "4.0.0")]
    public void A_session_that_broke_tries_the_next_address(SmtpPhase phase, FaultKind kind, string status)
    {
        var clearance = new Clearance.Unavailable(new SessionFault(phase, kind, null, "the detail"), null);

        var verdict = ReplyVerdict.OfSession(Samples.Host(), s_peer, TlsStart.StartTls, clearance, earlierTlsFailure: true);

        Assert.Equal((status, NextStep.NextAddress, false), (Status(verdict.Outcome), verdict.Next, verdict.TlsFailed));
        Assert.IsType<RecipientOutcome.Deferred>(verdict.Outcome);
        Assert.Contains("the detail", Reason(verdict.Outcome), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_phase_and_fault_has_a_verdict_that_never_bounces_without_a_permanent_reply()
    {
        foreach (var phase in Enum.GetValues<SmtpPhase>())
        {
            foreach (var kind in Enum.GetValues<FaultKind>())
            {
                var fault = new SessionFault(phase, kind, null, "detail");
                var session = ReplyVerdict.OfSession(
                    Samples.Host(), s_peer, TlsStart.StartTls, new Clearance.Unavailable(fault, null), earlierTlsFailure: false);
                var recipient = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_plaintext, new RecipientResult.Interrupted(fault, false));

                Assert.IsType<RecipientOutcome.Deferred>(session.Outcome);
                Assert.IsType<RecipientOutcome.Deferred>(recipient.Outcome);
                Assert.NotEqual(NextStep.Stop, session.Next);
                Assert.NotEqual(NextStep.Stop, recipient.Next);
            }
        }
    }

    [Theory]
    // floor, how TLS was to start, earlier failure → where to go on, and whether a later attempt may go without
    [InlineData(SecurityFloor.Plaintext, TlsStart.StartTls, false, NextStep.NextAddress, true)]
    [InlineData(SecurityFloor.Plaintext, TlsStart.StartTls, true, NextStep.SameAddressInPlaintext, true)]
    [InlineData(SecurityFloor.Plaintext, TlsStart.Implicit, true, NextStep.NextAddress, false)]
    [InlineData(SecurityFloor.Encrypted, TlsStart.StartTls, true, NextStep.NextAddress, false)]
    [InlineData(SecurityFloor.Authenticated, TlsStart.StartTls, true, NextStep.NextAddress, false)]
    [InlineData(SecurityFloor.Encrypted, TlsStart.Implicit, true, NextStep.NextAddress, false)]
    public void A_failed_handshake_goes_without_only_later_and_only_when_nothing_asks_for_more(
        SecurityFloor floor, TlsStart start, bool earlier, NextStep next, bool tlsFailed)
    {
        var refused = new TlsOutcome.Refused([new TlsFailure(TlsResultType.ValidationFailure, "alert-handshake-failure")]);
        Clearance[] shapes =
        [
            new Clearance.Denied(refused),
            new Clearance.Unavailable(new SessionFault(SmtpPhase.Handshake, FaultKind.ProtocolError, null, "alert"), refused),
            new Clearance.Unavailable(new SessionFault(SmtpPhase.Handshake, FaultKind.ConnectionLost, null, "reset"), null),
            new Clearance.Unavailable(new SessionFault(SmtpPhase.HelloAfterTls, FaultKind.ConnectionLost, null, "alert"), s_encrypted),
        ];

        Assert.All(shapes, clearance =>
        {
            var verdict = ReplyVerdict.OfSession(Samples.Host(floor), s_peer, start, clearance, earlier);
            Assert.IsType<RecipientOutcome.Deferred>(verdict.Outcome);
            Assert.Equal((next, tlsFailed), (verdict.Next, verdict.TlsFailed));
        });
    }

    [Fact]
    public void An_injection_never_leads_to_plaintext()
    {
        var fault = new SessionFault(SmtpPhase.StartTls, FaultKind.InjectedPlaintext, null, "18 octets");
        var refused = new TlsOutcome.Refused([new TlsFailure(TlsResultType.ValidationFailure, "injected-plaintext")]);

        foreach (var tls in new TlsOutcome?[] { null, refused })
        {
            var verdict = ReplyVerdict.OfSession(
                Samples.Host(), s_peer, TlsStart.StartTls, new Clearance.Unavailable(fault, tls), earlierTlsFailure: true);

            Assert.Equal(("4.7.5", NextStep.NextHost, false), (Status(verdict.Outcome), verdict.Next, verdict.TlsFailed));
        }
    }

    [Theory]
    [InlineData(TlsResultType.StarttlsNotSupported, "4.7.4", "it does not start TLS")]
    [InlineData(TlsResultType.CertificateHostMismatch, "4.7.5", "its certificate is for another name")]
    [InlineData(TlsResultType.CertificateExpired, "4.7.5", "its certificate has expired")]
    [InlineData(TlsResultType.CertificateNotTrusted, "4.7.5", "its certificate is not from an authority we trust")]
    [InlineData(TlsResultType.ValidationFailure, "4.7.5", "TLS with it failed")]
    public void A_missed_floor_says_what_was_required_by_whom_and_what_was_reached(TlsResultType type, string status, string words)
    {
        var denied = new Clearance.Denied(new TlsOutcome.Refused([new TlsFailure(type, "code", "some detail")]));

        var verdict = ReplyVerdict.OfSession(Samples.Host(SecurityFloor.Authenticated), s_peer, TlsStart.StartTls, denied, earlierTlsFailure: false);

        Assert.Equal(status, Status(verdict.Outcome));
        var reason = Reason(verdict.Outcome);
        Assert.StartsWith(
            "mx.example.org:25 (192.0.2.1): encryption to an authenticated host is required (configured: Outbound.Rules[0]), but ",
            reason,
            StringComparison.Ordinal);
        Assert.Contains(words, reason, StringComparison.Ordinal);
        Assert.EndsWith("(code: some detail)", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_proved_tls_before_is_named_as_the_reason()
    {
        var host = Samples.Host() with { Policies = [new TransportPolicy.Opportunistic(), new TransportPolicy.ProvenTls(Samples.Noon)] };
        var denied = new Clearance.Denied(new TlsOutcome.Refused([new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered")]));

        var verdict = ReplyVerdict.OfSession(host, s_peer, TlsStart.StartTls, denied, earlierTlsFailure: true);

        Assert.Equal(NextStep.NextAddress, verdict.Next);
        Assert.Contains("encryption is required (it completed TLS on 2026-03-01)", Reason(verdict.Outcome), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SmtpPhase.MailFrom, "450 4.7.1 greylisted", "4.7.1", NextStep.NextHost)]
    [InlineData(SmtpPhase.MailFrom, "421 4.3.2 closing", "4.3.2", NextStep.NextAddress)]
    [InlineData(SmtpPhase.MailFrom, "550 5.7.1 not from you", "5.7.1", NextStep.Stop)]
    [InlineData(SmtpPhase.MailFrom, "553 no", "5.0.0", NextStep.Stop)]
    [InlineData(SmtpPhase.RcptTo, "450 4.2.1 mailbox busy", "4.2.1", NextStep.NextHost)]
    [InlineData(SmtpPhase.RcptTo, "452 4.5.3 too many", "4.5.3", NextStep.NextHost)]
    [InlineData(SmtpPhase.RcptTo, "552 too many recipients", "4.0.0", NextStep.NextHost)]
    [InlineData(SmtpPhase.RcptTo, "552 5.5.3 too many recipients", "4.5.3", NextStep.NextHost)]
    [InlineData(SmtpPhase.RcptTo, "552 5.2.2 mailbox full", "5.2.2", NextStep.Stop)]
    [InlineData(SmtpPhase.RcptTo, "550 5.1.1 no such user", "5.1.1", NextStep.Stop)]
    [InlineData(SmtpPhase.RcptTo, "556 5.1.10 takes no mail", "5.1.10", NextStep.Stop)]
    [InlineData(SmtpPhase.RcptTo, "421 4.7.0 closing", "4.7.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.RcptTo, "250 2.0.0 an answer of no sense", "4.0.0", NextStep.NextHost)]
    [InlineData(SmtpPhase.RcptTo, "550 2.1.5 two minds", "5.1.5", NextStep.Stop)]
    [InlineData(SmtpPhase.Data, "451 4.3.0 later", "4.3.0", NextStep.NextHost)]
    [InlineData(SmtpPhase.Data, "421 closing", "4.0.0", NextStep.NextAddress)]
    [InlineData(SmtpPhase.Data, "554 5.5.1 no", "5.5.1", NextStep.Stop)]
    [InlineData(SmtpPhase.EndOfData, "451 4.7.1 try again", "4.7.1", NextStep.Stop)]
    [InlineData(SmtpPhase.EndOfData, "421 4.3.2 closing", "4.3.2", NextStep.Stop)]
    [InlineData(SmtpPhase.EndOfData, "552 5.3.4 too big", "5.3.4", NextStep.Stop)]
    [InlineData(SmtpPhase.EndOfData, "554 5.7.1 spam", "5.7.1", NextStep.Stop)]
    public void A_rejected_recipient(SmtpPhase phase, string reply, string status, NextStep next)
    {
        var verdict = ReplyVerdict.OfRecipient(
            Samples.Host(), s_peer, s_encrypted, new RecipientResult.Rejected(phase, Reply(reply)));

        Assert.Equal((status, next), (Status(verdict.Outcome), verdict.Next));
        Assert.Equal(status[0] == '5', verdict.Outcome is RecipientOutcome.Bounced);
        Assert.Contains(reply, Reason(verdict.Outcome), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_wants_tls_we_could_not_make_defers()
    {
        var rejected = new RecipientResult.Rejected(SmtpPhase.MailFrom, Reply("530 5.7.0 Must issue a STARTTLS command first"));

        var plain = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_plaintext, rejected);
        var encrypted = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_encrypted, rejected);

        Assert.Equal(("4.7.4", NextStep.NextHost), (Status(plain.Outcome), plain.Next));
        Assert.Equal(("5.7.0", NextStep.Stop), (Status(encrypted.Outcome), encrypted.Next));
    }

    [Fact]
    public void What_may_have_arrived_is_not_sent_again_at_once()
    {
        var fault = new SessionFault(SmtpPhase.EndOfData, FaultKind.ConnectionLost, null, "reset by peer");

        var verdict = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_encrypted, new RecipientResult.Interrupted(fault, MayBeDelivered: true));

        Assert.Equal(("4.4.2", NextStep.Stop), (Status(verdict.Outcome), verdict.Next));
        Assert.Contains("may have arrived", Reason(verdict.Outcome), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_extension_bounces_only_when_no_other_host_has_it()
    {
        var unsupported = new RecipientResult.Unsupported(new EnhancedStatus(5, 6, 7), "it does not offer SMTPUTF8");

        var verdict = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_encrypted, unsupported);

        Assert.Equal(("5.6.7", NextStep.NextHost), (Status(verdict.Outcome), verdict.Next));
        Assert.IsType<RecipientOutcome.Bounced>(verdict.Outcome);
    }

    [Theory]
    [InlineData("4.4.1", "4.4.2", "4.4.2")]
    [InlineData("4.7.5", "4.4.1", "4.7.5")]
    [InlineData("4.4.1", "4.7.5", "4.7.5")]
    [InlineData("4.7.4", "4.7.5", "4.7.5")]
    [InlineData("5.7.1", "4.4.1", "4.4.1")]
    [InlineData("4.4.1", "5.7.1", "4.4.1")]
    [InlineData("5.7.1", "5.0.0", "5.0.0")]
    public void Of_two_failures_hope_stands_before_security_before_the_later(string earlier, string later, string kept) =>
        Assert.Equal(kept, Status(ReplyVerdict.Prefer(Outcome(earlier), Outcome(later))));

    [Theory]
    [InlineData(-1, "4.7.5")]
    [InlineData(0, "5.4.7")]
    [InlineData(60, "5.4.7")]
    public void A_deferral_becomes_a_bounce_when_its_time_is_over(int secondsPast, string status)
    {
        var lease = Samples.Lease();
        var remote = new RemoteWord("mx.example.org", Reply("450 later"));
        var deferred = new RecipientOutcome.Deferred(new EnhancedStatus(4, 7, 5), "the last reason", remote);

        var outcome = ReplyVerdict.GiveUp(deferred, lease, lease.GivesUpAt + TimeSpan.FromSeconds(secondsPast));

        Assert.Equal(status, Status(outcome));
        Assert.Contains("the last reason", Reason(outcome), StringComparison.Ordinal);
        if (outcome is RecipientOutcome.Bounced bounced)
        {
            Assert.StartsWith("given up after 5 days; ", bounced.Reason, StringComparison.Ordinal);
            Assert.Same(remote, bounced.Remote);
        }
    }

    [Fact]
    public void What_was_delivered_stays_delivered_when_its_time_is_over()
    {
        var lease = Samples.Lease();
        RecipientOutcome delivered = new RecipientOutcome.Delivered(Reply("250 ok"));

        Assert.Same(delivered, ReplyVerdict.GiveUp(delivered, lease, lease.GivesUpAt + TimeSpan.FromDays(1)));
    }

    [Fact]
    public void A_plan_without_a_connection_is_its_own_outcome()
    {
        Assert.Equal("4.4.3", Status(ReplyVerdict.OfPlan(new DeliveryPlan.Defer(new(4, 4, 3), "DNS fails"))!));
        Assert.Equal("5.1.10", Status(ReplyVerdict.OfPlan(new DeliveryPlan.Bounce(new(5, 1, 10), "null MX"))!));
        Assert.Null(ReplyVerdict.OfPlan(new DeliveryPlan.Relay([])));
        Assert.Null(ReplyVerdict.OfPlan(new DeliveryPlan.Keep("mail")));
    }

    [Fact]
    public void What_the_peer_says_is_quoted_bounded_and_harmless()
    {
        var reply = new SmtpReply(550, "\u001b[2J" + new string('x', 5000));

        var verdict = ReplyVerdict.OfRecipient(Samples.Host(), s_peer, s_encrypted, new RecipientResult.Rejected(SmtpPhase.RcptTo, reply));

        Assert.DoesNotContain('\u001b', Reason(verdict.Outcome));
        Assert.InRange(Reason(verdict.Outcome).Length, 1, 600);
    }

    static RecipientOutcome Outcome(string status) => status[0] == '5'
        ? new RecipientOutcome.Bounced(Parse(status), status)
        : new RecipientOutcome.Deferred(Parse(status), status);

    static EnhancedStatus Parse(string status)
    {
        Assert.True(EnhancedStatus.TryParsePrefix(status, out var parsed, out _));
        return parsed;
    }

    static SmtpReply Reply(string line) => EnhancedStatus.TryParsePrefix(line.AsSpan(4), out var status, out var length)
        ? new SmtpReply(int.Parse(line.AsSpan(0, 3), null), status, line[(4 + length + 1)..])
        : new SmtpReply(int.Parse(line.AsSpan(0, 3), null), line[4..]);

    static string Status(RecipientOutcome outcome) => outcome switch
    {
        RecipientOutcome.Deferred deferred => deferred.Status.ToString(),
        RecipientOutcome.Bounced bounced => bounced.Status.ToString(),
        _ => "2.0.0",
    };

    static string Reason(RecipientOutcome outcome) => outcome switch
    {
        RecipientOutcome.Deferred deferred => deferred.Reason,
        RecipientOutcome.Bounced bounced => bounced.Reason,
        _ => "",
    };
}
