using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tests.Tls;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;
using static Hopseal.Smtp.Tests.Client.ClientScripts;

namespace Hopseal.Smtp.Tests.Client;

public sealed class SmtpClientConnectionTests : IDisposable
{
    const string StartTls = "S: 220 mx.test ESMTP\nC: EHLO client.test\nS: 250-mx.test\nS: 250 STARTTLS\nC: STARTTLS\n";

    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);

    public void Dispose() => _authority.Dispose();

    ServerCertificates Certificates(string name = "mx.test") => ServerCertificates.FromCertificates([_authority.Issue(name)]);

    TlsDemand Demand(SecurityFloor floor, TlsStart start = TlsStart.StartTls) => Demands.Pkix(_authority, floor, start: start);

    static async Task<Clearance> OpenAsync(ScriptedServer server, TlsDemand demand, ClientOptions? options = null) =>
        await SmtpClientConnection.OpenAsync(server.Address, demand, options ?? Options(), Cancel);

    static string CodeOf(Clearance clearance) =>
        Assert.Single(Assert.IsType<Clearance.Denied>(clearance).Tls.Failures).ReasonCode;

    [Fact]
    public async Task Starttls_ends_in_a_channel_with_the_capabilities_from_inside_tls()
    {
        await using var server = new ScriptedServer(
            StartTls + """
            S: 220 2.0.0 go ahead
            !tls
            C: EHLO client.test
            S: 250-mx.test
            S: 250-PIPELINING
            S: 250-SIZE 1000
            S: 250 CHUNKING
            C: QUIT
            S: 221 bye
            !gone
            """,
            Certificates());
        var options = Options();
        var granted = Assert.IsType<Clearance.Granted>(await OpenAsync(server, Demand(SecurityFloor.Authenticated), options));

        var tls = Assert.IsType<TlsOutcome.Encrypted>(granted.Tls);
        Assert.Equal(PeerIdentity.Pkix, tls.Identity);
        Assert.True(granted.Channel.Usable);
        Assert.False(granted.Channel.Capabilities.StartTls);
        Assert.Equal(1000, granted.Channel.Capabilities.MaxSize);
        await granted.Channel.DisposeAsync();
        await server.Done;
        Assert.Equal(StreamEnd.Closed, server.ClientEnd); // close_notify came before FIN
        Assert.Equal("mx.test", server.Tls!.ServerName);
        Assert.Contains(options.Transcript!.Lines, line => line.Speaker is Speaker.Event && line.Text.StartsWith("TLSv1.3 TLS_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Implicit_tls_handshakes_before_the_greeting()
    {
        await using var server = new ScriptedServer("!tls\n" + After("SIZE", "C: QUIT\nS: 221 bye\n!gone"), Certificates());
        var granted = Assert.IsType<Clearance.Granted>(await OpenAsync(server, Demand(SecurityFloor.Authenticated, TlsStart.Implicit)));
        Assert.IsType<TlsOutcome.Encrypted>(granted.Tls);
        await granted.Channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData(SecurityFloor.Plaintext, true)]
    [InlineData(SecurityFloor.Encrypted, false)]
    [InlineData(SecurityFloor.Authenticated, false)]
    public async Task Without_an_offer_of_starttls_the_floor_decides(SecurityFloor floor, bool granted)
    {
        await using var server = new ScriptedServer(After("SIZE,PIPELINING", "C: QUIT\nS: 221 bye\n!gone"));
        var clearance = await OpenAsync(server, Demand(floor));
        if (granted)
        {
            var channel = Assert.IsType<Clearance.Granted>(clearance);
            var reason = Assert.IsType<TlsOutcome.Plaintext>(channel.Tls).Reason;
            Assert.Equal(new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered", reason.Detail), reason);
            await channel.Channel.DisposeAsync();
        }
        else
        {
            Assert.Equal("starttls-not-offered", CodeOf(clearance));
        }

        await server.Done;
    }

    [Theory]
    [InlineData(SecurityFloor.Plaintext, "454 4.7.0 not now")]
    [InlineData(SecurityFloor.Authenticated, "454 4.7.0 not now")]
    [InlineData(SecurityFloor.Plaintext, "502 5.5.1 what?")]
    public async Task Starttls_offered_and_refused_is_denied_under_every_floor(SecurityFloor floor, string reply)
    {
        await using var server = new ScriptedServer(StartTls + $"S: {reply}\nC: QUIT\nS: 221 bye\n!gone");
        Assert.Equal("starttls-refused", CodeOf(await OpenAsync(server, Demand(floor))));
        await server.Done;
    }

    [Theory]
    [InlineData(SecurityFloor.Plaintext)]
    [InlineData(SecurityFloor.Encrypted)]
    public async Task A_failed_handshake_is_denied_under_every_floor(SecurityFloor floor)
    {
        await using var server = new ScriptedServer(StartTls + "S: 220 go\n!octets 5\n!raw HTTP/1.1 400 Bad Request\\r\\n\\r\\n\n!gone");
        Assert.Equal("peer-spoke-plaintext", CodeOf(await OpenAsync(server, Demand(floor))));
    }

    [Theory]
    [InlineData("other.test", SecurityFloor.Encrypted, true)]
    [InlineData("other.test", SecurityFloor.Authenticated, false)]
    [InlineData("mx.test", SecurityFloor.Authenticated, true)]
    public async Task A_wrong_name_matters_where_the_floor_is_authenticated(string name, SecurityFloor floor, bool granted)
    {
        await using var server = new ScriptedServer(StartTls + "S: 220 go\n!tls\n" + "C: EHLO client.test\nS: 250 mx.test\n!gone", Certificates(name));
        var clearance = await OpenAsync(server, Demand(floor));
        Assert.Equal(granted, clearance is Clearance.Granted);
        if (clearance is Clearance.Granted { Channel: var channel, Tls: TlsOutcome.Encrypted tls })
        {
            Assert.Equal(name == "mx.test", tls.Tolerated.IsEmpty);
            await channel.DisposeAsync();
        }
        else
        {
            Assert.Equal("name-mismatch", CodeOf(clearance));
        }
    }

    [Fact]
    public async Task An_expired_certificate_is_denied_where_the_floor_is_authenticated()
    {
        var then = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddYears(-3));
        using var old = LocalAuthority.Create("old root", then);
        await using var server = new ScriptedServer(StartTls + "S: 220 go\n!tls\n!gone", ServerCertificates.FromCertificates([old.Issue("mx.test")]));
        var denied = Assert.IsType<Clearance.Denied>(await OpenAsync(server, Demands.Pkix(old, SecurityFloor.Authenticated)));
        Assert.Equal(TlsResultType.CertificateExpired, Assert.Single(denied.Tls.Failures).Type);
    }

    [Theory]
    [InlineData("250 2.0.0 fake\\r\\n")]
    [InlineData("X")]
    public async Task Plaintext_behind_the_reply_to_starttls_ends_the_session_as_an_attack(string injected)
    {
        await using var server = new ScriptedServer(StartTls + $"!raw 220 go\\r\\n{injected}\n!gone", Certificates());
        var unavailable = Assert.IsType<Clearance.Unavailable>(await OpenAsync(server, Demand(SecurityFloor.Plaintext)));
        Assert.Equal(FaultKind.InjectedPlaintext, unavailable.Fault.Kind);
        Assert.Equal(220, unavailable.Fault.Reply!.Code);
        Assert.Equal("plaintext-before-handshake", Assert.Single(Assert.IsType<TlsOutcome.Refused>(unavailable.Tls).Failures).ReasonCode);
        await server.Done;
    }

    [Theory]
    [InlineData("S: 220 mx.test ESMTP\nC: EHLO client.test\nS: 250-mx.test\nS: 250-SIZE\nS: 250 XXXXXXXA")]
    [InlineData("S: 220 mx.test ESMTP\nC: EHLO client.test\nS: 250-mx.test\nS: 250 XXXXXXXX")]
    [InlineData("S: 220 *******************0*2******\nC: EHLO client.test\nS: 500 5.5.1 unknown")]
    public async Task A_masked_offer_is_told_from_a_missing_one(string script)
    {
        await using var server = new ScriptedServer(script + "\nC: QUIT\nS: 221 bye\n!gone");
        Assert.Equal("starttls-masked", CodeOf(await OpenAsync(server, Demand(SecurityFloor.Encrypted))));
    }

    [Fact]
    public async Task A_server_that_knows_only_helo_gets_plaintext_mail_if_it_may()
    {
        await using var server = new ScriptedServer("""
            S: 220 old.test
            C: EHLO client.test
            S: 502 not implemented
            C: HELO client.test
            S: 250 old.test
            C: QUIT
            S: 221 bye
            !gone
            """);
        var granted = Assert.IsType<Clearance.Granted>(await OpenAsync(server, Demand(SecurityFloor.Plaintext)));
        Assert.IsType<TlsOutcome.Plaintext>(granted.Tls);
        Assert.False(granted.Channel.Capabilities.Pipelining);
        await granted.Channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("S: 554 5.3.2 no\nC: QUIT\nS: 221 bye\n!gone", SmtpPhase.Greeting, FaultKind.Refused)]
    [InlineData("S: 421 4.3.2 later\n!gone", SmtpPhase.Greeting, FaultKind.Refused)]
    [InlineData("S: 250 what\n!gone", SmtpPhase.Greeting, FaultKind.ProtocolError)]
    [InlineData("S: SSH-2.0-OpenSSH_9.2\n!gone", SmtpPhase.Greeting, FaultKind.ProtocolError)]
    [InlineData("!endless 220-mx.test\\r\\n", SmtpPhase.Greeting, FaultKind.ProtocolError)]
    [InlineData("!endless 220-mx.test", SmtpPhase.Greeting, FaultKind.ProtocolError)]
    [InlineData("!raw 220 mx.test\\n\n!gone", SmtpPhase.Greeting, FaultKind.ProtocolError)]
    [InlineData("!close\n!gone", SmtpPhase.Greeting, FaultKind.ConnectionLost)]
    [InlineData("S: 220 a\nC: EHLO client.test\n!close\n!gone", SmtpPhase.Hello, FaultKind.ConnectionLost)]
    [InlineData("S: 220 a\nC: EHLO client.test\nS: 421 4.3.2 later\n!gone", SmtpPhase.Hello, FaultKind.Refused)]
    [InlineData("S: 220 a\nC: EHLO client.test\nS: 554 no\nC: QUIT\nS: 221 bye\n!gone", SmtpPhase.Hello, FaultKind.Refused)]
    [InlineData(StartTls + "!close\n!gone", SmtpPhase.StartTls, FaultKind.ConnectionLost)]
    [InlineData(StartTls + "S: 421 4.3.2 later\n!gone", SmtpPhase.StartTls, FaultKind.Refused)]
    [InlineData(StartTls + "S: 250 ok\n!gone", SmtpPhase.StartTls, FaultKind.ProtocolError)]
    [InlineData(StartTls + "S: 220 go\n!tls\nC: EHLO client.test\n!close\n!gone", SmtpPhase.HelloAfterTls, FaultKind.ConnectionLost)]
    [InlineData(StartTls + "S: 220 go\n!tls\nC: EHLO client.test\n!cut\n!gone", SmtpPhase.HelloAfterTls, FaultKind.ConnectionLost)]
    [InlineData(StartTls + "S: 220 go\n!tls\nC: EHLO client.test\nS: 421 4.3.2 later\n!gone", SmtpPhase.HelloAfterTls, FaultKind.Refused)]
    public async Task Every_phase_names_what_ended_it(string script, SmtpPhase phase, FaultKind kind)
    {
        await using var server = new ScriptedServer(script, Certificates());
        var unavailable = Assert.IsType<Clearance.Unavailable>(await OpenAsync(server, Demand(SecurityFloor.Plaintext)));
        Assert.Equal((phase, kind), (unavailable.Fault.Phase, unavailable.Fault.Kind));
        Assert.Equal(kind is FaultKind.Refused, unavailable.Fault.Reply is not null && unavailable.Fault.Kind is FaultKind.Refused);
        await server.Done;
    }

    [Theory]
    [InlineData("!stall", SmtpPhase.Greeting, 5)]
    [InlineData("S: 220 a\nC: EHLO client.test\n!stall", SmtpPhase.Hello, 5)]
    [InlineData(StartTls + "!stall", SmtpPhase.StartTls, 5)]
    public async Task Every_wait_has_its_limit(string script, SmtpPhase phase, int minutes)
    {
        var clock = new FakeTimeProvider();
        await using var server = new ScriptedServer(script);
        var opening = OpenAsync(server, Demand(SecurityFloor.Plaintext), Options(clock: clock));
        await server.Stalled;
        await AdvanceUntilDone(clock, opening, TimeSpan.FromMinutes(minutes));
        var fault = Assert.IsType<Clearance.Unavailable>(await opening).Fault;
        Assert.Equal((phase, FaultKind.TimedOut), (fault.Phase, fault.Kind));
    }

    [Fact]
    public async Task A_handshake_that_never_ends_is_denied()
    {
        var clock = new FakeTimeProvider();
        await using var server = new ScriptedServer(StartTls + "S: 220 go\n!octets 1\n!stall");
        var opening = OpenAsync(server, Demand(SecurityFloor.Plaintext), Options(clock: clock));
        await server.Stalled;
        await AdvanceUntilDone(clock, opening, TimeSpan.FromMinutes(5));
        Assert.Equal("timed-out", CodeOf(await opening));
    }

    [Fact]
    public async Task The_caller_may_cancel_at_any_time()
    {
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var server = new ScriptedServer("S: 220 a\nC: EHLO client.test\n!stall");
        var opening = SmtpClientConnection.OpenAsync(server.Address, Demand(SecurityFloor.Plaintext), Options(), caller.Token).AsTask();
        await server.Stalled;
        await caller.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        Assert.Equal(caller.Token, error.CancellationToken);
        await server.Done;
    }

    [Fact]
    public async Task Nobody_listening_is_unreachable()
    {
        System.Net.IPEndPoint nobody;
        await using (var server = new ScriptedServer(""))
        {
            nobody = server.Address;
        }

        var unavailable = Assert.IsType<Clearance.Unavailable>(
            await SmtpClientConnection.OpenAsync(nobody, Demand(SecurityFloor.Plaintext), Options(), Cancel));
        Assert.Equal((SmtpPhase.Connect, FaultKind.Unreachable), (unavailable.Fault.Phase, unavailable.Fault.Kind));
        Assert.Null(unavailable.Tls);
    }

    [Fact]
    public async Task An_alert_that_comes_after_the_handshake_denies()
    {
        Assert.SkipUnless(OpenSslServer.Installed, "openssl is not installed");
        using var server = await OpenSslServer.StartAsync(_authority.Issue("mx.test"), Cancel, "-tls1_3", "-Verify", "1");
        var clearance = await SmtpClientConnection.OpenAsync(
            new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, server.Port), Demand(SecurityFloor.Encrypted, TlsStart.Implicit), Options(), Cancel);
        Assert.Equal("alert-received-116-certificate-required", CodeOf(clearance));
    }

    [Fact]
    public async Task Trying_no_tls_is_only_for_those_who_need_none()
    {
        await using var server = new ScriptedServer(After("STARTTLS", "C: QUIT\nS: 221 bye\n!gone"));
        await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(server, Demand(SecurityFloor.Encrypted, TlsStart.None)));
        await Assert.ThrowsAsync<ArgumentException>(
            () => OpenAsync(server, Demand(SecurityFloor.Plaintext, TlsStart.None), Options(new ClientCredentials("u", "p"))));

        var granted = Assert.IsType<Clearance.Granted>(await OpenAsync(server, Demand(SecurityFloor.Plaintext, TlsStart.None)));
        Assert.Equal("tls-not-tried", Assert.IsType<TlsOutcome.Plaintext>(granted.Tls).Reason.ReasonCode);
        await granted.Channel.DisposeAsync();
        await server.Done;
    }

    /// <summary>The server stalls when it has sent its last reply; the client is given time to read it before the clock moves.</summary>
    internal static async Task AdvanceUntilDone(FakeTimeProvider clock, Task task, TimeSpan step)
    {
        await Task.WhenAny(task, Task.Delay(500, Cancel));
        while (!task.IsCompleted)
        {
            clock.Advance(step);
            await Task.WhenAny(task, Task.Delay(20, Cancel));
        }
    }
}
