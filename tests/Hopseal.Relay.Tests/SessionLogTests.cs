using System.Net;
using System.Security.Authentication;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Tests;

public sealed class SessionLogTests
{
    static readonly TlsOutcome s_pkix = new TlsOutcome.Encrypted(
        SslProtocols.Tls13,
        "TLS_AES_256_GCM_SHA384",
        PeerIdentity.Pkix,
        new PeerCertificate("CN=mx", "CN=ca", ["mx.example.org", "mx2.example.org"], default, default, "0123abcd"),
        "mx.example.org",
        TimeSpan.Zero,
        [new TlsFailure(TlsResultType.CertificateExpired, "expired")]);

    readonly RecordingLog<SessionLog> _lines = new();

    [Fact]
    public void An_outbound_session_says_what_was_wanted_and_what_was_reached()
    {
        Log(Outbound(SecurityFloor.Authenticated, TlsStart.StartTls, s_pkix, fault: null));

        var line = Assert.Single(_lines.Lines);
        Assert.Equal((1002, LogLevel.Information), (line.Event, line.Level));
        Assert.Equal("authenticated", line.Fields["Floor"]);
        Assert.Equal("authenticated", line.Fields["Level"]);
        Assert.Equal("TLSv1.3", line.Fields["Version"]);
        Assert.Equal("TLS_AES_256_GCM_SHA384", line.Fields["Cipher"]);
        Assert.Equal("pkix", line.Fields["Identity"]);
        Assert.Equal("mx.example.org, mx2.example.org", line.Fields["Names"]);
        Assert.Equal("0123abcd", line.Fields["Sha256"]);
        Assert.NotEqual("", line.Fields["Source"]);
        Assert.Equal("certificate-expired (expired)", line.Fields["TlsFailures"]);
        Assert.Equal("mx.example.org:25", line.Fields["Host"]);
        Assert.Equal("192.0.2.1:25", line.Fields["Peer"]);
        Assert.Equal((3, 4, 1), (line.Fields["Attempts"], line.Fields["Transactions"], line.Fields["Delivered"]));
        Assert.Equal(1500L, line.Fields["ElapsedMs"]);
        Assert.Equal(false, line.Fields["Fallback"]);
    }

    [Fact]
    public void A_certificate_that_did_not_do_is_evidence_too()
    {
        var peer = new PeerCertificate("CN=mx", "CN=ca", ["mx.attacker.test"], default, default, "4567cdef");
        var refused = new TlsOutcome.Refused([new TlsFailure(TlsResultType.TlsaInvalid, "no-tlsa-match")], peer);
        Log(Outbound(SecurityFloor.Authenticated, TlsStart.StartTls, refused, fault: null));

        var line = Assert.Single(_lines.Lines);
        Assert.Equal(("refused", "mx.attacker.test", "4567cdef"), (line.Fields["Level"], line.Fields["Names"], line.Fields["Sha256"]));
    }

    [Fact]
    public void A_failed_handshake_and_the_plaintext_after_it_read_differently()
    {
        var refused = new TlsOutcome.Refused([new TlsFailure(TlsResultType.ValidationFailure, "no-shared-cipher")]);
        var plain = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-tried"));
        Log(Outbound(SecurityFloor.Plaintext, TlsStart.StartTls, refused, fault: null));
        Log(Outbound(SecurityFloor.Plaintext, TlsStart.None, plain, fault: null));

        Assert.Equal(
            [("refused", false, "validation-failure (no-shared-cipher)"), ("plaintext", true, "starttls-not-supported (not-tried)")],
            _lines.Lines.Select(line => ((string)line.Fields["Level"]!, (bool)line.Fields["Fallback"]!, (string)line.Fields["TlsFailures"]!)));
    }

    [Fact]
    public void An_injection_into_an_outbound_session_is_an_event_of_its_own()
    {
        var fault = new SessionFault(SmtpPhase.StartTls, FaultKind.InjectedPlaintext, null, "18 octets behind the reply");
        Log(Outbound(SecurityFloor.Plaintext, TlsStart.StartTls, null, fault));

        var line = Assert.Single(_lines.Lines);
        Assert.Equal((SessionLog.OutboundInjectionEvent, LogLevel.Warning), (line.Event, line.Level));
        Assert.Equal("18 octets behind the reply", line.Fields["Detail"]);
    }

    [Fact]
    public void An_injection_into_an_inbound_session_is_an_event_of_its_own()
    {
        Log(Inbound(SessionEnd.InjectedPlaintext, "mail.example.net"));

        var line = Assert.Single(_lines.Lines);
        Assert.Equal((SessionLog.InboundInjectionEvent, LogLevel.Warning), (line.Event, line.Level));
        Assert.Equal("mx", line.Fields["Listener"]);
    }

    [Fact]
    public void What_a_client_calls_itself_cannot_drive_a_terminal()
    {
        Log(Inbound(SessionEnd.Quit, "\u001b[31mroot"));

        var line = Assert.Single(_lines.Lines);
        Assert.Equal((1001, "?[31mroot", "Quit"), (line.Event, (string)line.Fields["Hello"]!, (string)line.Fields["End"]!));
        Assert.DoesNotContain('\u001b', line.Text);
    }

