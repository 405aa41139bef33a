using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Hopseal.Commands.Publishing;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;

namespace Hopseal.Tests.Commands.Publishing;

/// <summary>The words of <c>hopseal dns</c> for one zone each; CURRENT, NEXT and OTHER stand for the data of a record.</summary>
public sealed class DnsCommandTests : IDisposable
{
    const string Host = "mx1.example.org";
    const string Other = "0000000000000000000000000000000000000000000000000000000000000000";

    readonly Workspace _workspace = new();
    readonly string _current;
    readonly string _next;

    public DnsCommandTests()
    {
        using var certificate = _workspace.WriteCertificate("mx");
        _current = Digest(OwnKey.Of(certificate));
        NextKey.Create(_workspace.PathOf("next.key"));
        _next = Digest(OwnKey.Of(Assert.IsType<NextKey.Usable>(NextKey.Read(_workspace.PathOf("next.key"))).PublicKey));
        Configure("""{ "Chain": "mx.pem", "Key": "mx.key", "NextKey": "next.key" }""");
    }

    const string Wanted = """
        ; the key in use for mx1.example.org
        _25._tcp.mx1.example.org. 3600 IN TLSA 3 1 1 CURRENT
        ; the next key
        _25._tcp.mx1.example.org. 3600 IN TLSA 3 1 1 NEXT

        """;

    /// <summary>A zone, the exit code, and standard error.</summary>
    public static TheoryData<string, int, string> Zones => new()
    {
        {
            """
            $SECURE on
            example.org MX 10 mx1.example.org
            _25._tcp.mx1.example.org TLSA 3 1 1 CURRENT
            _25._tcp.mx1.example.org TLSA 3 1 1 NEXT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:tls@example.org
            """,
            0, "example.org: published as wanted\n"
        },
        {
            """
            $SECURE on
            example.org MX 10 mx1.example.org
            mx1.example.org A 192.0.2.1
            """,
            1,
            """
            _25._tcp.mx1.example.org TLSA: no record for the key in use for mx1.example.org
            _25._tcp.mx1.example.org TLSA: no record for the next key
            note: _smtp._tls.example.org has no TLSRPT record: nobody tells you of failures; --rua mailto:… prints one
            example.org: 2 differences

            """
        },
        {
            """
            $SECURE on
            example.org MX 10 mx1.example.org
            example.org MX 20 backup.example.net
            _25._tcp.mx1.example.org TLSA 3 1 1 CURRENT
            _25._tcp.mx1.example.org TLSA 3 1 1 NEXT
            _25._tcp.mx1.example.org TLSA 3 1 1 OTHER
            _25._tcp.mx1.example.org TLSA 1 1 1 CURRENT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:tls@example.org
            """,
            1,
            """
            _25._tcp.mx1.example.org TLSA: 3 1 1 OTHER: matches neither the key in use nor the next one
            _25._tcp.mx1.example.org TLSA: 1 1 1 CURRENT: senders ignore it: usage 1 means nothing to mail servers (RFC 7672 §3.1.3)
            note: MX hosts that are not this gateway, and not looked at: backup.example.net
            example.org: 2 differences

            """
        },
        {
            """
            example.org MX 10 mx1.example.org
            _25._tcp.mx1.example.org TLSA 3 1 1 CURRENT
            _25._tcp.mx1.example.org TLSA 3 1 1 NEXT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:tls@example.org
            """,
            1,
            """
            example.org MX: not signed with DNSSEC, or this resolver does not validate: senders that use DANE go by signed MX records only
            _25._tcp.mx1.example.org TLSA: published without DNSSEC, or this resolver does not validate: senders ignore it
            example.org: 2 differences

            """
        },
        {
            """
            $SECURE on
            example.org MX 10 mx.example.net
            _25._tcp.mx1.example.org TLSA 3 1 1 CURRENT
            _25._tcp.mx1.example.org TLSA 3 1 1 NEXT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:one@example.org
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:two@example.org
            """,
            1,
            """
            example.org MX: no record names this gateway (mx1.example.org), but mx.example.net; see MxNames
            _smtp._tls.example.org TXT: 2 TLSRPT records: senders then ignore all of them
            example.org: 2 differences

            """
        },
        {
            """
            $SECURE on
            example.org MX 10 mx1.example.org
            _25._tcp.mx1.example.org FAIL TLSA bogus
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=mailto:tls@example.org
            """,
            3,
            """
            cannot be looked up: _25._tcp.mx1.example.org TLSA: SERVFAIL, bogus
            example.org: not everything could be looked up

            """
        },
    };

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [MemberData(nameof(Zones))]
    public async Task What_is_wanted_goes_to_standard_output_and_what_differs_to_standard_error(string zone, int exitCode, string error)
    {
        var run = await RunAsync(zone, "dns", "example.org");
        Assert.Equal((exitCode, error, Wanted), (run.ExitCode, Marked(run.Error), Marked(run.Out)));
    }

