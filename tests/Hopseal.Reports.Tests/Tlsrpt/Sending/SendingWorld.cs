using System.Security.Cryptography;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.TlsRpt;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Mail;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Mail;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Tlsrpt.Sending;

/// <summary>What sends reports, with a database of its own, a clock that stands, and a queue that is a list.</summary>
sealed class SendingWorld : IAsyncDisposable
{
    static readonly string s_key = NewKey();

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-sending-").FullName;

    public FakeTimeProvider Clock { get; } = new(Records.Noon);

    public List<StoredMessage> Queue { get; } = [];

    public RecordsDatabase Database { get; private set; } = null!;

    public OwnReportMail Own { get; private set; } = null!;

    public ReportTally Tally { get; private set; } = null!;

    public ReportSender Sender { get; private set; } = null!;

    public SentReports Reports => new(Database);

    public SendingOptions Options { get; set; } = new()
    {
        Organization = "Sender",
        Contact = new Mailbox("tls", DomainName.Parse("sender.example")),
        Signer = ReportMessage.Signer(new MemoryStream(Encoding.ASCII.GetBytes(s_key)), DomainName.Parse("sender.example"), "tlsrpt"),
        Hostname = "mx1.sender.example",
    };

    /// <summary>Takes effect at the next start.</summary>
    public string Zone { get; set; } = "";

    public static SendingWorld With(string zone, Func<SendingOptions, SendingOptions>? change = null)
    {
        var world = new SendingWorld { Zone = zone };
        world.Options = change?.Invoke(world.Options) ?? world.Options;
        world.Start();
        return world;
    }

    /// <summary>As after a crash: what was not written down is gone.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        Start();
        Sender.Restore();
    }

    public void Record(params SessionRecord[] sessions) => Assert.All(sessions, session => Assert.True(Tally.TryRecord(session)));

    /// <summary>Writes down what was counted, and sets the clock.</summary>
    public async Task AtAsync(DateTimeOffset time)
    {
        Assert.True(await Tally.WriteAsync(TestContext.Current.CancellationToken));
        Clock.SetUtcNow(time);
        await Sender.PassAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    async Task StopAsync()
    {
        Sender.Dispose();
        Tally.Dispose();
        await Database.DisposeAsync();
    }

    void Start()
    {
        Database = RecordsDatabase.Open(_directory, [SendingTables.Part], NullLogger<RecordsDatabase>.Instance);
        Own = new OwnReportMail(Clock);
        Tally = new ReportTally(Database, Own, Clock, NullLogger<ReportTally>.Instance);
        var resolver = ZoneResolver.Parse(Zone);
        Sender = new ReportSender(
            Database, Tally, Own, resolver, new ReportPost(resolver, new PkixCheck(TrustedRoots.Of(), Clock), Clock),
            new ReportQueue
            {
                AddAsync = (message, _) =>
                {
                    Queue.Add(message);
                    return ValueTask.CompletedTask;
                },
                HoldsAsync = (id, _) => ValueTask.FromResult(Queue.Any(message => message.Id == id)),
                RemoveAsync = (id, _) => ValueTask.FromResult(Queue.RemoveAll(message => message.Id == id) > 0),
            },
            Options, Clock, NullLogger<ReportSender>.Instance);
    }

    static string NewKey()
    {
        using var rsa = RSA.Create(2048);
        return rsa.ExportPkcs8PrivateKeyPem();
    }
}
