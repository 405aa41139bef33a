using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>TLS reports (RFC 8460) that others make and sign come to the real executable.</summary>
public sealed class ReceivedReportTests
{
    const string Gateway = "gateway.test";
    const string Ours = "kept.test";
    const string Reporter = "company-x.test";
    const int StoredEvent = 2901;
    const int PutAsideEvent = 2903;

    /// <summary>Signed by dkimpy.</summary>
    [Fact(Timeout = 120_000)]
    public async Task A_report_counts_when_its_author_signed_it_and_not_when_it_was_changed()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("reports");
        using var key = RSA.Create(2048);
        var keyFile = directory.Write("dkim.pem", key.ExportRSAPrivateKeyPem());
        await using var unbound = await UnboundInstance.StartAsync([KeyRecord(key)], cancel);
        var port = Ports.Next();
        await using var gateway = new GatewayProcess(directory, Configuration(directory, port, unbound.Port), port);
        await gateway.StartAsync(cancel);

        var good = await SignAsync(Message("good"), keyFile, cancel);
        await SendAsync(port, good, cancel);
        await SendAsync(port, await SignAsync(Odd(Message("odd")), keyFile, cancel), cancel);
        await SendAsync(port, await SignAsync(Single("single"), keyFile, cancel, "--hcanon", "simple", "--bcanon", "relaxed"), cancel);
        await SendAsync(port, (await SignAsync(Message("tampered"), keyFile, cancel)).Replace("Of all of us", "Of some of us", StringComparison.Ordinal), cancel);
        await SendAsync(port, Message("unsigned"), cancel);
        await SendAsync(port, "From: <a@company-x.test>\r\nSubject: hello\r\n\r\nIs this read?\r\n", cancel);

        Assert.Equal("signed by company-x.test", (await gateway.LoggedAsync(StoredEvent, "good", cancel)).GetProperty("Proof").GetString());
        Assert.Equal("signed by company-x.test", (await gateway.LoggedAsync(StoredEvent, "odd", cancel)).GetProperty("Proof").GetString());
        Assert.Equal("signed by company-x.test", (await gateway.LoggedAsync(StoredEvent, "single", cancel)).GetProperty("Proof").GetString());
        Assert.Equal(
            "not verified: the signature of company-x.test does not fit the message",
            (await gateway.LoggedAsync(StoredEvent, "tampered", cancel)).GetProperty("Proof").GetString());
        Assert.Equal("not verified: not signed", (await gateway.LoggedAsync(StoredEvent, "unsigned", cancel)).GetProperty("Proof").GetString());
        await gateway.LoggedAsync(PutAsideEvent, "the message holds no report", cancel);

        // Beside the gateway, and after its end.
        var running = await ReceivedAsync(directory, cancel, "--verified");
        Assert.Equal(["Company good", "Company odd", "Company single"], running.Select(report => report.GetProperty("organization").GetString()).Order(StringComparer.Ordinal));
        Assert.Equal(0, await gateway.StopAsync(cancel));
        Assert.Equal(5, (await ReceivedAsync(directory, cancel)).Length);
        Assert.False(Directory.Exists(Path.Combine(directory["maildir"], "new")), "report mail was delivered");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_report_by_HTTPS_is_kept_before_it_is_answered_and_survives_a_crash()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("reports");
        using var authority = new TestAuthority(directory);
        var certificate = authority.Issue(Gateway);
        var (port, endpoint) = (Ports.Next(), new IPEndPoint(IPAddress.Loopback, Ports.Next()));
        await using var gateway = new GatewayProcess(
            directory,
            new
            {
                Hostname = Gateway,
                DataDirectory = directory["data"],
                Listeners = new object[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                Domains = new Dictionary<string, object> { [Ours] = new { Maildir = directory["maildir"] } },
                TlsReports = new { Receive = new { Endpoint = $"{endpoint}" } },
            },
            port);
        await gateway.StartAsync(cancel);

        using (var client = new HttpClient(Handler(endpoint, authority.Root)))
        {
            using var content = new ByteArrayContent(Packed("posted")) { Headers = { ContentType = new("application/tlsrpt+gzip") } };
            using var response = await client.PostAsync($"https://{Gateway}/tlsrpt", content, cancel);
            Assert.Equal((HttpStatusCode.OK, "taken\n"), (response.StatusCode, await response.Content.ReadAsStringAsync(cancel)));
        }

        await gateway.KillAsync(cancel);
        var report = Assert.Single(await ReceivedAsync(directory, cancel));
        Assert.Equal(
            ("Company posted", "https", "127.0.0.1", "not verified: not signed"),
            (report.GetProperty("organization").GetString(), report.GetProperty("origin").GetString(), report.GetProperty("from").GetString(), report.GetProperty("proof").GetString()));
    }

