using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>The way of a message from the queue to another server, with everything in place but DNS and time.</summary>
public sealed class DeliveryPathTests : IAsyncDisposable
{
    static readonly RetrySchedule s_schedule = new([TimeSpan.FromMinutes(5)], TimeSpan.FromMinutes(8));

    static readonly ZoneResolver s_zone = ZoneResolver.Parse("""
        $SECURE on
        example.org     MX 10 mx.example.org
        mx.example.org  A  127.0.0.1
        $SECURE off
        example.net     MX 10 mx.example.net
        mx.example.net  A  127.0.0.1
        """);

    readonly FakeTimeProvider _clock = new(Samples.Noon);
    readonly LocalAuthority _authority;
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-path-").FullName;
    readonly CancellationTokenSource _stop = new();
    readonly RecordingSink _sink = new();
    SqliteQueueStore? _store;
    MessageQueue? _queue;
    QueueRunner? _runner;
    Task _running = Task.CompletedTask;

    public DeliveryPathTests() => _authority = LocalAuthority.Create("everybody trusts it", _clock);

    [Fact]
    public async Task A_broken_handshake_costs_one_retry_and_then_the_mail_goes_without()
    {
        await using var server = new ScriptedServer(null, new Script(Starttls.Broken));
        Start(server, rules: []);
        await AddAsync();

        var first = await _sink.NextAttemptAsync();
        Assert.Equal("4.7.5", Deferred(first).Status.ToString());
        Assert.Equal((1, 0), (server.Sessions.Count, server.MailsBegun));

        _clock.Advance(TimeSpan.FromMinutes(6));
        var second = await _sink.NextAttemptAsync();
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(second.Recipients).Outcome);
        Assert.Equal((3, 1), (server.Sessions.Count, server.MailsBegun));
        Assert.Equal([TlsStart.StartTls, TlsStart.None], second.Sessions.Select(session => session.Start));
    }

    [Fact]
    public async Task A_host_that_once_spoke_tls_gets_no_plaintext_when_somebody_strips_starttls()
    {
        using var certificate = _authority.Issue("mx.example.org");
        await using var server = new ScriptedServer(certificate, new Script(Starttls.Works), new Script());
        Start(server, rules: []);

        await AddAsync();
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single((await _sink.NextAttemptAsync()).Recipients).Outcome);
        await AddAsync();
        var stripped = Deferred(await _sink.NextAttemptAsync());

        Assert.Equal("4.7.4", stripped.Status.ToString());
        Assert.Contains("encryption is required (it completed TLS on 2026-03-01)", stripped.Reason, StringComparison.Ordinal);
        Assert.Equal(1, server.MailsBegun);
    }

    [Fact]
    public async Task Where_authentication_is_required_the_right_certificate_delivers()
    {
        using var certificate = _authority.Issue("mx.example.org");
        await using var server = new ScriptedServer(certificate, new Script(Starttls.Works));
        Start(server, new OutboundRule("example.org", SecurityFloor.Authenticated, [], "Outbound.Rules[0]"));

        await AddAsync();
        var attempt = await _sink.NextAttemptAsync();

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        Assert.Equal(PeerIdentity.Pkix, Assert.IsType<TlsOutcome.Encrypted>(Assert.Single(attempt.Sessions).Tls).Identity);
    }

    [Fact]
    public async Task The_wrong_certificate_ends_in_a_report_that_tells_the_sender_why()
    {
        using var certificate = _authority.Issue("mx.other.example");
        await using var server = new ScriptedServer(certificate, new Script(Starttls.Works));
        Start(server, new OutboundRule("example.org", SecurityFloor.Authenticated, [], "Outbound.Rules[0]"));
        var id = await AddAsync();

        Deferred(await _sink.NextAttemptAsync());
        _clock.Advance(TimeSpan.FromMinutes(6));
        Deferred(await _sink.NextAttemptAsync());
        _clock.Advance(TimeSpan.FromMinutes(3));
        Assert.IsType<RecipientOutcome.Bounced>(Assert.Single((await _sink.NextAttemptAsync()).Recipients).Outcome);
        var told = await _sink.NextAttemptAsync();

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(told.Recipients).Outcome);
        Assert.Equal("tls:MAIL FROM:<>", Assert.Single(server.Commands, command => command.Contains("MAIL FROM", StringComparison.Ordinal)));
        var report = await MimeMessage.LoadAsync(
            new MemoryStream(Encoding.UTF8.GetBytes(server.Sessions.Last().Content.ToString())), TestContext.Current.CancellationToken);
        var words = string.Join(' ', report.TextBody!.Split((char[])[' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("encryption to an authenticated host is required (configured: Outbound.Rules[0])", words, StringComparison.Ordinal);
        Assert.Contains("its certificate is for another name", words, StringComparison.Ordinal);
        Assert.Contains(id.Text, words, StringComparison.Ordinal);
        var status = Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(report.Body)[1]);
        Assert.Equal("5.4.7", status.StatusGroups[1]["Status"]);
        Assert.Equal(0, await _queue!.CountAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        while (!_running.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }

        _runner?.Dispose();
        _queue?.Dispose();
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _authority.Dispose();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    void Start(ScriptedServer server, params OutboundRule[] rules)
    {
        var proven = new ProvenTlsMemory(_clock);
        var planner = new DeliveryPlanner(new Routing { MxPort = server.Port, Rules = [.. rules] }, s_zone, proven);
        var pkix = new PkixCheck(TrustedRoots.Of(X509CertificateLoader.LoadCertificate(_authority.Certificate.RawData)), _clock);
        var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.com", Clock = _clock },
                Verify = pkix.For,
                Proven = (plan, _) => proven.Prove(plan.Host, _clock.GetUtcNow()),
            },
            _sink,
            NullLogger<Deliverer>.Instance);
        _store = SqliteQueueStore.Open(_directory);
        _queue = new MessageQueue(_store, s_schedule, _clock);
        _runner = new QueueRunner(
            _queue,
            deliverer,
            new Maildir("gw.example.com", _clock),
            new DeliveryReport("gw.example.com", _clock),
            _sink,
            new QueueRunnerOptions { Plan = (lease, cancel) => planner.PlanAsync(lease.Domain, lease.Pending.ReturnPath, cancel), Schedule = s_schedule, Clock = _clock },
            NullLogger<QueueRunner>.Instance);
        _running = _runner.RunAsync(_stop.Token);
    }

    async Task<QueueId> AddAsync()
    {
        var content = Samples.Content.ToArray();
        var envelope = new Envelope(Samples.Mailbox("sender@example.net"), [Samples.Mailbox("bob@example.org")]);
        var message = new StoredMessage(QueueId.Next(_clock), _clock.GetUtcNow(), envelope, content.Length, content, null);
        await _queue!.AddAsync(message, TestContext.Current.CancellationToken);
        return message.Id;
    }

    static RecipientOutcome.Deferred Deferred(DeliveryAttempt attempt) =>
        Assert.IsType<RecipientOutcome.Deferred>(Assert.Single(attempt.Recipients).Outcome);
}