    [Fact]
    public void An_attempt_has_a_line_for_each_outcome()
    {
        var later = new RecipientOutcome.Deferred(new EnhancedStatus(4, 2, 1), "busy");
        var attempt = new DeliveryAttempt(
            Samples.Lease("a@example.org", "b@example.org", "c@example.org", "d@example.org"),
            Samples.Noon,
            TimeSpan.FromSeconds(2),
            new DeliveryPlan.Relay([Samples.Host()]),
            [Use("s1", delivered: 0, tls: null), Use("s2", delivered: 1, s_pkix)],
            [
                (Samples.Mailbox("a@example.org"), later),
                (Samples.Mailbox("b@example.org"), later),
                (Samples.Mailbox("c@example.org"), new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "unknown")),
                (Samples.Mailbox("d@example.org"), new RecipientOutcome.Delivered(new SmtpReply(250, "ok"))),
            ],
            TlsFailed: false,
            RetryAt: Samples.Noon + TimeSpan.FromMinutes(5));

        new SessionLog(_lines).TryRecord(attempt);

        Assert.Equal(
            [(1102, "a@example.org, b@example.org"), (1103, "c@example.org"), (1101, "d@example.org")],
            _lines.Lines.Select(line => (line.Event, (string)line.Fields["Recipients"]!)));
        Assert.Equal("4.2.1", _lines.Lines.First().Fields["Status"]);
        Assert.Equal("2026-03-01T12:05:00.000Z", _lines.Lines.First().Fields["RetryAt"]!.ToString());
        Assert.Contains("again at 2026-03-01T12:05:00.000Z,", _lines.Lines.First().Text, StringComparison.Ordinal);
        Assert.Equal("5.1.1", _lines.Lines.ElementAt(1).Fields["Status"]);
        Assert.Equal(["s1, s2", "s1, s2", "s2"], _lines.Lines.Select(line => line.Fields["Session"]));
        var delivered = _lines.Lines.Last().Fields;
        Assert.Equal(
            ("mx.example.org:25", "192.0.2.1:25", "authenticated"), (delivered["Host"], delivered["Peer"], delivered["Level"]));
        Assert.Equal("not asked", delivered["RequireTls"]);
    }

    [Fact]
    public void Each_outcome_says_what_was_wanted_of_its_host_by_whom_and_what_was_reached()
    {
        var weak = new TlsOutcome.Refused([new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered")]);
        var missed = new MissedFloor(SecurityFloor.Authenticated, "to outsiders", SecurityFloor.Plaintext, [TlsResultType.StarttlsNotSupported]);
        var attempt = Attempt(
            [
                Use("s1", delivered: 0, weak) with { Plan = Samples.Host(SecurityFloor.Authenticated) },
                Use("s2", delivered: 1, s_pkix) with { Plan = Samples.Host(SecurityFloor.Encrypted) },
            ],
            new RecipientOutcome.Delivered(new SmtpReply(250, "ok")),
            new RecipientOutcome.Deferred(new EnhancedStatus(4, 7, 4), "no TLS", null, missed),
            new RecipientOutcome.Bounced(new EnhancedStatus(5, 7, 4), "no TLS", null, missed));

        new SessionLog(_lines).TryRecord(attempt);

        Assert.Equal(
            [
                "1101 encrypted (configured: Outbound.Rules[0]), authenticated, certificate-expired (expired)",
                "1102 authenticated (configured: Outbound.Rules[0]), refused, starttls-not-supported (not-offered)",
                "1103 authenticated (configured: Outbound.Rules[0]), refused, starttls-not-supported (not-offered)",
            ],
            _lines.Lines.Select(line => $"{line.Event} {line.Fields["Floor"]} ({line.Fields["Source"]}), {line.Fields["Level"]}, {line.Fields["TlsFailures"]}"));
    }

    static DeliveryAttempt Attempt(SessionUse[] uses, params RecipientOutcome[] outcomes) => new(
        Samples.Lease(),
        Samples.Noon,
        TimeSpan.FromSeconds(2),
        new DeliveryPlan.Relay([Samples.Host()]),
        [.. uses],
        [.. outcomes.Select((outcome, i) => (Samples.Mailbox($"r{i}@example.org"), outcome))],
        TlsFailed: false);

    void Log(SessionRecord record) => Assert.True(new SessionLog(_lines).TryRecord(record));

    static SessionUse Use(string session, int delivered, TlsOutcome? tls) => new(
        session,
        Samples.Host(),
        new IPEndPoint(IPAddress.Parse("192.0.2.1"), 25),
        TlsStart.StartTls,
        tls,
        Fault: null,
        Earlier: 0,
        Transactions: 1,
        delivered,
        Deferred: 4 - delivered,
        Bounced: 0,
        MayBeDelivered: 0,
        Transcript: null);

    static SessionRecord.Outbound Outbound(SecurityFloor floor, TlsStart start, TlsOutcome? tls, SessionFault? fault) => new(
        Samples.Lease().Id,
        "example.org",
        Samples.Host(floor),
        start,
        fault,
        Attempts: 3,
        Transactions: 4,
        Delivered: 1,
        Deferred: 0,
        Bounced: 0,
        MayBeDelivered: 0,
        Transcript: null)
    {
        SessionId = "s1",
        StartedAt = Samples.Noon,
        Elapsed = TimeSpan.FromSeconds(1.5),
        Peer = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 25),
        Tls = tls,
    };

    static SessionRecord.Inbound Inbound(SessionEnd end, string hello)
    {
        var peer = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 4711);
        var tls = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-asked"));
        return new SessionRecord.Inbound(new ServerSessionSummary(
            "s2",
            "mx",
            Samples.Noon,
            TimeSpan.FromSeconds(1),
            peer,
            new IPEndPoint(IPAddress.Loopback, 25),
            hello,
            null,
            tls,
            0,
            0,
            0,
            0,
            end,
            "detail",
            null))
        {
            SessionId = "s2",
            StartedAt = Samples.Noon,
            Elapsed = TimeSpan.FromSeconds(1),
            Peer = peer,
            Tls = tls,
        };
    }
}
