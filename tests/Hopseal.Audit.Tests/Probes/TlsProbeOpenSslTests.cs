using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Tests.Probes;

/// <summary>What is found at OpenSSL's server, in many configurations, is what OpenSSL's client finds there.</summary>
public sealed class TlsProbeOpenSslTests : IDisposable
{
    static readonly Dictionary<string, string> s_groups = new()
    {
        ["P-256"] = "secp256r1",
        ["P-384"] = "secp384r1",
        ["P-521"] = "secp521r1",
        ["X25519"] = "x25519",
        ["X448"] = "x448",
        ["ffdhe2048"] = "ffdhe2048",
        ["ffdhe3072"] = "ffdhe3072",
        ["ffdhe4096"] = "ffdhe4096",
        ["ffdhe6144"] = "ffdhe6144",
        ["ffdhe8192"] = "ffdhe8192",
    };

    static readonly Dictionary<string, string> s_olderGroups = new()
    {
        ["P-224"] = "secp224r1",
        ["P-256"] = "secp256r1",
        ["P-384"] = "secp384r1",
        ["P-521"] = "secp521r1",
        ["X25519"] = "x25519",
        ["X448"] = "x448",
        ["brainpoolP256r1"] = "brainpoolP256r1",
        ["brainpoolP384r1"] = "brainpoolP384r1",
        ["brainpoolP512r1"] = "brainpoolP512r1",
        ["secp256k1"] = "secp256k1",
    };

    readonly Keys _keys = new();

