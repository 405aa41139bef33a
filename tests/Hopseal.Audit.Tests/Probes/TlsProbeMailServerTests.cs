using System.Text.Json;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Tests.Probes;

/// <summary>Real mail servers, each through its own dialogue, against what <c>openssl s_client -starttls</c> finds there.</summary>
public sealed class TlsProbeMailServerTests : IDisposable
{
    readonly Keys _keys = new();

    [Fact]
    public async Task Dovecot_is_read_through_IMAP_POP3_and_ManageSieve()
    {
        Assert.SkipWhen(MailServers.NoDovecot is not null, MailServers.NoDovecot ?? "");
        var ports = DovecotPorts.Free();
        using var dovecot = await MailServers.DovecotAsync(_keys, ports, TestContext.Current.CancellationToken);

        var imap = (await Probing.DeepAsync(ports.Imap, MailProtocol.Imap)).Facts;
        var others = new[]
        {
            await Probing.DeepAsync(ports.Imaps, MailProtocol.Imaps),
            await Probing.DeepAsync(ports.Pop3, MailProtocol.Pop3),
            await Probing.DeepAsync(ports.Pop3s, MailProtocol.Pop3s),
            await Probing.DeepAsync(ports.Sieve, MailProtocol.Sieve),
        };

        await EqualsOpenSslAsync(imap, ports.Imap, "imap");
        Assert.All(others, other => Assert.Equal(Summary(imap), Summary(other.Facts)));
    }

    [Fact]
    public async Task Nginx_is_read_through_its_mail_proxy()
    {
        Assert.SkipWhen(MailServers.NoNginx is not null, MailServers.NoNginx ?? "");
        var (startTls, implicitTls) = (MailServer.FreePort(), MailServer.FreePort());
        using var nginx = await MailServers.NginxAsync(_keys, startTls, implicitTls, TestContext.Current.CancellationToken);

        var facts = (await Probing.DeepAsync(startTls, MailProtocol.Submission)).Facts;

        await EqualsOpenSslAsync(facts, startTls, "smtp");
        Assert.Equal(Summary(facts), Summary((await Probing.DeepAsync(implicitTls, MailProtocol.Submissions)).Facts));
        Assert.Equal((true, false), (facts.Versions["TLS 1.3"], facts.Versions["TLS 1.2"]));
    }

    [Theory]
    [InlineData("tls_preempt_cipherlist = yes", "smtpd_tls_ciphers = high", "smtpd_tls_exclude_ciphers = aNULL, kRSA, SHA1, ARIA, CAMELLIA, CCM")]
    [InlineData("smtpd_tls_protocols = >=TLSv1.2", "smtpd_tls_exclude_ciphers = ARIA, CAMELLIA, CCM")]
    public async Task Postfix_is_read_through_SMTP(params string[] settings)
    {
        Assert.SkipWhen(MailServers.NoPostfix is not null, MailServers.NoPostfix ?? "");
        var port = MailServer.FreePort();
        using var postfix = await MailServers.PostfixAsync(_keys, port, settings, TestContext.Current.CancellationToken);

        var facts = (await Probing.DeepAsync(port, MailProtocol.Smtp)).Facts;

        await EqualsOpenSslAsync(facts, port, "smtp");
        Assert.Equal(settings[0] == "tls_preempt_cipherlist = yes", facts.ServerOrder);
    }

