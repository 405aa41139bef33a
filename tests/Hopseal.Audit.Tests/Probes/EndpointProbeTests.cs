using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Tests.Probes;

public sealed class EndpointProbeTests : IDisposable
{
    readonly AuditWorld _world = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_server_that_does_everything_right_is_fine_and_asked_few_times()
    {
        await using var server = await GoodServer.StartAsync(_world.Issue("mx.good.example"));

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        string[] fine = [CheckIds.SmtpDialogue, CheckIds.StartTlsOffered, CheckIds.StartTlsWorks, CheckIds.StartTlsStripped, CheckIds.StartTlsInjection, CheckIds.StartTlsState, CheckIds.SmtpAuthPlaintext];
        Assert.All(fine, id => Assert.Equal(Verdict.Ok, report.VerdictOf(id)));
        Assert.DoesNotContain(report.Findings, finding => finding.Verdict is Verdict.Fail);
        Assert.InRange(report.Facts.Hosts[0].Endpoints[0].Connections, 1, 10);
    }

    [Theory]
    [InlineData("MX.good.example", false)]
    [InlineData("good.example", true)]
    public async Task Nobody_attacks_himself(string own, bool tried)
    {
        await using var server = await GoodServer.StartAsync(_world.Issue("mx.good.example"));
        _world.Options = _world.Options with { OwnName = own };

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.Equal(tried, report.Findings.Any(finding => finding.Id is CheckIds.StartTlsInjection));
        Assert.Equal(Verdict.Ok, report.VerdictOf(CheckIds.StartTlsWorks));
    }

    [Fact]
    public async Task Implicit_tls_needs_no_starttls()
    {
        await using var server = await GoodServer.StartAsync(_world.Issue("mx.good.example"), Smtp.Server.ListenerMode.ImplicitTls);

        var report = await _world.CheckAsync($"smtps://{server.Endpoint}", Cancel);

        Assert.Equal(Verdict.Ok, report.VerdictOf(CheckIds.StartTlsWorks));
        Assert.DoesNotContain(report.Findings, finding => finding.Id is CheckIds.StartTlsOffered);
    }

    public static TheoryData<string, string> Inconclusive => new()
    {
        { "421 too many connections", "421 busy\r\n" },
        { "greylisting of connections", "450 4.7.1 come again\r\n" },
        { "no service for us", "554 5.7.1 go away\r\n" },
        { "another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n" },
        { "garbage", "\u0001\u0002\u0003\u0000\u00ff\r\n" },
        { "a greeting without an end", new string('x', 100_000) },
        { "a greeting of endless lines", string.Concat(Enumerable.Repeat("220-hello\r\n", 5_000)) },
        { "silence", "" },
    };