    public static TheoryData<string> Configurations =>
    [
        "-cert RSA -cipher DEFAULT",
        "-cert RSA -dcert ECDSA -cipher DEFAULT -tls1_2",
        "-cert RSA -cipher ALL:COMPLEMENTOFALL:@SECLEVEL=0 -dhparam DH1024 -legacy_renegotiation",
        "-cert ECDSA -cipher ECDHE+AESGCM -serverpref -groups X25519:P-256",
        "-cert RSA -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_8_SHA256 -groups P-384:ffdhe3072",
        "-cert RSA -tls1_1 -cipher ALL:@SECLEVEL=0",
        "-cert RSA -tls1 -cipher ALL:@SECLEVEL=0",
        "-cert RSA -no_tls1_2 -cipher ALL:@SECLEVEL=0",
    ];

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task Versions_and_suites_are_those_that_the_client_of_OpenSSL_finds(string configuration)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration);

        var facts = (await Probing.DeepAsync(server.Port)).Facts;

        Assert.True(facts.AllSuites, Story(facts));
        foreach (var (name, option) in new[] { ("TLS 1.3", "-tls1_3"), ("TLS 1.2", "-tls1_2"), ("TLS 1.1", "-tls1_1"), ("TLS 1.0", "-tls1") })
        {
            var expected = await OpenSslClient.SuitesAsync(server.Port, option);
            Assert.Equal(expected, facts.Suites.Where(suite => suite.Version == name).Select(suite => suite.Name).Order(StringComparer.Ordinal));
            Assert.True(expected.Count > 0 == facts.Versions[name], Story(facts));
        }

        Assert.False(facts.Versions["SSL 3.0"], Story(facts));
        Assert.Empty(facts.Problems);
    }

    [Theory]
    [InlineData("-cert RSA", "")]
    [InlineData("-cert RSA -groups X25519:P-521:ffdhe4096", "")]
    [InlineData("-cert ECDSA -groups P-384:P-256", "")]
    [InlineData("-cert RSA -tls1_2 -groups P-384:X448", "-tls1_2")]
    [InlineData("-cert RSA -tls1_2 -groups brainpoolP256r1:P-224:secp256k1", "-tls1_2")]
    public async Task Groups_are_those_that_the_client_of_OpenSSL_finds(string configuration, string version)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync($"{configuration} -cipher ALL:@SECLEVEL=0");

        var facts = (await Probing.DeepAsync(server.Port)).Facts;

        var older = version.Length > 0;
        var names = older ? s_olderGroups : s_groups;
        var expected = await OpenSslClient.GroupsAsync(
            server.Port, older ? version : "-tls1_3", names.Keys, older ? ["-cipher", "ECDHE:@SECLEVEL=0"] : []);
        Assert.Equal(
            expected.Select(name => names[name]).Order(StringComparer.Ordinal), (older ? facts.OlderGroups : facts.Groups).Order(StringComparer.Ordinal));
        Assert.True(older ? facts.AllOlderGroups : facts.AllGroups, Story(facts));
        Assert.True(facts.GroupsKnown);
        Assert.NotEqual(true, facts.PostQuantumPreferred);
    }

    [Theory]
    [InlineData("-cert RSA -cipher ECDHE+AESGCM:AES128-SHA -serverpref", true)]
    [InlineData("-cert RSA -cipher ECDHE+AESGCM:AES128-SHA", false)]
    [InlineData("-cert RSA -cipher ECDHE:DHE:AES -serverpref -prioritize_chacha", true)]
    [InlineData("-cert RSA -cipher ECDHE-RSA-AES128-GCM-SHA256 -serverpref", null)]
    public async Task The_order_of_the_server_is_told_from_that_of_the_client(string configuration, bool? ordered)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration);

        var quick = (await Probing.QuickAsync(server.Port)).Facts;
        var deep = (await Probing.DeepAsync(server.Port)).Facts;

        Assert.Equal((ordered, ordered), (quick.ServerOrder, deep.ServerOrder));
        Assert.Equal(quick.ChosenStrongFirst == quick.ChosenWeakFirst, ordered is not false);
    }

    [Theory]
    [InlineData("-cert RSA -tls1_2 -cipher ALL:@SECLEVEL=0 -dhparam DH1024", 1024)]
    [InlineData("-cert RSA -tls1_2 -cipher ECDHE", null)]
    public async Task The_prime_is_measured(string configuration, int? bits)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration);

        Assert.Equal(bits, (await Probing.QuickAsync(server.Port)).Facts.DhBits);
        Assert.Equal(bits, (await Probing.DeepAsync(server.Port)).Facts.DhBits);
    }

    [Theory]
    [InlineData("-cert RSA -tls1_2", true, true, false)]
    [InlineData("-cert RSA -tls1_2 -cipher DEFAULT:@SECLEVEL=0 -sigalgs RSA+SHA1:RSA+SHA256", true, true, true)]
    [InlineData("-cert RSA -tls1_3", null, null, null)]
    public async Task Extensions_and_signatures_are_seen(string configuration, bool? masterSecret, bool? renegotiation, bool? sha1)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration);

        var facts = (await Probing.QuickAsync(server.Port)).Facts;

        Assert.Equal((masterSecret, renegotiation, sha1), (facts.ExtendedMasterSecret, facts.SecureRenegotiation, facts.Sha1Signature));
        Assert.Equal(masterSecret is null ? null : false, facts.Compression);
    }

    [Theory]
    [InlineData("-cert RSA", true)]
    [InlineData("-cert RSA -tls1_2", null)]
    [InlineData("-cert RSA -no_tls1_3 -cipher ALL:@SECLEVEL=0", true)]
    public async Task A_fallback_is_refused_where_there_is_something_newer(string configuration, bool? refused)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration);

        Assert.Equal(refused, (await Probing.DeepAsync(server.Port)).Facts.FallbackRefused);
    }

    [Theory]
    [InlineData("-cert RSA -dcert ECDSA", 2)]
    [InlineData("-cert RSA", 1)]
    [InlineData("-cert ECDSA -tls1_2", 1)]
    public async Task Certificates_of_both_kinds_are_seen(string configuration, int kinds)
    {
        Assert.SkipUnless(OpenSslServer.Installed, "there is no openssl");
        using var server = await StartAsync(configuration.Replace("-dcert ECDSA", "-dcert ECDSA -dkey ECDSA", StringComparison.Ordinal));

        Assert.Equal(kinds, (await Probing.QuickAsync(server.Port, everyCertificate: true)).Chains.Length);
    }

    public void Dispose() => _keys.Dispose();

    async Task<OpenSslServer> StartAsync(string configuration)
    {
        var cancel = TestContext.Current.CancellationToken;
        string[] options =
        [
            .. configuration.Split(' ').Select(word => word switch
            {
                "RSA" => _keys.Rsa,
                "ECDSA" => _keys.Ecdsa,
                "DH1024" => _keys.WriteFile("dh.pem", DhParameters.Of1024Bits),
                _ => word,
            }),
        ];
        return await OpenSslServer.StartAsync(cancel, options);
    }

    static string Story(TlsFacts facts) =>
        string.Join('\n', facts.Hellos.Select(hello => $"{hello.Asked} -> {hello.Answered}").Concat(facts.Problems));
}
