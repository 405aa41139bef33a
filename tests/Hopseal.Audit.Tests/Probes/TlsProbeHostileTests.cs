using Hopseal.Audit.Targets;
using Hopseal.Audit.Tests.Hello;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Audit.Tests.Probes;

/// <summary>Servers that mean no good, or are broken: each ends with facts, and what could not be found out is not known.</summary>
public sealed class TlsProbeHostileTests
{
    public static TheoryData<string, string> Hostile => new()
    {
        { "plaintext", "plaintext in the place of TLS" },
        { "garbage", "a record of type" },
        { "alert storm", "one warning after the other" },
        { "empty records", "records in a first flight" },
        { "endless message", "16777215 octets" },
        { "not offered", "with what was not offered" },
        { "half a record", "within a record" },
        { "hang up", "no hello was answered" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_server_that_cannot_be_read_is_unknown(string what, string problem)
    {
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            await OldServer.ReadAsync(stream, stop);
            try
            {
                await stream.WriteAsync(Octets(what), stop);
            }
            catch (IOException)
            {
                // Nobody listened to the end, as it should be.
            }
        });

        var facts = (await Probing.QuickAsync(server.Endpoint.Port)).Facts;

        Assert.False(facts.Speaks);
        Assert.All(facts.Versions, version => Assert.Null(version.Value));
        Assert.Contains(facts.Problems, text => text.Contains(problem, StringComparison.Ordinal));
        Assert.Empty(facts.Suites);
        Assert.False(facts.GroupsKnown);
    }

    [Fact]
    public async Task A_certificate_that_is_too_large_does_not_hide_the_version()
    {
        byte[] flight =
        [
            .. Flights.Record(22, Flights.ServerHello(0x0303, 0xC02F)),
            .. Enumerable.Repeat(Flights.Record(22, [11, 2, 0, 1, .. new byte[16_000]]), 12).SelectMany(record => record),
        ];
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            var hello = ReceivedHello.Read(await OldServer.ReadAsync(stream, stop));
            await stream.WriteAsync(hello.Version == 0x0303 && hello.Suites.Contains(0xC02F) ? flight : Flights.Alert(2, 70), stop);
        });

        var result = await Probing.QuickAsync(server.Endpoint.Port);

        Assert.True(result.Facts.Versions["TLS 1.2"]);
        Assert.Empty(result.Chains);
        Assert.Contains(result.Facts.Problems, problem => problem.Contains("131073 octets", StringComparison.Ordinal));
    }

    /// <summary>The clock of the test stands for the patience: each read of the server moves it.</summary>
    [Fact]
    public async Task A_server_that_drips_is_left_when_patience_ends()
    {
        var clock = new FakeTimeProvider();
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            await OldServer.ReadAsync(stream, stop);
            foreach (var octet in Flights.Tls12())
            {
                await stream.WriteAsync(new[] { octet }, stop);
                clock.Advance(TimeSpan.FromSeconds(1));
            }
        });

        var facts = (await Probing.RunAsync(server.Endpoint.Port, Probing.Options(connections: 8) with { Clock = clock })).Facts;

        Assert.False(facts.Speaks);
        Assert.Contains(facts.Problems, problem => problem.Contains("within 10 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_says_421_is_left_alone_and_the_rest_stays_unknown()
    {
        var old = new OldServer { Versions = [0x0303, 0x0304], Suites = [0x1301, 0xC02F], Groups = [0x1D] };
        var connections = 0;
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            if (Interlocked.Increment(ref connections) > 3)
            {
                await ScriptedServer.SendAsync(stream, "421 4.7.0 too many connections\r\n", stop);
                return;
            }

            await ScriptedServer.SendAsync(stream, "220 mx.test ESMTP\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, "250-mx.test\r\n250 STARTTLS\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, "220 go\r\n", stop);
            await stream.WriteAsync(old.Answer(ReceivedHello.Read(await OldServer.ReadAsync(stream, stop))), stop);
        });

        var facts = (await Probing.RunAsync(server.Endpoint.Port, Probing.Options(deep: true, connections: 40), MailProtocol.Smtp)).Facts;

        // Three were answered; the fourth was refused, and so were the two after a pause.
        Assert.Equal(6, server.Connections);
        Assert.Equal((true, true), (facts.Versions["TLS 1.3"], facts.Versions["TLS 1.2"]));
        Assert.All((string[])["TLS 1.1", "TLS 1.0", "SSL 3.0"], version => Assert.Null(facts.Versions[version]));
        Assert.Null(facts.Sha1Signature);
        Assert.False(facts.AllSuites);
        Assert.False(facts.GroupsKnown);
        Assert.Contains(facts.Problems, problem => problem.Contains("421 4.7.0 too many connections", StringComparison.Ordinal));
    }

    static byte[] Octets(string what) => what switch
    {
        "plaintext" => "454 TLS not available\r\n"u8.ToArray(),
        "garbage" => [0xFF, 0xFE, 0xFD],
        "alert storm" => [.. Enumerable.Repeat(Flights.Alert(1, 112), 10_000).SelectMany(alert => alert)],
        "empty records" => [.. Enumerable.Repeat(Flights.Record(22, []), 10_000).SelectMany(record => record)],
        "endless message" => [.. Flights.Record(22, [2, 0xFF, 0xFF, 0xFF]), .. Enumerable.Repeat(Flights.Record(22, new byte[16_000]), 20).SelectMany(record => record)],
        "not offered" => Flights.Record(22, [.. Flights.ServerHello(0x0303, 0xFAFA), .. Flights.Done]),
        "half a record" => Flights.Tls12()[..20],
        "hang up" => [],
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };
}