    [Theory]
    [MemberData(nameof(Inconclusive))]
    public async Task What_cannot_be_found_out_is_unknown_and_never_a_failure(string what, string greeting)
    {
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            await ScriptedServer.SendAsync(stream, greeting, stop);
            await stream.CopyToAsync(Stream.Null, stop);
        });

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.True(report.VerdictOf(CheckIds.SmtpDialogue) is Verdict.Unknown, what);
        Assert.Equal(Verdict.Unknown, report.Confidential);
        Assert.DoesNotContain(report.Findings, finding => finding.Verdict is Verdict.Fail or Verdict.Warn);
        Assert.NotEmpty(report.Findings.Single(finding => finding.Id is CheckIds.SmtpDialogue).Evidence);
    }

    [Fact]
    public async Task A_server_that_closes_at_once_or_is_not_there_is_unknown()
    {
        var gone = ScriptedServer.Start((_, _) => Task.CompletedTask);
        Assert.Equal(Verdict.Unknown, (await _world.CheckAsync(gone.Endpoint, Cancel)).Overall);
        var endpoint = gone.Endpoint;
        await gone.DisposeAsync();
        Assert.Equal(Verdict.Unknown, (await _world.CheckAsync(endpoint, Cancel)).VerdictOf(CheckIds.MxReachable));
    }

    [Fact]
    public async Task Drops_that_never_make_a_line_do_not_hold_it_up()
    {
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            while (true)
            {
                await ScriptedServer.SendAsync(stream, "2", stop);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, stop);
            }
        });

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.Equal(Verdict.Unknown, report.VerdictOf(CheckIds.SmtpDialogue));
    }

    [Theory]
    [InlineData("250-mx\r\n250 SIZE\r\n", CheckIds.StartTlsOffered, Verdict.Fail)]
    [InlineData("502 what\r\n", CheckIds.StartTlsOffered, Verdict.Fail)]
    [InlineData("250-mx\r\n250-XXXXXXXA\r\n250 SIZE\r\n", CheckIds.StartTlsStripped, Verdict.Fail)]
    [InlineData("250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n", CheckIds.SmtpAuthPlaintext, Verdict.Warn)]
    [InlineData("250-mx\r\n250 STARTTLS\r\n", CheckIds.StartTlsWorks, Verdict.Fail)]
    public async Task What_a_server_says_wrong_is_told(string hello, string id, Verdict verdict)
    {
        await using var server = BadServers.Saying(hello);

        Assert.Equal(verdict, (await _world.CheckAsync(server.Endpoint, Cancel)).VerdictOf(id));
    }

    [Theory]
    [InlineData("plaintext instead of a handshake", "220 go ahead\r\n", "500 what is this\r\n")]
    [InlineData("a storm of alerts", "220 go ahead\r\n", null)]
    [InlineData("a record of the largest size, for ever", "220 go ahead\r\n", "\u0016\u0003\u0003\u0040\u0000")]
    public async Task A_handshake_that_cannot_succeed_ends(string what, string go, string? garbage)
    {
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            await ScriptedServer.SendAsync(stream, "220 mx\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, BadServers.Hello, stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, go, stop);
            await stream.ReadExactlyAsync(new byte[5], stop);
            for (var i = 0; i < 100_000; i++)
            {
                await ScriptedServer.SendAsync(stream, garbage ?? "\u0015\u0003\u0003\u0000\u0002\u0001\u005a", stop);
            }

            await stream.CopyToAsync(Stream.Null, stop);
        });

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.True(report.VerdictOf(CheckIds.StartTlsWorks) is Verdict.Fail, what);
    }

    [Fact]
    public async Task A_server_that_keeps_commands_from_before_tls_is_found_out()
    {
        var certificate = _world.Issue("mx.bad.example");
        await using var server = BadServers.KeepingCommands(certificate);

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.Equal(Verdict.Fail, report.VerdictOf(CheckIds.StartTlsInjection));
        Assert.Equal(Verdict.Warn, report.VerdictOf(CheckIds.StartTlsState));
    }

    [Theory]
    [InlineData("imap", "* OK ready\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n", true)]
    [InlineData("imap", "* OK ready\r\n", "* CAPABILITY IMAP4rev1\r\na1 OK done\r\n", false)]
    [InlineData("pop3", "+OK ready\r\n", "+OK\r\nSTLS\r\nUIDL\r\n.\r\n", true)]
    [InlineData("pop3", "+OK ready\r\n", "-ERR what\r\n", false)]
    [InlineData("sieve", "\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n", "", true)]
    [InlineData("sieve", "\"IMPLEMENTATION\" \"x\"\r\nOK\r\n", "", false)]
    public async Task Each_protocol_says_in_its_own_words_whether_it_has_tls(string protocol, string greeting, string capabilities, bool offered)
    {
        await using var server = ScriptedServer.Smtp(greeting, line => line is "a1 CAPABILITY" or "CAPA" ? capabilities : null);

        var report = await _world.CheckAsync($"{protocol}://{server.Endpoint}", Cancel);

        Assert.Equal(offered, report.Facts.Hosts[0].Endpoints[0].Dialogue.StartTls);
        Assert.Equal(offered ? Verdict.Ok : Verdict.Fail, report.VerdictOf(CheckIds.StartTlsOffered));
    }

    [Fact]
    public async Task What_a_server_says_cannot_steer_a_terminal()
    {
        await using var server = ScriptedServer.Smtp("220 mx \u001b]0;owned\u0007\r\n", _ => "250-mx\r\n250 \u001b[2J\r\n");

        var facts = (await _world.CheckAsync(server.Endpoint, Cancel)).Facts.Hosts[0].Endpoints[0];

        Assert.DoesNotContain(facts.Dialogue.Transcript.Concat(facts.Dialogue.Capabilities).Append(facts.Dialogue.Banner!), line => line.Any(char.IsControl));
    }

    [Fact]
    public async Task Who_does_not_want_to_be_asked_is_not_asked()
    {
        await using var server = await GoodServer.StartAsync(_world.Issue("mx.good.example"));
        _world.Manners = Manners.Read(new StringReader("# ours\n127.0.0.0/8\nbank.example\n"));

        var report = await _world.CheckAsync(server.Endpoint, Cancel);

        Assert.Equal(Verdict.Unknown, report.VerdictOf(CheckIds.MxReachable));
        Assert.Equal(0, report.Facts.Hosts[0].Endpoints[0].Connections);
        Assert.False(_world.Manners.MayAsk(Dns.DomainName.Parse("mx.bank.example")));
        Assert.True(_world.Manners.MayAsk(Dns.DomainName.Parse("notbank.example")));
        Assert.Throws<InvalidDataException>(() => Manners.Read(new StringReader("what is this")));
    }

    [Fact]
    public async Task Who_waits_for_a_network_takes_no_place_from_others()
    {
        var silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<System.Net.Sockets.NetworkStream, CancellationToken, Task> script = async (stream, stop) =>
        {
            reached.TrySetResult();
            await silence.Task.WaitAsync(stop);
            await ScriptedServer.SendAsync(stream, "421 enough\r\n", stop);
        };
        await using var first = ScriptedServer.Start(script, IPAddress.Parse("127.44.1.1"));
        await using var second = ScriptedServer.Start(script, IPAddress.Parse("127.44.1.2"));
        await using var elsewhere = ScriptedServer.Smtp("421 enough\r\n", _ => null);
        var options = _world.Options with { AddressesAtOnce = 2, GreetingTimeout = TimeSpan.FromMinutes(2) };
        var resolver = Dns.ZoneResolver.Parse("");
        var audit = new MailAudit(resolver, _world.Pkix, new Policy.MtaSts.StsFetch(resolver, _world.Pkix, TimeProvider.System), Manners.Everybody, options);

        var asking = RunAsync(audit, first.Endpoint);
        await reached.Task.WaitAsync(Cancel);
        var waiting = RunAsync(audit, second.Endpoint);
        var facts = await RunAsync(audit, elsewhere.Endpoint);

        Assert.Equal("421 enough", facts.Hosts[0].Endpoints[0].Dialogue.Why);
        Assert.False(asking.IsCompleted || waiting.IsCompleted);
        Assert.Equal(0, second.Connections);
        silence.SetResult();
        await Task.WhenAll(asking, waiting);
    }

    [Fact]
    public async Task Hosts_of_a_domain_are_asked_beside_each_other()
    {
        using var both = new CountdownEvent(2);
        var silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<System.Net.Sockets.NetworkStream, CancellationToken, Task> script = async (stream, stop) =>
        {
            if (both.Signal())
            {
                silence.SetResult();
            }

            await silence.Task.WaitAsync(stop);
            await ScriptedServer.SendAsync(stream, "421 enough\r\n", stop);
        };
        await using var first = ScriptedServer.Start(script, IPAddress.Parse("127.44.2.1"));
        var port = first.Endpoint.Port;
        await using var second = ScriptedServer.Start(script, IPAddress.Parse("127.44.3.1"), port);
        _world.MxPort = port;
        _world.Options = _world.Options with { GreetingTimeout = TimeSpan.FromMinutes(2) };
        _world.Zone = "two.example. MX 10 a.two.example.\ntwo.example. MX 20 b.two.example.\na.two.example. A 127.44.2.1\nb.two.example. A 127.44.3.1\n";

        var report = await _world.CheckAsync("two.example", Cancel);

        Assert.Equal(["a.two.example", "b.two.example"], report.Facts.Hosts.Select(host => host.Name));
        Assert.All(report.Facts.Hosts, host => Assert.Equal("421 enough", host.Endpoints[0].Dialogue.Why));
    }

    [Fact]
    public async Task One_network_is_asked_by_one_at_a_time()
    {
        var now = 0;
        var most = 0;
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await ScriptedServer.SendAsync(stream, "220 mx\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            Interlocked.Decrement(ref now);
            await ScriptedServer.SendAsync(stream, "421 enough\r\n", stop);
        });

        var shared = Manners.Everybody;
        _world.Manners = shared;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _world.CheckAsync(server.Endpoint, Cancel)));

        Assert.Equal(8, server.Connections);
        Assert.Equal(1, most);

        static void InterlockedMax(ref int target, int value)
        {
            int seen;
            while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
            {
            }
        }
    }

    static Task<AuditFacts> RunAsync(MailAudit audit, IPEndPoint endpoint)
    {
        Assert.True(AuditTarget.TryParse($"smtp://{endpoint}", out var target, out var why), why);
        return audit.RunAsync(target, new Progress<string>(), Cancel);
    }
}