    /// <summary>GnuTLS is another implementation than everybody's OpenSSL.</summary>
    [Theory]
    [InlineData(Exim.Modern, true, "TLS 1.2 TLS 1.3")]
    [InlineData("tls_require_ciphers = NORMAL", false, "TLS 1.0 TLS 1.1 TLS 1.2 TLS 1.3")]
    [InlineData("tls_require_ciphers = NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:-VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-FFDHE2048", false, "TLS 1.0 TLS 1.1 TLS 1.2")]
    [InlineData("tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X448:+GROUP-SECP521R1", null, "TLS 1.3")]
    public async Task Exim_is_read_through_SMTP(string setting, bool? ordered, string versions)
    {
        Assert.SkipWhen(Exim.Missing is not null, Exim.Missing ?? "");
        var port = MailServer.FreePort();
        using var exim = await Exim.StartAsync(_keys, port, [setting], TestContext.Current.CancellationToken);

        var facts = (await Probing.DeepAsync(port, MailProtocol.Smtp)).Facts;

        await EqualsOpenSslAsync(facts, port, "smtp", byRemoval: true);
        Assert.True(ordered == facts.ServerOrder, Story(facts));
        Assert.Equal(versions, string.Join(' ', facts.Versions.Where(one => one.Value is true).Select(one => one.Key)));
        if (facts.Versions["TLS 1.3"] is true)
        {
            var groups = await OpenSslClient.GroupsAsync(port, "-tls1_3", ["P-256", "P-384", "P-521", "X25519", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"], "-starttls", "smtp");
            Assert.Equal(groups.Select(OpenSslGroup).Order(StringComparer.Ordinal), facts.Groups.Order(StringComparer.Ordinal));
        }
    }

    /// <summary>The one that everybody measures by, on the same server. Its own openssl is the system's, so SSL 3.0 is not compared.</summary>
    [Fact]
    public async Task What_testssl_finds_at_Postfix_is_what_is_found()
    {
        Assert.SkipWhen(MailServers.NoPostfix is not null, MailServers.NoPostfix ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/testssl"), "there is no testssl");
        var cancel = TestContext.Current.CancellationToken;
        var port = MailServer.FreePort();
        using var postfix = await MailServers.PostfixAsync(
            _keys, port, ["smtpd_tls_ciphers = high", "smtpd_tls_exclude_ciphers = aNULL, kRSA, ARIA, CAMELLIA, CCM", "smtpd_client_connection_rate_limit = 0"], cancel);
        var file = Path.Combine(_keys.MakeDirectory("testssl"), "result.json");

        var facts = (await Probing.DeepAsync(port, MailProtocol.Smtp)).Facts;
        var (_, output) = await Programs.RunAsync(
            "/usr/bin/testssl", ["--starttls", "smtp", "-p", "-f", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", file, $"127.0.0.1:{port}"], cancel);

        Assert.True(File.Exists(file), output);
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(file, cancel));
        var found = json.RootElement.EnumerateArray().ToLookup(
            entry => Id(entry.GetProperty("id").GetString()!), entry => entry.GetProperty("finding").GetString()!);
        foreach (var (id, version) in new[] { ("TLS1", "TLS 1.0"), ("TLS1_1", "TLS 1.1"), ("TLS1_2", "TLS 1.2"), ("TLS1_3", "TLS 1.3") })
        {
            Assert.Equal(found[id].Single().StartsWith("offered", StringComparison.Ordinal), facts.Versions[version]);
        }

        // Forward secrecy: suites by OpenSSL's names, and the curves of TLS 1.2 and 1.3 together.
        var secret = found["FS_ciphers"].Single().Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
        Assert.Equal(
            secret,
            facts.Suites.Select(suite => suite.Name).Distinct().Select(OpenSslName).Order(StringComparer.Ordinal));
        Assert.Equal(("RFC3526/Oakley Group 14", 2048), (found["DH_groups"].Single(), facts.DhBits));
        var curves = found["FS_ECDHE_curves"].Single().Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Iana);
        Assert.Equal(
            curves.Order(StringComparer.Ordinal),
            facts.Groups.Concat(facts.OlderGroups).Where(group => !group.StartsWith("ffdhe", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal));
    }

    public void Dispose() => _keys.Dispose();

    static async Task EqualsOpenSslAsync(TlsFacts facts, int port, string protocol, bool byRemoval = false)
    {
        Assert.True(facts.AllSuites, string.Join('\n', facts.Problems));
        foreach (var (name, option) in new[] { ("TLS 1.3", "-tls1_3"), ("TLS 1.2", "-tls1_2"), ("TLS 1.1", "-tls1_1"), ("TLS 1.0", "-tls1") })
        {
            var expected = await (byRemoval ? OpenSslClient.SuitesByRemovalAsync(port, option, "-starttls", protocol) : OpenSslClient.SuitesAsync(port, option, "-starttls", protocol));
            var found = facts.Suites.Where(suite => suite.Version == name).Select(suite => suite.Name).Order(StringComparer.Ordinal);
            Assert.True(expected.SequenceEqual(found), $"{name}: {string.Join(' ', expected.Except(found))} / {string.Join(' ', found.Except(expected))}\n{Story(facts)}");
            Assert.True(expected.Count > 0 == facts.Versions[name], $"{name}\n{Story(facts)}");
        }
    }

    static string Story(TlsFacts facts) =>
        string.Join('\n', facts.Hellos.Select(hello => $"{hello.Asked} -> {hello.Answered}").Concat(facts.Problems));

    static string Summary(TlsFacts facts) =>
        $"{string.Join(' ', facts.Versions)} {string.Join(' ', facts.Suites)} {string.Join(' ', facts.Groups)} {facts.ServerOrder} {facts.ExtendedMasterSecret}";

    /// <summary>Before 3.2 it was "perfect" forward secrecy.</summary>
    static string Id(string id) => id.StartsWith("PFS", StringComparison.Ordinal) ? id[1..] : id;

    static string OpenSslName(string name) => Audit.Hello.CipherSuites.All.Single(suite => suite.Name == name).OpenSslName!;

    static string OpenSslGroup(string group) => group switch
    {
        "P-256" => "secp256r1",
        "P-384" => "secp384r1",
        "P-521" => "secp521r1",
        _ => Iana(group),
    };

    static string Iana(string curve) => curve switch
    {
        "prime256v1" => "secp256r1",
        "X25519" => "x25519",
        "X448" => "x448",
        _ => curve,
    };
}
