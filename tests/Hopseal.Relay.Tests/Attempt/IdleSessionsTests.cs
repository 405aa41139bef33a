using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>Sessions that are kept from one attempt for the next.</summary>
public sealed class IdleSessionsTests : IAsyncDisposable
{
    const SecurityFloor Floor = SecurityFloor.Encrypted;

    readonly LocalAuthority _authority = LocalAuthority.Create("scripted", TimeProvider.System);
    readonly X509Certificate2 _certificate;
    readonly RecordingSink _sink = new();
    readonly FakeTimeProvider _clock = new(Samples.Noon);
    SessionReuse _reuse = new();
    Deliverer? _deliverer;

    public IdleSessionsTests() => _certificate = _authority.Issue("mx.example.org");

    Deliverer Deliverer => _deliverer ??= new Deliverer(
        new DelivererOptions
        {
            Client = new ClientOptions { Hostname = "gw.example.net", Clock = _clock },
            Verify = _ => _ => new PeerVerdict(PeerIdentity.Pkix, []),
            Credentials = new ClientCredentials("gw", "secret"),
            Reuse = _reuse,
        },
        _sink,
        NullLogger<Deliverer>.Instance);

    public async ValueTask DisposeAsync()
    {
        await Deliverer.DisposeAsync();
        _certificate.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task Messages_that_ask_for_the_same_go_over_one_session_which_is_recorded_once()
    {
        await using var server = Server(new Script(Starttls.Works));

        List<SessionUse> uses = [];
        for (var i = 0; i < 20; i++)
        {
            var attempt = await DeliverAsync(Samples.Host(Floor, port: server.Port));
            Delivered(attempt);
            uses.Add(Assert.Single(attempt.Sessions));
        }

        Assert.Empty(_sink.Sessions);
        await Deliverer.DisposeAsync();
        var record = await _sink.NextOutboundAsync();
        Assert.Single(_sink.Sessions);
        Assert.Equal(IPAddress.Loopback, record.Local);
        Assert.Equal((20, 20, 20, 0), (record.Attempts, record.Transactions, record.Delivered, record.Deferred));
        Assert.Single(server.Sessions);
        Assert.Equal(20, server.MailsBegun);
        Assert.DoesNotContain("tls:RSET", server.Commands);
        Assert.Equal("tls:QUIT", server.Commands.Last());
        Assert.Equal(Enumerable.Range(0, 20), uses.Select(use => use.Earlier));
        Assert.All(uses, use => Assert.Equal(
            (record.SessionId, record.Peer, PeerIdentity.Pkix, 1, 1),
            (use.SessionId, use.Peer, ((TlsOutcome.Encrypted)use.Tls!).Identity, use.Transactions, use.Delivered)));
    }

    [Theory]
    [InlineData(SecurityFloor.Encrypted, SecurityFloor.Authenticated)]
    [InlineData(SecurityFloor.Authenticated, SecurityFloor.Encrypted)]
    [InlineData(SecurityFloor.Plaintext, SecurityFloor.Encrypted)]
    public async Task A_session_cleared_for_one_demand_is_never_used_for_another(SecurityFloor first, SecurityFloor second)
    {
        await using var server = Server(new Script(Starttls.Works));

        Delivered(await DeliverAsync(Samples.Host(first, port: server.Port)));
        var other = await DeliverAsync(Samples.Host(second, port: server.Port));

        Delivered(other);
        Assert.Equal(0, Assert.Single(other.Sessions).Earlier);
        Assert.Equal(2, server.Sessions.Count);
    }

    [Fact]
    public async Task Credentials_are_part_of_the_demand()
    {
        await using var server = Server(new Script(Starttls.Works) { Extensions = ["AUTH PLAIN"], Answers = { ["AUTH PLAIN"] = "235 2.7.0 welcome" } });
        var host = Samples.Host(Floor, port: server.Port);

        Delivered(await DeliverAsync(host));
        Delivered(await DeliverAsync(new DeliveryPlan.Relay([host], Credentials: true)));
        Delivered(await DeliverAsync(host));
        Delivered(await DeliverAsync(new DeliveryPlan.Relay([host], Credentials: true)));

        Assert.Equal([2, 2], server.Sessions.Select(session => session.Commands.Count(command => command.StartsWith("tls:MAIL", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_plaintext_session_is_not_kept_because_the_next_one_may_get_TLS()
    {
        await using var server = Server(new Script(), new Script(Starttls.Works));

        Delivered(await DeliverAsync(Samples.Host(port: server.Port)));
        var next = await DeliverAsync(Samples.Host(port: server.Port));

        Assert.IsType<TlsOutcome.Encrypted>(Assert.Single(next.Sessions).Tls);
        Assert.Equal("QUIT", server.Sessions.First().Commands.Last());
    }

    [Theory]
    [InlineData("421 4.4.2 idle for too long")]
    [InlineData("250 2.0.0 for your next message")]
    [InlineData("x")]
    [InlineData(Script.Close)]
    public async Task What_the_peer_says_while_idle_ends_the_session_and_answers_nothing(string said)
    {
        await using var server = Server(
            new Script(Starttls.Works) { WhenIdle = said }, new Script(Starttls.Works) { Answers = { ["RCPT"] = "550 5.1.1 nobody" } });

        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        server.Speak();
        var record = await _sink.NextOutboundAsync();
        var next = await DeliverAsync(Samples.Host(Floor, port: server.Port));

        Assert.Equal((1, 1, null), (record.Attempts, record.Delivered, record.Fault));
        Assert.IsType<RecipientOutcome.Bounced>(Assert.Single(next.Recipients).Outcome);
        Assert.Equal(0, Assert.Single(next.Sessions).Earlier);
        Assert.DoesNotContain("tls:QUIT", server.Sessions.First().Commands);
    }

    [Theory]
    [InlineData("MAIL", Script.Close)]
    [InlineData("MAIL", "421 4.7.0 too many messages in this session")]
    [InlineData("MAIL", "452 4.5.3 too many messages in this session")]
    [InlineData("MAIL", "503 5.5.1 nested MAIL")]
    [InlineData("MAIL", "no reply at all")]
    public async Task A_kept_session_that_does_not_take_MAIL_is_followed_by_a_new_connection_at_once(string command, string answer)
    {
        await using var server = Server(new Script(Starttls.Works) { LaterAnswers = { [command] = answer } });

        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        var next = await DeliverAsync(Samples.Host(Floor, port: server.Port));

        Delivered(next);
        Assert.Equal([(1, 0, SmtpPhase.MailFrom), (0, 1, null)], next.Sessions.Select(use => (use.Earlier, use.Delivered, use.Fault?.Phase)));
        Assert.Equal(2, server.Sessions.Count);
        var ended = await _sink.NextOutboundAsync();
        Assert.Equal((2, 2, 1, 1), (ended.Attempts, ended.Transactions, ended.Delivered, ended.Deferred));
    }

    [Theory]
    [InlineData("RCPT", Script.Close)]
    [InlineData("RCPT", "421 4.3.2 closing")]
    [InlineData("DATA", Script.Close)]
    [InlineData(".", Script.Close)]
    [InlineData(".", "421 4.3.2 closing")]
    public async Task What_breaks_after_MAIL_counts_as_in_a_new_session(string command, string answer)
    {
        await using var server = Server(new Script(Starttls.Works) { LaterAnswers = { [command] = answer } });

        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        var next = await DeliverAsync(Samples.Host(Floor, port: server.Port));

        Assert.Equal(4, Samples.Deferred(next).Status.Class);
        Assert.Equal(answer == Script.Close && command == "." ? 1 : 0, Assert.Single(next.Sessions).MayBeDelivered);
        Assert.Single(server.Sessions);
    }

    [Fact]
    public async Task A_session_is_reset_only_where_the_last_transaction_did_not_end_by_itself()
    {
        await using var server = Server(new Script(Starttls.Works) { Answers = { ["RCPT TO:<gone@"] = "550 5.1.1 nobody" } });
        var host = Samples.Host(Floor, port: server.Port);

        Delivered(await DeliverAsync(host));
        await Deliverer.DeliverAsync(Samples.Lease("gone@example.org"), new DeliveryPlan.Relay([host]), Samples.Open, TestContext.Current.CancellationToken);
        Delivered(await DeliverAsync(host));

        var verbs = Assert.Single(server.Sessions).Commands.Select(command => command.Split(' ')[0]).SkipWhile(verb => verb != "tls:MAIL");
        Assert.Equal(
            ["tls:MAIL", "tls:RCPT", "tls:DATA", "tls:MAIL", "tls:RCPT", "tls:DATA", "tls:RSET", "tls:MAIL", "tls:RCPT", "tls:DATA"], verbs);
    }

    [Theory]
    [InlineData("MAIL", "550 5.7.1 not from you")]
    [InlineData("MAIL", "451 4.7.1 later")]
    [InlineData("RCPT", "450 4.7.1 greylisted")]
    [InlineData("DATA", "451 4.3.0 later")]
    [InlineData(".", "554 5.7.1 spam")]
    [InlineData(".", "451 4.3.0 later")]
    public async Task A_session_in_which_the_peer_refused_more_than_a_recipient_is_not_kept(string command, string answer)
    {
        await using var server = Server(new Script(Starttls.Works) { Answers = { [command] = answer } });

        await DeliverAsync(Samples.Host(Floor, port: server.Port));

        Assert.Equal(1, (await _sink.NextOutboundAsync()).Attempts);
        Assert.Equal("tls:QUIT", server.Commands.Last());
    }

    [Fact]
    public async Task An_idle_session_is_closed_when_its_time_is_over()
    {
        await using var server = Server(new Script(Starttls.Works));

        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        _clock.Advance(_reuse.IdleTime - TimeSpan.FromSeconds(1));
        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        Assert.Empty(_sink.Sessions);
        _clock.Advance(_reuse.IdleTime);

        Assert.Equal((2, 2), ((await _sink.NextOutboundAsync()).Attempts, server.MailsBegun));
        Assert.Equal("tls:QUIT", server.Commands.Last());
    }

    [Fact]
    public async Task An_old_session_ends_although_it_is_used()
    {
        _reuse = new SessionReuse { LifeTime = TimeSpan.FromSeconds(10) };
        await using var server = Server(new Script(Starttls.Works));

        for (var i = 0; i < 6; i++)
        {
            Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
            _clock.Advance(TimeSpan.FromSeconds(4));
        }

        Assert.Equal((3, 3), ((await _sink.NextOutboundAsync()).Attempts, await LastAttemptsAsync()));
    }

    [Fact]
    public async Task A_session_ends_after_so_many_transactions()
    {
        _reuse = new SessionReuse { MaxTransactions = 2 };
        await using var server = Server(new Script(Starttls.Works));

        for (var i = 0; i < 3; i++)
        {
            Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        }

        Assert.Equal((2, 1), ((await _sink.NextOutboundAsync()).Attempts, await LastAttemptsAsync()));
    }

    [Theory]
    [InlineData(1, 10, 1)]
    [InlineData(10, 1, 1)]
    [InlineData(2, 2, 0)]
    public async Task An_idle_session_makes_room_for_one_that_is_opened(int maxOpen, int maxOpenPerDestination, int closed)
    {
        _reuse = new SessionReuse { MaxOpen = maxOpen, MaxOpenPerDestination = maxOpenPerDestination };
        await using var first = Server(new Script(Starttls.Works));
        await using var second = Server(new Script(Starttls.Works));

        Delivered(await DeliverAsync(Samples.Host(Floor, port: first.Port)));
        Delivered(await DeliverAsync(Samples.Host(Floor, port: second.Port)));
        Delivered(await DeliverAsync(Samples.Host(Floor, port: second.Port)));

        Assert.Equal((1, 1), (first.Sessions.Count, second.Sessions.Count));
        if (closed > 0)
        {
            Assert.Equal(first.Port, (await _sink.NextOutboundAsync()).Peer.Port);
        }

        Assert.Equal(closed, _sink.Sessions.Count);
    }

    [Fact]
    public async Task Other_destinations_have_room_of_their_own()
    {
        _reuse = new SessionReuse { MaxOpenPerDestination = 1, DestinationOf = domain => domain == "example.org" ? "one" : "other" };
        await using var first = Server(new Script(Starttls.Works));
        await using var second = Server(new Script(Starttls.Works));

        Delivered(await DeliverAsync(Samples.Host(Floor, port: first.Port)));
        await Deliverer.DeliverAsync(
            Samples.Lease() with { Domain = "example.net" },
            new DeliveryPlan.Relay([Samples.Host(Floor, port: second.Port)]),
            Samples.Open,
            TestContext.Current.CancellationToken);
        Delivered(await DeliverAsync(Samples.Host(Floor, port: first.Port)));

        Assert.Empty(_sink.Sessions);
        Assert.Single(first.Sessions);
    }

    [Fact]
    public async Task Many_attempts_at_once_share_no_session_and_leave_as_many_as_there_were_at_once()
    {
        const int Lanes = 8;
        await using var server = Server(new Script(Starttls.Works));
        var host = Samples.Host(Floor, port: server.Port);

        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(async _ =>
        {
            for (var i = 0; i < 25; i++)
            {
                Delivered(await DeliverAsync(host));
            }
        }));
        await Deliverer.DisposeAsync();

        Assert.InRange(server.Sessions.Count, 1, Lanes);
        Assert.Equal(Lanes * 25, server.MailsBegun);
        Assert.Equal(server.Sessions.Count, _sink.Sessions.Count);
        Assert.Equal(Lanes * 25, _sink.Sessions.Cast<SessionRecord.Outbound>().Sum(session => session.Delivered));
    }

    [Fact]
    public async Task What_comes_back_after_the_stop_is_closed()
    {
        await using var server = Server(new Script(Starttls.Works));
        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));
        await Deliverer.DisposeAsync();

        Delivered(await DeliverAsync(Samples.Host(Floor, port: server.Port)));

        Assert.Equal((1, 1), ((await _sink.NextOutboundAsync()).Attempts, (await _sink.NextOutboundAsync()).Attempts));
        Assert.Equal("tls:QUIT", server.Commands.Last());
    }

    async Task<int> LastAttemptsAsync()
    {
        await Deliverer.DisposeAsync();
        return (await _sink.NextOutboundAsync()).Attempts;
    }

    Task<DeliveryAttempt> DeliverAsync(params HostPlan[] hosts) => DeliverAsync(new DeliveryPlan.Relay([.. hosts]));

    Task<DeliveryAttempt> DeliverAsync(DeliveryPlan.Relay plan) =>
        Deliverer.DeliverAsync(Samples.Lease(), plan, Samples.Open, TestContext.Current.CancellationToken);

    ScriptedServer Server(params Script[] scripts) => new(_certificate, scripts);

    static void Delivered(DeliveryAttempt attempt) =>
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
}
