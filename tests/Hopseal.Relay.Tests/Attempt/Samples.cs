using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>Plans and leases that tests vary.</summary>
static class Samples
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static Mailbox Mailbox(string address)
    {
        var at = address.LastIndexOf('@');
        return new Mailbox(address[..at], DomainName.Parse(address[(at + 1)..]));
    }

    public static HostPlan Host(
        SecurityFloor floor = SecurityFloor.Plaintext,
        string name = "mx.example.org",
        int port = 25,
        TlsStart start = TlsStart.StartTls,
        params IPAddress[] addresses)
    {
        ImmutableArray<TransportPolicy> policies = floor == SecurityFloor.Plaintext
            ? [new TransportPolicy.Opportunistic()]
            : [new TransportPolicy.Opportunistic(), new TransportPolicy.Operator(floor, "Outbound.Rules[0]")];
        return new HostPlan(
            new PlannedHost(
                DomainName.Parse(name), 10, port, start, HostAuthenticity.None, addresses.Length == 0 ? [IPAddress.Loopback] : [.. addresses]),
            policies,
            [name]);
    }

    public static QueueLease Lease(params string[] recipients) => new(
        new QueueId("01jn8f3k6c0000000000000001"),
        "example.org",
        new Envelope(
            Mailbox("sender@example.net"),
            [.. (recipients.Length == 0 ? ["bob@example.org"] : recipients).Select(Mailbox)]),
        AttemptNumber: 1,
        ReceivedAt: Noon,
        Size: Content.Length,
        GivesUpAt: Noon + TimeSpan.FromDays(5),
        EarlierTlsFailure: false);

    public static ReadOnlySpan<byte> Content => "Subject: hello\r\nMessage-ID: <one@example.net>\r\n\r\nbody\r\n"u8;

    /// <summary>A port that nobody listens on: it was free a moment ago.</summary>
    public static HostPlan Down()
    {
        var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return Host(port: port);
    }

    public static ValueTask<Stream> Open(CancellationToken cancel) => ValueTask.FromResult<Stream>(new MemoryStream(Content.ToArray()));

    public static RecipientOutcome.Deferred Deferred(DeliveryAttempt attempt) =>
        Assert.IsType<RecipientOutcome.Deferred>(Assert.Single(attempt.Recipients).Outcome);
}
