using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Tests.Probes;

/// <summary>Addresses with several names: each is asked everything once, and no more often than one with one name.</summary>
public sealed class KnownServerTests : IDisposable
{
    readonly AuditWorld _world = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(false, 10)]
    [InlineData(true, 40)]
    public async Task A_domain_whose_hosts_are_one_machine_asks_no_more_of_it(bool deep, int most)
    {
        string[] names = ["a.three.example", "b.three.example", "c.three.example"];
        await using var server = await GoodServer.StartAsync([.. names.Select(_world.Issue)]);
        await using var counting = Before(server);
        _world.MxPort = counting.Endpoint.Port;
        _world.Options = _world.Options with { Deep = deep, MostConnections = most };
        _world.Zone = Zone("three.example", names);

        var report = await _world.CheckAsync("three.example", Cancel);

        Assert.InRange(counting.Connections, 4, most);
        var endpoints = report.Facts.Hosts.SelectMany(host => host.Endpoints).ToArray();
        Assert.Equal(counting.Connections, endpoints.Sum(endpoint => endpoint.Connections));
        Assert.Equal([null, "a.three.example", "a.three.example"], endpoints.Select(endpoint => endpoint.AskedAs));
        Assert.Equal(names, endpoints.Select(endpoint => Assert.Single(endpoint.Handshake!.Chain[0].Names)));
        Assert.All(endpoints, endpoint =>
        {
            Assert.True(endpoint.Handshake!.NameMatches);
            Assert.True(endpoint.Tls!.Versions["TLS 1.2"]);
            Assert.False(endpoint.Injection!.Executed);
            Assert.Equal(deep, endpoint.ServerNames is { WithoutName.Fingerprint: not null, UnknownName.Fingerprint: not null });
            Assert.Equal(deep, endpoint.PlaintextMail is not null);
        });
        Assert.DoesNotContain(report.Findings, finding => finding.Verdict is Verdict.Fail);
    }

    [Fact]
    public async Task The_certificate_of_each_name_is_looked_at()
    {
        await using var server = await GoodServer.StartAsync([_world.Issue("a.two.example")]);
        _world.MxPort = server.Endpoint.Port;
        _world.Zone = Zone("two.example", "a.two.example", "b.two.example");

        var report = await _world.CheckAsync("two.example", Cancel);

        Assert.Equal([true, false], report.Facts.Hosts.Select(host => host.Endpoints[0].Handshake!.NameMatches!.Value));
        Assert.Equal("a.two.example", report.Facts.Hosts[1].Endpoints[0].AskedAs);
    }

    [Fact]
    public async Task Names_for_which_nothing_is_left_are_not_known()
    {
        string[] names = [.. Enumerable.Range(10, 20).Select(i => $"mx{i}.many.example")];
        await using var server = await GoodServer.StartAsync([.. names.Select(_world.Issue)]);
        await using var counting = Before(server);
        _world.MxPort = counting.Endpoint.Port;
        _world.Zone = Zone("many.example", names);

        var report = await _world.CheckAsync("many.example", Cancel);

        Assert.InRange(counting.Connections, 6, 10);
        var talked = report.Facts.Hosts.TakeWhile(host => host.Endpoints[0].Dialogue.Reach is Reach.Talked).ToArray();
        Assert.Equal(6, talked.Length);
        Assert.All(report.Facts.Hosts.Skip(talked.Length), host => Assert.Equal((Reach.NoneLeft, 0), (host.Endpoints[0].Dialogue.Reach, host.Endpoints[0].Connections)));
        Assert.Equal(14, report.Findings.Count(finding => finding is { Id: CheckIds.MxReachable, Verdict: Verdict.Unknown }));
        Assert.DoesNotContain(report.Findings, finding => finding.Verdict is Verdict.Fail);
        Assert.Equal(Verdict.Unknown, report.Confidential);
    }

    [Fact]
    public async Task Another_domain_at_the_same_address_costs_a_connection()
    {
        await using var server = await GoodServer.StartAsync([_world.Issue("mx.one.example"), _world.Issue("mx.two.example")]);
        await using var counting = Before(server);
        _world.MxPort = counting.Endpoint.Port;
        _world.Zone = Zone("one.example", "mx.one.example") + Zone("two.example", "mx.two.example");
        var run = _world.Run();

        var first = await RunAsync(run, "one.example");
        var before = counting.Connections;
        var second = await RunAsync(run, "two.example");

        Assert.Equal(1, counting.Connections - before);
        Assert.Equal(1, second.Connections);
        Assert.Equal("mx.one.example", second.AskedAs);
        Assert.Same(first.Tls, second.Tls);
        Assert.True(second.Handshake!.NameMatches);
    }

    [Fact]
    public async Task What_was_cut_short_for_many_names_of_one_domain_is_asked_anew_for_the_next()
    {
        string[] names = [.. Enumerable.Range(10, 20).Select(i => $"mx{i}.many.example")];
        await using var server = await GoodServer.StartAsync([_world.Issue("mx.one.example"), .. names.Select(_world.Issue)]);
        _world.MxPort = server.Endpoint.Port;
        _world.Zone = Zone("many.example", names) + Zone("one.example", "mx.one.example") + Zone("last.example", names[^1]);
        var run = _world.Run();

        var many = await RunAsync(run, "many.example");
        var one = await RunAsync(run, "one.example");
        Assert.Equal(Reach.Talked, (await RunAsync(run, "last.example")).Dialogue.Reach);

        Assert.NotEmpty(many.Tls!.Problems);
        Assert.Null(one.AskedAs);
        Assert.InRange(one.Connections, 6, 10);
        Assert.True(one.Tls!.Hellos.Length > many.Tls.Hellos.Length);
    }

    [Fact]
    public async Task What_the_first_name_could_not_find_out_the_second_is_asked()
    {
        var busy = true;
        await using var server = await GoodServer.StartAsync([_world.Issue("a.two.example"), _world.Issue("b.two.example")]);
        await using var counting = ScriptedServer.Start(async (stream, stop) =>
        {
            if (busy)
            {
                busy = false;
                await ScriptedServer.SendAsync(stream, "421 busy\r\n", stop);
                return;
            }

            await PassOnAsync(stream, server, stop);
        });
        _world.MxPort = counting.Endpoint.Port;
        _world.Zone = Zone("two.example", "a.two.example", "b.two.example");

        var hosts = (await _world.CheckAsync("two.example", Cancel)).Facts.Hosts;

        Assert.Equal(Reach.TurnedAway, hosts[0].Endpoints[0].Dialogue.Reach);
        Assert.True(hosts[1].Endpoints[0].Tls!.Versions["TLS 1.2"]);
        Assert.Null(hosts[1].Endpoints[0].AskedAs);
        Assert.InRange(counting.Connections, 2, 10);
    }

    [Fact]
    public async Task A_second_certificate_without_a_record_is_found_out_under_a_later_name_too()
    {
        using var keys = new Keys();
        using var server = await OpenSslServer.StartAsync(
            Cancel, "-cert", keys.Ecdsa, "-key", keys.Ecdsa, "-dcert", keys.Rsa, "-dkey", keys.Rsa, "-servername", "plain.test", "-cert2", keys.Rsa, "-key2", keys.Rsa);
        using var shown = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(keys.Ecdsa, Cancel));
        var key = Convert.ToHexStringLower(SHA256.HashData(shown.PublicKey.ExportSubjectPublicKeyInfo()));
        _world.Zone = $"$SECURE on\nplain.test A 127.0.0.1\nmx.test A 127.0.0.1\n_{server.Port}._tcp.mx.test TLSA 3 1 1 {key}\n";
        var run = _world.Run();

        await RunAsync(run, $"smtps://plain.test:{server.Port}");
        var facts = await RunAsync(run, $"smtps://mx.test:{server.Port}");

        Assert.Equal("plain.test", facts.AskedAs);
        Assert.True(facts.Handshake!.TlsaMatches);
        Assert.Equal("RSA", Assert.Single(facts.OtherCertificates).KeyKind);
        Assert.Single(facts.UnmatchedCertificates);
        Assert.InRange(facts.Connections, 1, 2);
    }

    static string Zone(string domain, params string[] names) =>
        string.Concat(names.Select((name, place) => $"{domain}. MX {10 + place} {name}.\n{name}. A 127.0.0.1\n"));

    static async Task<EndpointFacts> RunAsync(MailAudit run, string target)
    {
        Assert.True(AuditTarget.TryParse(target, out var parsed, out var why), why);
        return (await run.RunAsync(parsed, new Progress<string>(), Cancel)).Hosts[0].Endpoints[0];
    }

    /// <summary>Counts what the server itself is asked to bear.</summary>
    static ScriptedServer Before(GoodServer server) => ScriptedServer.Start((stream, stop) => PassOnAsync(stream, server, stop));

    static async Task PassOnAsync(NetworkStream stream, GoodServer server, CancellationToken stop)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Endpoint, stop);
        var far = client.GetStream();
        await Task.WhenAny(stream.CopyToAsync(far, stop), far.CopyToAsync(stream, stop));
    }
}