    [Fact]
    public async Task A_TLSRPT_record_is_printed_for_the_addresses_that_are_given()
    {
        const string Zone = """
            $SECURE on
            example.org MX 10 mx1.example.org
            _25._tcp.mx1.example.org TLSA 3 1 1 CURRENT
            _25._tcp.mx1.example.org TLSA 3 1 1 NEXT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua=https://example.net/r, mailto:tls@example.org
            """;
        var run = await RunAsync(Zone, "dns", "example.org", "--rua", "mailto:tls@example.org", "--rua", "https://example.net/r");
        Assert.Equal((0, "example.org: published as wanted\n"), (run.ExitCode, run.Error));
        Assert.EndsWith(
            "\n_smtp._tls.example.org. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:tls@example.org,https://example.net/r\"\n", run.Out, StringComparison.Ordinal);

        run = await RunAsync(Zone, "dns", "example.org", "--rua", "mailto:new@example.org");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("_smtp._tls.example.org TXT: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mailto:tlsrpt@example.org,https://mx1.example.org:8443/tlsrpt", 0)]
    [InlineData("https://reports.example.net/r,mailto:tlsrpt@example.org", 0)]
    [InlineData("mailto:else@example.org", 1)]
    public async Task Without_addresses_it_is_those_at_which_the_gateway_takes_reports(string published, int exitCode)
    {
        Configure("""{ "Chain": "mx.pem", "Key": "mx.key", "NextKey": "next.key" }""", """ "TlsReports": { "Receive": { "Mailboxes": [ "reports@example.net", "tlsrpt@example.org" ], "Endpoint": "0.0.0.0:8443" } }, """, ", \"example.net\": { \"Maildir\": \"mail\" }");
        var run = await RunAsync(
            $$"""
            $SECURE on
            example.org MX 10 {{Host}}
            _25._tcp.{{Host}} TLSA 3 1 1 CURRENT
            _25._tcp.{{Host}} TLSA 3 1 1 NEXT
            _smtp._tls.example.org TXT v=TLSRPTv1\; rua={{published}}
            """,
            "dns", "example.org");

        Assert.True(exitCode == run.ExitCode, run.Error);
        Assert.EndsWith(
            "\n_smtp._tls.example.org. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@example.org,https://mx1.example.org:8443/tlsrpt\"\n", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3 1 2 SHA512")]
    [InlineData("3 0 1 WHOLE")]
    [InlineData("3 1 0 SPKI")]
    public async Task A_record_of_another_kind_that_matches_is_as_good(string record)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(_workspace.PathOf("mx.pem"));
        var key = certificate.PublicKey.ExportSubjectPublicKeyInfo();
        var text = record
            .Replace("SHA512", Convert.ToHexString(System.Security.Cryptography.SHA512.HashData(key)), StringComparison.Ordinal)
            .Replace("WHOLE", Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(certificate.RawData)), StringComparison.Ordinal)
            .Replace("SPKI", Convert.ToHexString(key), StringComparison.Ordinal);
        Configure("""{ "Chain": "mx.pem", "Key": "mx.key" }""");
        var run = await RunAsync($"$SECURE on\nexample.org MX 10 {Host}\n_25._tcp.{Host} TLSA {text}", "dns", "example.org");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("note: there is no next key for mx1.example.org: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_waits_has_its_record_printed_and_the_kept_one_too()
    {
        var directory = RolloverFiles.Copies(_workspace.Directory);
        Directory.CreateDirectory(directory);
        var certificates = Hopseal.Smtp.Tls.ServerCertificates.Load([new(_workspace.PathOf("mx.pem"), _workspace.PathOf("mx.key"))]);
        new CertificateCopies(directory, new ListLog<CertificateCopies>()).Keep(certificates, _ => true);
        var history = PublishedTlsa.Nothing(DomainName.Parse(Host)).With(
            new DnsAnswer<TlsaRecord>.Found(
                [new TlsaRecord(3, 1, 1, [.. Convert.FromHexString(_current)])], DomainName.Parse(Host), DnssecStatus.Secure, TimeSpan.FromHours(1)),
            TimeProvider.System.GetUtcNow());
        new TlsaHistoryFile(RolloverFiles.History(_workspace.Directory)).Save([history]);
        using var renewed = _workspace.WriteCertificate("mx");

        var run = await RunAsync($"$SECURE on\nexample.org MX 10 {Host}\n_25._tcp.{Host} TLSA 3 1 1 CURRENT", "dns", "example.org");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            $"""
            ; the key in use for mx1.example.org
            _25._tcp.mx1.example.org. 3600 IN TLSA 3 1 1 CURRENT
            ; the key of the renewed certificate that waits
            _25._tcp.mx1.example.org. 3600 IN TLSA 3 1 1 {Digest(OwnKey.Of(renewed))}
            ; the next key
            _25._tcp.mx1.example.org. 3600 IN TLSA 3 1 1 NEXT

            """,
            Marked(run.Out));
        Assert.Contains("TLSA: no record for the key of the renewed certificate that waits\n", run.Error, StringComparison.Ordinal);
        Assert.Contains("mx.pem is new and waits: no published TLSA record of mx1.example.org matches it\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_id_of_the_policy_that_is_served_is_printed()
    {
        var json = File.ReadAllText(_workspace.PathOf("hopseal.json"));
        _workspace.Write("hopseal.json", json.Replace("\"Domains\"", """
            "MtaSts": { "Endpoint": "127.0.0.1:8443", "Policies": { "example.org": { "Mode": "testing", "Mx": [ "mx1.example.org" ] } } },
            "Domains"
            """, StringComparison.Ordinal));
        var run = await RunAsync($"$SECURE on\nexample.org MX 10 {Host}\nmta-sts.example.org A 192.0.2.1", "dns", "example.org");
        Assert.Matches("\n_mta-sts.example.org. 3600 IN TXT \"v=STSv1; id=[0-9a-f]+;\"\n", run.Out);
        Assert.Contains("_mta-sts.example.org TXT: no MTA-STS record\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_scripts_there_is_one_JSON_object()
    {
        var run = await RunAsync($"$SECURE on\nexample.org MX 10 {Host}\n_25._tcp.{Host} TLSA 3 1 1 {Other}", "dns", "example.org", "--json");
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        var report = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal("example.org", report.GetProperty("domain").GetString());
        Assert.Equal("3 1 1 " + _current, report.GetProperty("records")[0].GetProperty("data").GetString());
        Assert.Equal(
            ["Missing", "Missing", "Stale"],
            report.GetProperty("differences").EnumerateArray().Select(difference => difference.GetProperty("kind").GetString()));
    }

    [Theory]
    [InlineData("not a name", "hopseal: \"not a name\" is not a domain name\n")]
    [InlineData("example.net", "hopseal: example.net is none of the Domains of the configuration\n")]
    [InlineData("example.org --rua tls@example.org", "hopseal: \"tls@example.org\" is not an address for reports, such as mailto:tls-reports@example.org: it is neither mailto nor https\n")]
    [InlineData("example.org --rua mailto:a@example.org,mailto:b@example.org", null)]
    [InlineData("example.org --config none.json", "hopseal: none.json: there is no such file\n")]
    public async Task What_cannot_be_asked_ends_with_2(string arguments, string? error)
    {
        string[] args = arguments.StartsWith("not", StringComparison.Ordinal) ? [arguments] : arguments.Split(' ');
        var run = await RunAsync("", ["dns", .. args]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal(error ?? run.Error, run.Error);
    }

    [Theory]
    [InlineData("plain", "\"plain\"")]
    [InlineData("", "\"\"")]
    [InlineData("a\"b\\c", "\"a\\\"b\\\\c\"")]
    [InlineData("\u00e9\n", "\"\\233\\010\"")]
    public void Text_is_quoted_for_a_zone(string text, string expected) => Assert.Equal(expected, ZoneTextData.Quoted(text));

    [Fact]
    public void Long_text_is_cut_into_strings_of_255_octets() =>
        Assert.Equal($"\"{new string('x', 255)}\" \"{new string('x', 45)}\"", ZoneTextData.Quoted(new string('x', 300)));

    static string Digest(OwnKey key) => Convert.ToHexStringLower(key.Record.Data.AsSpan());

    void Configure(string certificate, string section = "", string domains = "") => _workspace.Write("hopseal.json", $$"""
        {
          "Hostname": "{{Host}}", "DataDirectory": ".",
          "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
          "Certificates": [ {{certificate}} ], {{section}}
          "Domains": { "example.org": { "Maildir": "mail" }{{domains}} }
        }
        """);

    string Marked(string text) => text
        .Replace(_current, "CURRENT", StringComparison.Ordinal).Replace(_next, "NEXT", StringComparison.Ordinal).Replace(Other, "OTHER", StringComparison.Ordinal);

    Task<CommandRun> RunAsync(string zone, params string[] args) => CommandRun.OfAsync(
        _workspace.Directory,
        args,
        zone: ZoneResolver.Parse(zone
            .Replace("CURRENT", _current, StringComparison.Ordinal).Replace("NEXT", _next, StringComparison.Ordinal).Replace("OTHER", Other, StringComparison.Ordinal)));
}
