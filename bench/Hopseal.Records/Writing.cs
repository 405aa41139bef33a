using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Security.Authentication;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Evidence;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Records;

/// <summary>What it costs to record: CPU of the whole process for each record, in microseconds.</summary>
static class Writing
{
    const int Records = 100_000;
    const int Domains = 50;

    public static async Task MeasureAsync(string directory)
    {
        await using var database = RecordsDatabase.Open(directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
        var store = new SessionStore(database, new RecordsOptions(), TimeProvider.System, NullLogger<SessionStore>.Instance);
        Console.WriteLine("| Record | CPU, µs |");
        Console.WriteLine("|---|---|");
        for (var round = 0; round < 3; round++)
        {
            await MeasureAsync("attempt", database, store, i => store.TryRecord(Attempt(i)));
            await MeasureAsync("inbound session", database, store, i => store.TryRecord(Inbound(i)));
            await MeasureEvidenceAsync("evidence of a message that came", directory, (ledger, i) => ledger.TryRecord(Accepted(i)));
            await MeasureEvidenceAsync("evidence of one that went", directory, (ledger, i) => ledger.TryRecord(Attempt(i)));
        }
    }

    static async Task MeasureEvidenceAsync(string name, string directory, Action<EvidenceLedger, int> record)
    {
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        await using var ledger = new EvidenceLedger(
            LedgerFiles.In(directory), new EvidenceOptions(), "bench", TimeProvider.System, NullLogger<EvidenceLedger>.Instance, Records);
        for (var i = 0; i < Records; i++)
        {
            record(ledger, i);
        }

        await ledger.DisposeAsync();
        Trace.Assert(ledger.Lost == 0);
        using var process = Process.GetCurrentProcess();
        Console.WriteLine($"| {name} | {(process.TotalProcessorTime - before).TotalMicroseconds / Records:N1} |");
    }

    static async Task MeasureAsync(string name, RecordsDatabase database, SessionStore store, Action<int> record)
    {
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        for (var i = 0; i < Records; i++)
        {
            record(i);
            if (i % 10_000 == 9_999)
            {
                store.Write();
                await database.WriteAsync(_ => { }, CancellationToken.None);
            }
        }

        using var process = Process.GetCurrentProcess();
        Console.WriteLine($"| {name} | {(process.TotalProcessorTime - before).TotalMicroseconds / Records:N1} |");
        Trace.Assert(store.Dropped == 0);
    }

    static readonly TlsOutcome.Encrypted s_tls = new TlsOutcome.Encrypted(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated,
        new PeerCertificate("CN=mx", "CN=ca", ["mx1.example.net"], default, default, new string('a', 64), new string('b', 64)),
        "mx1.example.net", TimeSpan.FromMilliseconds(5), []);

    static readonly HostPlan s_plan = new(
        new PlannedHost(DomainName.Parse("mx1.example.net"), 10, 25, TlsStart.StartTls, HostAuthenticity.None, [IPAddress.Parse("192.0.2.25")]),
        [new TransportPolicy.Opportunistic(), new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]")], []);

    static readonly ImmutableArray<Recipient> s_recipients =
        [.. Enumerable.Range(0, Domains).Select(i => new Recipient(new Mailbox("anna", DomainName.Parse($"d{i}.example"))))];

    static readonly IPEndPoint s_peer = new(IPAddress.Parse("192.0.2.25"), 25);

    static DeliveryAttempt Attempt(int i)
    {
        var recipient = s_recipients[i % Domains];
        var now = DateTimeOffset.UtcNow;
        var envelope = new Envelope(new Mailbox("me", DomainName.Parse("sender.example")), [recipient]);
        return new DeliveryAttempt(
            new QueueLease(QueueId.Next(TimeProvider.System), $"d{i % Domains}.example", envelope, 1, now, 100, now.AddDays(5), false),
            now, TimeSpan.FromMilliseconds(20), new DeliveryPlan.Relay([s_plan]),
            [new SessionUse("s1", s_plan, s_peer, TlsStart.StartTls, s_tls, null, 0, 1, 1, 0, 0, 0, null) { DeliveredPlaces = [0] }],
            [(recipient, new RecipientOutcome.Delivered(new SmtpReply(250, "kept")))], TlsFailed: false);
    }

    static AcceptedMessage Accepted(int i) => new(
        QueueId.Next(TimeProvider.System), DateTimeOffset.UtcNow,
        new SessionContext("01jn8f3k6c", "mx", new IPEndPoint(new IPAddress([203, 0, 113, (byte)(i % 200)]), 40_000), s_peer, "mail.sender.example", Extended: true, s_tls, User: null),
        new Envelope(new Mailbox("me", DomainName.Parse("sender.example")), [s_recipients[i % Domains]]),
        Size: 10_240);

    static SessionRecord.Inbound Inbound(int i)
    {
        var (now, elapsed) = (DateTimeOffset.UtcNow, TimeSpan.FromMilliseconds(20));
        var peer = new IPEndPoint(new IPAddress([203, 0, 113, (byte)(i % 200)]), 40_000);
        return new SessionRecord.Inbound(new ServerSessionSummary(
            "s2", "mx", now, elapsed, peer, s_peer, "mail.sender.example", null, s_tls, 1, 0, 0, 0, SessionEnd.Quit, null, null))
        {
            SessionId = "01jn8f3k6c",
            StartedAt = now,
            Elapsed = elapsed,
            Peer = peer,
            Tls = s_tls,
        };
    }
}
