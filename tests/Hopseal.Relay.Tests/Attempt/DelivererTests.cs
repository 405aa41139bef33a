using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;
using static Hopseal.Relay.Tests.Attempt.Samples;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class DelivererTests : IDisposable
{
    static readonly PeerVerdict s_trusted = new(PeerIdentity.Pkix, []);

    static readonly PeerVerdict s_untrusted = new(
        PeerIdentity.Unauthenticated, [new TlsFailure(TlsResultType.CertificateNotTrusted, "untrusted-root")]);

    readonly LocalAuthority _authority = LocalAuthority.Create("scripted", TimeProvider.System);
    readonly X509Certificate2 _certificate;
    readonly RecordingSink _sink = new();
    readonly RecordingLog<Deliverer> _log = new();
    readonly List<HostPlan> _proven = [];
    Func<PlannedHost, TransportPolicy.ProvenTls?>? _lastProven;
    PeerVerdict _verdict = s_trusted;

    public DelivererTests() => _certificate = _authority.Issue("mx.example.org");

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task A_message_goes_to_the_first_host_that_takes_it()
    {
        await using var server = Server(new Script(Starttls.Works));

        var attempt = await DeliverAsync(Samples.Lease(), Host(server, SecurityFloor.Authenticated), Host(server));

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        var session = Assert.Single(server.Sessions);
        Assert.Equal("Subject: hello\r\nMessage-ID: <one@example.net>\r\n\r\nbody\r\n", session.Content.ToString());
        Assert.Contains("tls:MAIL FROM:<sender@example.net>", session.Commands.Select(command => command.Split(" BODY")[0].Split(" SIZE")[0]));
        var use = Assert.Single(attempt.Sessions);
        Assert.Equal((0, 1, 1, 0, 0), (use.Earlier, use.Transactions, use.Delivered, use.Deferred, use.Bounced));
        Assert.Equal(PeerIdentity.Pkix, Assert.IsType<TlsOutcome.Encrypted>(use.Tls).Identity);
        Assert.Null(use.Fault);
        var record = Assert.IsType<SessionRecord.Outbound>(Assert.Single(_sink.Sessions));
        Assert.Equal((use.SessionId, use.Plan, use.Tls), (record.SessionId, record.Plan, record.Tls));
        Assert.Equal((1, 1, 1, 0, 0), (record.Attempts, record.Transactions, record.Delivered, record.Deferred, record.Bounced));
        Assert.Single(_proven);
    }

    [Theory]
    [InlineData(SecurityFloor.Encrypted)]
    [InlineData(SecurityFloor.Authenticated)]
    public async Task Below_its_floor_no_mail_is_begun_and_the_next_host_gets_it(SecurityFloor floor)
    {
        await using var plain = Server(new Script());
        await using var secure = Server(new Script(Starttls.Works));

        var attempt = await DeliverAsync(Samples.Lease(), Host(plain, floor), Host(secure, floor));

        Assert.Equal((0, 1), (plain.MailsBegun, secure.MailsBegun));
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        Assert.IsType<TlsOutcome.Refused>(attempt.Sessions[0].Tls);
        Assert.Equal((0, 1, 0), (attempt.Sessions[0].Delivered, attempt.Sessions[0].Deferred, attempt.Sessions[0].Bounced));
    }

    [Fact]
    public async Task An_untrusted_certificate_defers_where_authentication_is_required()
    {
        _verdict = s_untrusted;
        await using var server = Server(new Script(Starttls.Works));

        var required = await DeliverAsync(Samples.Lease(), Host(server, SecurityFloor.Authenticated));
        var enough = await DeliverAsync(Samples.Lease(), Host(server, SecurityFloor.Encrypted));

        var deferred = Deferred(required);
        Assert.Equal("4.7.5", deferred.Status.ToString());
        Assert.Contains("not from an authority we trust", deferred.Reason, StringComparison.Ordinal);
        Assert.False(required.TlsFailed);
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(enough.Recipients).Outcome);
        Assert.Equal(1, server.MailsBegun);
    }

    [Fact]
    public async Task A_failed_handshake_defers_the_first_time_and_nothing_goes_in_plaintext()
    {
        await using var server = Server(new Script(Starttls.Broken));

        var attempt = await DeliverAsync(Samples.Lease(), Host(server));

        Assert.Equal("4.7.5", Deferred(attempt).Status.ToString());
        Assert.True(attempt.TlsFailed);
        Assert.Single(server.Sessions);
        Assert.Equal(0, server.MailsBegun);
        Assert.Empty(_proven);
    }

    [Fact]
    public async Task A_failed_handshake_is_followed_by_plaintext_the_second_time_and_both_are_recorded()
    {
        await using var server = Server(new Script(Starttls.Broken));

        var attempt = await DeliverAsync(Samples.Lease() with { EarlierTlsFailure = true, AttemptNumber = 2 }, Host(server));

        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        Assert.Equal(2, server.Sessions.Count);
        Assert.Equal(1, server.MailsBegun);
        Assert.Equal([TlsStart.StartTls, TlsStart.None], attempt.Sessions.Select(session => session.Start));
        Assert.IsType<TlsOutcome.Refused>(attempt.Sessions[0].Tls);
        Assert.IsType<TlsOutcome.Plaintext>(attempt.Sessions[1].Tls);
        Assert.Empty(_proven);
    }

    [Fact]
    public async Task A_host_that_has_just_proved_TLS_gets_no_plaintext_in_the_same_attempt()
    {
        await using var busy = Server(new Script(Starttls.Works) { Answers = { ["MAIL"] = "421 4.3.2 busy" } });
        await using var stripped = Server(new Script());
        _lastProven = _ => _proven.Count > 0 ? new TransportPolicy.ProvenTls(DateTimeOffset.UnixEpoch) : null;

        var attempt = await DeliverAsync(Samples.Lease(), Host(busy), Host(stripped));

        Assert.Equal(4, Deferred(attempt).Status.Class);
        Assert.Equal(0, stripped.MailsBegun);
        Assert.Equal([SecurityFloor.Plaintext, SecurityFloor.Encrypted], attempt.Sessions.Select(session => session.Plan.Floor));
    }

    [Fact]
    public async Task What_another_attempt_proved_meanwhile_forbids_the_plaintext_after_a_failed_handshake()
    {
        await using var server = Server(new Script(Starttls.Broken));
        var asked = 0;
        _lastProven = _ => asked++ == 0 ? null : new TransportPolicy.ProvenTls(DateTimeOffset.UnixEpoch);

        var attempt = await DeliverAsync(Samples.Lease() with { EarlierTlsFailure = true }, Host(server));

        Assert.Equal(4, Deferred(attempt).Status.Class);
        Assert.Single(attempt.Sessions);
        Assert.Equal(0, server.MailsBegun);
    }

    [Theory]
    [InlineData(SecurityFloor.Encrypted, TlsStart.StartTls)]
    [InlineData(SecurityFloor.Encrypted, TlsStart.Implicit)]
    public async Task Where_encryption_is_required_a_failed_handshake_never_leads_to_plaintext(SecurityFloor floor, TlsStart start)
    {
        await using var server = Server(new Script(Starttls.Broken));

        var attempt = await DeliverAsync(
            Samples.Lease() with { EarlierTlsFailure = true }, Samples.Host(floor, port: server.Port, start: start));

        Assert.Equal(4, Deferred(attempt).Status.Class);
        Assert.Single(server.Sessions);
        Assert.Equal(0, server.MailsBegun);
        Assert.False(attempt.TlsFailed);
    }

    [Fact]
    public async Task An_injection_is_recorded_as_such_and_the_next_host_gets_the_mail()
    {
        await using var attacked = Server(new Script(Starttls.Injected));
        await using var sound = Server(new Script(Starttls.Works));

        var attempt = await DeliverAsync(Samples.Lease() with { EarlierTlsFailure = true }, Host(attacked), Host(sound));

        Assert.Equal(FaultKind.InjectedPlaintext, attempt.Sessions[0].Fault?.Kind);
        Assert.Equal((0, 1), (attacked.MailsBegun, sound.MailsBegun));
        Assert.Single(attacked.Sessions);
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
    }

    [Theory]
    [InlineData("greeting", "421 4.3.2 closing")]
    [InlineData("EHLO", "421 busy")]
    [InlineData("MAIL", "450 4.7.1 greylisted")]
    [InlineData("MAIL", "421 closing")]
    [InlineData("RCPT", "421 closing")]
    [InlineData("DATA", Script.Close)]
    public async Task A_session_that_fails_as_a_whole_is_followed_by_the_next_host(string where, string reply)
    {
        var script = where == "greeting" ? new Script { Greeting = reply } : new Script { Answers = { [where] = reply } };
        await using var failing = Server(script);
        await using var working = Server(new Script());

        var attempt = await DeliverAsync(Samples.Lease("a@example.org", "b@example.org"), Host(failing), Host(working));

        Assert.All(attempt.Recipients, recipient => Assert.IsType<RecipientOutcome.Delivered>(recipient.Outcome));
        Assert.Equal(2, attempt.Sessions.Length);
        Assert.Equal((0, 2, 0), (attempt.Sessions[0].Delivered, attempt.Sessions[0].Deferred, attempt.Sessions[0].Bounced));
    }

    [Fact]
    public async Task A_session_says_which_recipients_it_settled()
    {
        await using var server = Server(new Script { Answers = { ["RCPT TO:<b@example.org>"] = "550 5.1.1 nobody" } });

        var attempt = await DeliverAsync(Samples.Lease("a@example.org", "b@example.org", "c@example.org"), Host(server));

        var use = Assert.Single(attempt.Sessions);
        Assert.Equal([0, 2], use.DeliveredPlaces);
        Assert.Equal([1], use.BouncedPlaces);
    }

    [Fact]
    public async Task A_refused_sender_bounces_without_asking_another_host()
    {
        await using var server = Server(new Script { Answers = { ["MAIL"] = "550 5.7.1 not from you" } });

        var attempt = await DeliverAsync(Samples.Lease(), Host(server), Host(server));

        var bounced = Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(attempt.Recipients).Outcome);
        Assert.Equal(("5.7.1", "mx.example.org", 550), (bounced.Status.ToString(), bounced.Remote!.Host, bounced.Remote.Reply!.Code));
        Assert.Single(server.Sessions);
    }

    [Fact]
    public async Task Hosts_that_all_refuse_our_hello_bounce_the_mail_and_one_that_is_down_saves_it()
    {
        await using var server = Server(new Script { Answers = { ["EHLO"] = "550 5.7.1 no", ["HELO"] = "550 5.7.1 no" } });

        var everyone = await DeliverAsync(Samples.Lease(), Host(server), Host(server));
        var notAll = await DeliverAsync(Samples.Lease(), Samples.Down(), Host(server));

        Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(everyone.Recipients).Outcome);
        Assert.Equal("4.4.1", Deferred(notAll).Status.ToString());
    }

    [Fact]
    public async Task A_connection_lost_after_the_final_dot_is_not_repeated_at_once()
    {
        await using var server = Server(new Script { Answers = { ["."] = Script.Close } });

        var attempt = await DeliverAsync(Samples.Lease("a@example.org", "b@example.org"), Host(server), Host(server));

        Assert.Single(server.Sessions);
        Assert.Equal(2, Assert.Single(attempt.Sessions).MayBeDelivered);
        Assert.All(attempt.Recipients, recipient => Assert.IsType<RecipientOutcome.Deferred>(recipient.Outcome));
    }

    [Fact]
    public async Task The_next_address_of_a_host_is_tried()
    {
        await using var server = Server(new Script());
        var host = Samples.Host(port: server.Port, addresses: [IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]);

        var attempt = await DeliverAsync(Samples.Lease(), host);

        Assert.Equal(["127.0.0.2", "127.0.0.1"], attempt.Sessions.Select(session => session.Peer.Address.ToString()));
        Assert.Equal(FaultKind.Unreachable, attempt.Sessions[0].Fault?.Kind);
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
    }

    [Fact]
    public async Task A_host_without_an_address_is_skipped_and_may_still_be_the_reason()
    {
        var unknown = Samples.Host() with { Host = Samples.Host().Host with { Addresses = [], AddressFailure = "SERVFAIL" } };

        var attempt = await DeliverAsync(Samples.Lease(), unknown);

        Assert.Empty(attempt.Sessions);
        Assert.Contains("SERVFAIL", Deferred(attempt).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_attempt_tries_a_bounded_number_of_hosts_and_addresses()
    {
        IPAddress[] many = [.. Enumerable.Range(2, 20).Select(i => IPAddress.Parse($"127.0.0.{i}"))];
        var down = Samples.Host(port: Samples.Down().Host.Port, addresses: many);

        var addresses = await DeliverAsync(Samples.Lease(), down);
        var hosts = await DeliverAsync(Samples.Lease(), [.. Enumerable.Repeat(Samples.Down(), 20)]);

        Assert.Equal((10, 5), (addresses.Sessions.Length, hosts.Sessions.Length));
        Assert.Equal("4.4.1", Deferred(addresses).Status.ToString());
    }

    [Fact]
    public async Task More_recipients_than_one_transaction_takes_go_in_several_over_one_connection()
    {
        await using var server = Server(new Script());
        var lease = Samples.Lease([.. Enumerable.Range(0, 250).Select(i => $"bob{i}@example.org")]);

        var attempt = await DeliverAsync(lease, Host(server));

        Assert.All(attempt.Recipients, recipient => Assert.IsType<RecipientOutcome.Delivered>(recipient.Outcome));
        Assert.Single(server.Sessions);
        Assert.Equal(3, server.MailsBegun);
        Assert.Equal(250, Assert.Single(attempt.Sessions).Delivered);
    }

    [Fact]
    public async Task What_one_transaction_delivered_stays_delivered_when_the_next_one_breaks()
    {
        await using var server = Server(new Script { Answers = { ["RCPT TO:<bob150@"] = Script.Close } });
        var lease = Samples.Lease([.. Enumerable.Range(0, 250).Select(i => $"bob{i}@example.org")]);

        var attempt = await DeliverAsync(lease, Host(server));

        Assert.All(attempt.Recipients.Take(100), recipient => Assert.IsType<RecipientOutcome.Delivered>(recipient.Outcome));
        Assert.All(attempt.Recipients.Skip(100), recipient => Assert.IsType<RecipientOutcome.Deferred>(recipient.Outcome));
    }

    [Fact]
    public async Task Content_that_cannot_be_read_defers_and_leaves_a_record()
    {
        await using var server = Server(new Script());

        var attempt = await Deliverer().DeliverAsync(
            Samples.Lease(), new DeliveryPlan.Relay([Host(server), Host(server)]), _ => throw new QueueStoreException("gone"), TestContext.Current.CancellationToken);

        Assert.Equal("4.3.0", Deferred(attempt).Status.ToString());
        Assert.NotNull(Assert.Single(attempt.Sessions).Fault);
        Assert.Equal(LogLevel.Error, Assert.Single(_log.Lines).Level);
    }

    [Fact]
    public async Task An_attempt_that_is_broken_off_defers_and_leaves_a_record()
    {
        using var breakOff = new CancellationTokenSource();
        await using var server = Server(new Script(Starttls.Works));
        var plan = new DeliveryPlan.Relay([Host(server), Host(server)]);

        var attempt = await Deliverer().DeliverAsync(
            Samples.Lease(),
            plan,
            async cancel =>
            {
                await breakOff.CancelAsync();
                cancel.ThrowIfCancellationRequested();
                return Stream.Null;
            },
            breakOff.Token);

        Assert.Equal("4.3.2", Deferred(attempt).Status.ToString());
        Assert.NotNull(Assert.Single(attempt.Sessions).Fault);
        Assert.Single(_sink.Sessions);
    }

    [Fact]
    public async Task Credentials_are_sent_only_where_the_plan_says_so()
    {
        await using var server = Server(new Script(Starttls.Works)
        {
            Extensions = ["AUTH PLAIN"],
            Answers = { ["AUTH PLAIN"] = "235 2.7.0 welcome" },
        });
        var host = Host(server, SecurityFloor.Encrypted);

        await Deliverer().DeliverAsync(Samples.Lease(), new DeliveryPlan.Relay([host]), Samples.Open, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(server.Commands, command => command.Contains("AUTH", StringComparison.Ordinal));
        await Deliverer().DeliverAsync(Samples.Lease(), new DeliveryPlan.Relay([host], Credentials: true), Samples.Open, TestContext.Current.CancellationToken);
        Assert.Contains(server.Commands, command => command.StartsWith("tls:AUTH PLAIN", StringComparison.Ordinal));
        Assert.All(_sink.Sessions.Cast<SessionRecord.Outbound>(), session =>
            Assert.DoesNotContain(session.Transcript!.Lines, line => line.Text.Contains("secret", StringComparison.Ordinal) || line.Text.Contains("AGd3AHNlY3JldA", StringComparison.Ordinal)));
    }

    Task<DeliveryAttempt> DeliverAsync(QueueLease lease, params HostPlan[] hosts) =>
        Deliverer().DeliverAsync(lease, new DeliveryPlan.Relay([.. hosts]), Samples.Open, TestContext.Current.CancellationToken);

    Deliverer Deliverer() => new(
        new DelivererOptions
        {
            Client = new ClientOptions
            {
                Hostname = "gw.example.net",
                GreetingTimeout = TimeSpan.FromSeconds(20),
                HandshakeTimeout = TimeSpan.FromSeconds(20),
                CommandTimeout = TimeSpan.FromSeconds(20),
                FinalTimeout = TimeSpan.FromSeconds(20),
            },
            Verify = _ => _ => _verdict,
            Credentials = new ClientCredentials("gw", "secret"),
            Proven = (host, _) => _proven.Add(host),
            LastProven = _lastProven,
        },
        _sink,
        _log);

    ScriptedServer Server(Script script) => new(_certificate, script);

    static HostPlan Host(ScriptedServer server, SecurityFloor floor = SecurityFloor.Plaintext) => Samples.Host(floor, port: server.Port);
}
