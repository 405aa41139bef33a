using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;
using Hopseal.Audit.Targets;
using Hopseal.Audit.Tests.Hello;

namespace Hopseal.Audit.Tests.Probes;

/// <summary>What the programs of today cannot be configured to do any more, or not yet.</summary>
public sealed class TlsProbeOldServerTests
{
    const int Rc4 = 0x0005;
    const int TripleDes = 0x000A;
    const int Export = 0x0003;
    const int Aes = 0x002F;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SSL_3_with_RC4_and_export_suites_is_found(bool deep)
    {
        await using var server = new OldServer { Versions = [0x0300], Suites = [Rc4, TripleDes, Export] }.Start();

        var facts = await ProbeAsync(server, deep);

        Assert.Equal((true, false, false, false, false), (facts.Versions["SSL 3.0"], facts.Versions["TLS 1.0"], facts.Versions["TLS 1.1"], facts.Versions["TLS 1.2"], facts.Versions["TLS 1.3"]));
        Assert.Contains(new SuiteFact("SSL 3.0", "TLS_RSA_WITH_RC4_128_SHA"), facts.Suites);
        if (deep)
        {
            Assert.Equal(
                ["TLS_RSA_EXPORT_WITH_RC4_40_MD5", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"], facts.Suites.Select(suite => suite.Name).Order(StringComparer.Ordinal));
            Assert.True(facts.AllSuites);
        }
    }

    /// <summary>Each answer hides the older versions; only asking for each shows them all.</summary>
    [Fact]
    public async Task All_versions_are_found_behind_each_other()
    {
        await using var server = new OldServer { Versions = [0x0300, 0x0301, 0x0302, 0x0303, 0x0304], Suites = [0x1301, Aes, Rc4], Groups = [0x1D], Ssl2Answer = Ssl2Hello }.Start();

        foreach (var deep in (bool[])[false, true])
        {
            var facts = await ProbeAsync(server, deep);
            Assert.All(facts.Versions.Remove("SSL 2.0"), version => Assert.True(version.Value, version.Key));
            Assert.Equal(6, facts.Versions.Count);
            Assert.True(facts.Versions["SSL 2.0"]);
        }
    }

    [Fact]
    public async Task A_version_between_others_that_is_switched_off_is_told_from_these()
    {
        await using var server = new OldServer { Versions = [0x0301, 0x0303], Suites = [Aes] }.Start();

        foreach (var deep in (bool[])[false, true])
        {
            var facts = await ProbeAsync(server, deep);
            Assert.Equal((true, false, true, false), (facts.Versions["TLS 1.2"], facts.Versions["TLS 1.1"], facts.Versions["TLS 1.0"], facts.Versions["SSL 3.0"]));
        }
    }

    /// <summary>No program of Debian speaks it any more.</summary>
    static byte[] Ssl2Hello => [0x80, 18, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 4, 7, 0, 0xC0, 1, 2, 3, 4];

    public static TheoryData<string, bool?> Ssl2Answers => new()
    {
        { "8012040001000200000003000407" + "00C001020304", true },
        { "0016020400010002000000060004" + "0700C0010080010203040000", true },
        { "15030100020228", false },
        { "160303", false },
        { "80030000" + "01", false },
        { "", false },
        { "8012040001", false },
        { "8012040001030000000003000407" + "00C001020304", null },
        { "353030206E6F0D0A", null },
        { "802A07", null },
    };

    /// <summary>An answer is told from a refusal and from what is neither, whatever stands beside it.</summary>
    [Theory]
    [MemberData(nameof(Ssl2Answers))]
    public async Task SSL_2_is_found_by_its_own_hello(string answer, bool? spoken)
    {
        await using var server = new OldServer { Versions = [0x0300], Suites = [Aes], Ssl2Answer = Convert.FromHexString(answer) }.Start();

        foreach (var deep in (bool[])[false, true])
        {
            Assert.Equal(spoken, (await ProbeAsync(server, deep)).Versions["SSL 2.0"]);
        }
    }

    [Theory]
    [InlineData(0xC02F, 0x0303)]
    [InlineData(Aes, 0x0301, 0x0302, 0x0303)]
    public async Task A_quick_look_asks_for_SSL_2_only_where_SSL_3_is_spoken(int suite, params int[] versions)
    {
        await using var server = new OldServer { Versions = [.. versions], Suites = [suite], Ssl2Answer = Ssl2Hello }.Start();

        Assert.False((await ProbeAsync(server, deep: false)).Versions.ContainsKey("SSL 2.0"));
        Assert.True((await ProbeAsync(server, deep: true)).Versions["SSL 2.0"]);
    }

    [Theory]
    [InlineData(true, true, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public async Task What_a_server_does_not_say_is_missing(bool masterSecret, bool renegotiation, bool compresses)
    {
        await using var server = new OldServer
        {
            Versions = [0x0303],
            Suites = [Aes],
            MasterSecret = masterSecret,
            Renegotiation = renegotiation,
            Compresses = compresses,
        }.Start();

        var facts = await ProbeAsync(server, deep: false);

        Assert.Equal((masterSecret, renegotiation, compresses), (facts.ExtendedMasterSecret, facts.SecureRenegotiation, facts.Compression));
    }

    [Theory]
    [InlineData(new[] { 0x1D, 0x11EC }, false, new[] { "X25519MLKEM768", "x25519" })]
    [InlineData(new[] { 0x11ED, 0x1D, 0x11EB }, true, new[] { "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "x25519" })]
    [InlineData(new[] { 0x17, 0x6399, 0x0201 }, false, new[] { "MLKEM768", "X25519Kyber768Draft00", "secp256r1" })]
    public async Task Groups_of_tomorrow_are_found_and_whether_they_are_preferred(int[] groups, bool preferred, string[] expected)
    {
        await using var server = new OldServer { Versions = [0x0304], Suites = [0x1302], Groups = groups }.Start();

        var quick = await ProbeAsync(server, deep: false);
        var deep = await ProbeAsync(server, deep: true);

        Assert.Equal((preferred, preferred), (quick.PostQuantumPreferred, deep.PostQuantumPreferred));
        Assert.True(quick.GroupsKnown && deep.GroupsKnown && deep.AllGroups);
        Assert.Contains(quick.Groups, group => NamedGroups.PostQuantum.Any(known => known.Name == group));
        Assert.Equal(expected, deep.Groups.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Ten_suites_of_every_class_are_found_within_the_connections_there_are()
    {
        int[] suites = [0xC02F, 0xC030, 0x009E, 0x0033, 0x0035, Aes, TripleDes, Rc4, Export, 0x0034];
        await using var server = new OldServer { Versions = [0x0303], Suites = suites }.Start();

        var facts = (await Probing.RunAsync(server.Endpoint.Port, Probing.Options(deep: true, connections: 38))).Facts;

        Assert.True(server.Connections <= 38);
        Assert.True(facts.AllSuites);
        Assert.Equal(suites.Select(CipherSuites.NameOf).Order(StringComparer.Ordinal), facts.Suites.Select(suite => suite.Name).Order(StringComparer.Ordinal));
        Assert.True(facts.ServerOrder);
    }

    [Fact]
    public async Task A_quick_look_opens_no_more_connections_than_it_may_and_says_what_it_left_out()
    {
        await using var server = new OldServer { Versions = [0x0300, 0x0301, 0x0302, 0x0303], Suites = [.. CipherSuites.Tls12.Select(suite => suite.Value)] }.Start();

        var facts = (await Probing.QuickAsync(server.Endpoint.Port)).Facts;

        Assert.True(server.Connections <= 8, $"{server.Connections}");
        Assert.Equal(server.Connections, facts.Hellos.Length);
        Assert.False(facts.AllSuites);
        Assert.Contains(facts.Problems, problem => problem.Contains("8 connections are as many as may be opened", StringComparison.Ordinal));
    }

    /// <summary>A server with an order of its own answers with its best; what is broken has to be asked for alone.</summary>
    [Theory]
    [InlineData(new[] { 0xC02F, 0xC013, 0x0035 }, "")]
    [InlineData(new[] { 0xC02F, 0xC013, 0x0035, Rc4 }, "TLS_RSA_WITH_RC4_128_SHA")]
    [InlineData(new[] { 0xC02F, Aes, 0xC018 }, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA")]
    public async Task A_quick_look_finds_a_broken_suite_behind_better_ones(int[] suites, string broken)
    {
        await using var server = new OldServer { Versions = [0x0303], Suites = suites }.Start();

        var facts = await ProbeAsync(server, deep: false);

        Assert.True(facts.BrokenKnown);
        Assert.Equal(broken, string.Join(' ', facts.Suites.Where(suite => HelloOffers.IsBroken(CipherSuites.All.Single(known => known.Name == suite.Name))).Select(suite => suite.Name)));
    }

    /// <summary>Twice a server may turn us away before it is left alone; a quick look goes at once.</summary>
    [Theory]
    [InlineData(true, 2, true, null)]
    [InlineData(true, 3, false, 8)]
    [InlineData(false, 1, false, 6)]
    public async Task Who_is_turned_away_comes_back_later_and_not_for_ever(bool deep, int refusals, bool complete, int? connections)
    {
        var old = new OldServer { Versions = [0x0303], Suites = [0xC02F, Aes, TripleDes] };
        var opened = 0;
        await using var server = ScriptedServer.Start(async (stream, stop) =>
        {
            var number = Interlocked.Increment(ref opened);
            if (number > 5 && number <= 5 + refusals)
            {
                await ScriptedServer.SendAsync(stream, "421 4.7.0 Too many connections\r\n", stop);
                return;
            }

            await ScriptedServer.SendAsync(stream, "220 mx\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, "250-mx\r\n250 STARTTLS\r\n", stop);
            await ScriptedServer.LineAsync(stream, stop);
            await ScriptedServer.SendAsync(stream, "220 go\r\n", stop);
            var hello = await OldServer.ReadAsync(stream, stop);
            await stream.WriteAsync((hello[0] & 0x80) == 0 ? old.Answer(ReceivedHello.Read(hello)) : [], stop);
        });

        var facts = (await Probing.RunAsync(server.Endpoint.Port, Probing.Options(deep, connections: 60), MailProtocol.Smtp)).Facts;

        Assert.Equal(complete, facts.AllSuites);
        Assert.Equal(complete, !facts.Problems.Any(problem => problem.Contains("421", StringComparison.Ordinal)));
        Assert.Equal(connections ?? server.Connections, server.Connections);
    }

    static async Task<TlsFacts> ProbeAsync(ScriptedServer server, bool deep) =>
        (deep ? await Probing.DeepAsync(server.Endpoint.Port) : await Probing.QuickAsync(server.Endpoint.Port)).Facts;
}
