using System.Net;
using System.Security.Authentication;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests;

/// <summary>Records as a gateway makes them.</summary>
static class Records
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    public static readonly TlsFailure NotOffered = new(TlsResultType.StarttlsNotSupported, "starttls-not-offered", "the server does not offer STARTTLS");

    public static TlsOutcome.Encrypted Tls(PeerIdentity identity = PeerIdentity.Unauthenticated) => new(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", identity,
        new PeerCertificate("CN=mx", "CN=ca", ["mx1.example.net"], Noon.AddDays(-1), Noon.AddDays(90), new string('a', 64), new string('b', 64)),
        "mx1.example.net", TimeSpan.FromMilliseconds(5), []);

    public static HostPlan Plan(string host = "mx1.example.net", params TransportPolicy[] policies) => new(
        new PlannedHost(DomainName.Parse(host), 10, 25, TlsStart.StartTls, HostAuthenticity.None, [IPAddress.Parse("192.0.2.25")]),
        [new TransportPolicy.Opportunistic(), .. policies], []);

    public static SessionRecord.Outbound Outbound(
        TlsOutcome? tls, string domain = "example.org", DateTimeOffset? at = null, HostPlan? plan = null, SessionFault? fault = null, int delivered = 1) => new(
        Id(), domain, plan ?? Plan(), TlsStart.StartTls, fault, Attempts: 1, Transactions: 1, Delivered: delivered, Deferred: 0, Bounced: 0, MayBeDelivered: 0, Transcript: null)
        {
            SessionId = "s1",
            StartedAt = at ?? Noon,
            Elapsed = TimeSpan.FromSeconds(2),
            Peer = new IPEndPoint(IPAddress.Parse("192.0.2.25"), 25),
            Local = IPAddress.Parse("198.51.100.1"),
            Tls = tls,
        };

    public static SessionRecord.Inbound Inbound(
        TlsOutcome tls, string peer = "203.0.113.9", DateTimeOffset? at = null, string hello = "mail.sender.example", SessionEnd end = SessionEnd.Quit, int accepted = 1)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse(peer), 40_000);
        return new SessionRecord.Inbound(new ServerSessionSummary(
            "s2", "mx", at ?? Noon, TimeSpan.FromSeconds(1), endpoint, new IPEndPoint(IPAddress.Loopback, 25), hello, null, tls, accepted, 0, 0, 0, end, null, null))
        {
            SessionId = "s2",
            StartedAt = at ?? Noon,
            Elapsed = TimeSpan.FromSeconds(1),
            Peer = endpoint,
            Tls = tls,
        };
    }

    public static DeliveryAttempt Attempt(
        TlsOutcome? tls, RecipientOutcome outcome, string domain = "example.org", DateTimeOffset? at = null, HostPlan? plan = null)
    {
        var recipient = new Recipient(new Mailbox("anna", DomainName.Parse(domain)));
        var host = plan ?? Plan();
        var delivered = outcome is RecipientOutcome.Delivered ? 1 : 0;
        return new DeliveryAttempt(
            new QueueLease(Id(), domain, new Envelope(new Mailbox("me", DomainName.Parse("sender.example")), [recipient]), 1, at ?? Noon, 100, (at ?? Noon).AddDays(5), false),
            at ?? Noon, TimeSpan.FromSeconds(1), new DeliveryPlan.Relay([host]),
            [new SessionUse("s1", host, new IPEndPoint(IPAddress.Parse("192.0.2.25"), 25), TlsStart.StartTls, tls, null, 0, 1, delivered, 1 - delivered, 0, 0, null) { DeliveredPlaces = delivered > 0 ? [0] : [] }],
            [(recipient, outcome)], TlsFailed: false);
    }

    public static AcceptedMessage Accepted(TlsOutcome.Encrypted? tls, params string[] recipients) => new(
        Id(),
        Noon,
        new SessionContext(
            "s3", "mx", IPEndPoint.Parse("203.0.113.9:40000"), IPEndPoint.Parse("198.51.100.1:25"), "mail.sender.example", Extended: true, tls, User: null),
        new Envelope(new Mailbox("me", DomainName.Parse("sender.example")), [.. recipients.Select(Recipient)]),
        Size: 100);

    public static Recipient Recipient(string address)
    {
        var at = address.LastIndexOf('@');
        return new Mailbox(address[..at], DomainName.Parse(address[(at + 1)..]));
    }

    public static RecipientOutcome.Delivered Delivered { get; } = new(new SmtpReply(250, "kept"));

    public static RecipientOutcome.Deferred MissedFloor { get; } = new(
        new EnhancedStatus(4, 7, 4), "mx1.example.net: encryption is required", null,
        new MissedFloor(SecurityFloor.Encrypted, "configured: Outbound.Rules[0]", SecurityFloor.Plaintext, [TlsResultType.StarttlsNotSupported]));

    public static QueueId Id() => QueueId.Next(new FakeTimeProvider(Noon));
}