    static SocketsHttpHandler Handler(IPEndPoint endpoint, X509Certificate2 root) => new()
    {
        ConnectCallback = async (_, cancel) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(endpoint, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions =
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck,
            },
        },
    };

    static object Configuration(TestDirectory directory, int port, int dns) => new
    {
        Hostname = Gateway,
        DataDirectory = directory["data"],
        Listeners = new object[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
        Domains = new Dictionary<string, object> { [Ours] = new { Maildir = directory["maildir"] } },
        TlsReports = new { Receive = new { Mailboxes = new[] { $"tlsrpt@{Ours}" } } },
        Dns = new { Servers = new[] { $"127.0.0.1:{dns}" } },
    };

    /// <summary>In character-strings of at most 255 octets (RFC 1035 §3.3).</summary>
    static string KeyRecord(RSA key)
    {
        var text = $"v=DKIM1; s=tlsrpt; p={Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())}";
        return $"reports._domainkey.{Reporter}. TXT {string.Join(' ', text.Chunk(200).Select(part => $"\"{new string(part)}\""))}";
    }

    static async Task<string> SignAsync(string message, string keyFile, CancellationToken cancel, params string[] options)
    {
        var signed = (await Command.RunAsync("dkimsign", [.. options, "reports", Reporter, keyFile], cancel, message)).Succeeded("dkimsign").Output;
        Assert.StartsWith("DKIM-Signature: ", signed, StringComparison.Ordinal);
        return signed.ReplaceLineEndings("\r\n");
    }

    static byte[] Packed(string name)
    {
        var day = TimeProvider.System.GetUtcNow().AddDays(-1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var json = $$"""
            {"organization-name":"Company {{name}}","date-range":{"start-datetime":"{{day}}T00:00:00Z","end-datetime":"{{day}}T23:59:59Z"},
            "contact-info":"tls@{{Reporter}}","report-id":"{{name}}","policies":[{"policy":{"policy-type":"no-policy-found","policy-domain":"{{Ours}}"},
            "summary":{"total-successful-session-count":7,"total-failure-session-count":0} } ] }
            """;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(json));
        }

        return packed.ToArray();
    }

    static string Message(string name) => $"""
            From: Reports <tls@{Reporter}>
            To: tlsrpt@{Ours}
            Subject: Report Domain: {Ours} Submitter: {Reporter} Report-ID: <{name}@{Reporter}>
            Date: Mon, 02 Nov 2026 03:00:00 +0000
            Message-ID: <{name}@{Reporter}>
            MIME-Version: 1.0
            TLS-Report-Domain: {Ours}
            TLS-Report-Submitter: {Reporter}
            Content-Type: multipart/report; report-type="tlsrpt"; boundary="b1"

            --b1
            Content-Type: text/plain

            Of all of us, to all of you.
            --b1
            Content-Type: application/tlsrpt+gzip
            Content-Transfer-Encoding: base64
            Content-Disposition: attachment; filename="{Reporter}!{Ours}!1!2.json.gz"

            {Convert.ToBase64String(Packed(name), Base64FormattingOptions.InsertLineBreaks)}
            --b1--

            """.ReplaceLineEndings("\r\n");

    /// <summary>No parts at all.</summary>
    static string Single(string name) => $"""
            FROM:  tls@{Reporter}
            Subject:   Report
             of today
            Date: Mon, 02 Nov 2026 03:00:00 +0000
            Content-Type: application/tlsrpt+gzip
            Content-Transfer-Encoding: base64

            {Convert.ToBase64String(Packed(name), Base64FormattingOptions.InsertLineBreaks)}



            """.ReplaceLineEndings("\r\n");

    /// <summary>What readers of MIME tend to tidy up: white space, folding, words around the parts.</summary>
    static string Odd(string message) => message
        .Replace("\r\n\r\n--b1\r\n", "\r\n\r\nA preamble.  \r\n\t\r\n--b1 \t\r\n", StringComparison.Ordinal)
        .Replace("Content-Type: application/tlsrpt+gzip", "content-TYPE:application/tlsrpt+gzip;\r\n\tx=\"y\" ;\r\n  z=1", StringComparison.Ordinal)
        .Replace("\r\n--b1--\r\n", "\r\n\r\n \r\n--b1-- \r\nAn epilogue. \r\n\r\n--b1\r\n\r\n", StringComparison.Ordinal);

    static async Task SendAsync(int port, string message, CancellationToken cancel)
    {
        await using var client = await RawSmtp.ConnectAsync(port, cancel);
        Assert.Equal(220, (await client.ReadReplyAsync(cancel))?.Code);
        (string Line, int Code)[] dialogue =
        [
            ("EHLO mail.company-x.test\r\n", 250), ($"MAIL FROM:<tls@{Reporter}>\r\n", 250), ($"RCPT TO:<TlsRpt@{Ours}>\r\n", 250),
            ("DATA\r\n", 354), ($"{message}.\r\n", 250), ("QUIT\r\n", 221),
        ];
        foreach (var (line, code) in dialogue)
        {
            await client.SendAsync(line, cancel);
            Assert.Equal(code, (await client.ReadReplyAsync(cancel))?.Code);
        }
    }

    static async Task<JsonElement[]> ReceivedAsync(TestDirectory directory, CancellationToken cancel, params string[] options)
    {
        var run = await Command.RunAsync(Executable.Path, ["report", "received", "--json", "--config", directory["hopseal.json"], .. options], cancel);
        return
        [
            .. run.Succeeded("report received").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
            {
                using var document = JsonDocument.Parse(line);
                return document.RootElement.Clone();
            }),
        ];
    }
}
