using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>TLS reports (RFC 8460) between two of the real executable, with a real resolver.</summary>
public sealed class SentReportTests
{
    const string Domain = "kept.test";
    const string Sender = "sender.test";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>Whether the signature fits, by the key in the record that stands in the first line, which has to be one for reports; and whether it would
    /// fit another text.</summary>
    const string Verifier = """
        import re, sys, dkim
        record, _, message = sys.stdin.buffer.read().partition(b"\n")
        key = b"".join(re.findall(rb'"([^"]*)"', record))
        def ask(name, timeout=5):
            return key if name == b"tlsrpt._domainkey.sender.test." else None
        print(*(dkim.verify(text, dnsfunc=ask, tlsrpt="strict") for text in (message, message.replace(b"aggregate", b"changed"))))
        """;

    /// <summary>The members of RFC 8460 §4.4 and §4.3, strictly: no other is written.</summary>
    const string Schema = """
        import json, sys, jsonschema
        def thing(needed, **members):
            return {"type": "object", "additionalProperties": False, "required": needed.split(), "properties": {name.replace("_", "-"): of for name, of in members.items()}}
        text, count = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
        lines = {"type": "array", "items": text, "minItems": 1}
        time = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
        kinds = ["tlsa", "sts", "no-policy-found"]
        results = ["starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure", "tlsa-invalid",
            "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"]
        address = {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}
        failure = thing("result-type failed-session-count", result_type={"enum": results}, sending_mta_ip=address, receiving_mx_hostname=text, receiving_mx_helo=text,
            receiving_ip=address, failed_session_count=count, additional_information=text, failure_reason_code=text)
        policy = thing("policy-type policy-domain", policy_type={"enum": kinds}, policy_string=lines, policy_domain=text, mx_host=lines)
        summary = thing("total-successful-session-count total-failure-session-count", total_successful_session_count=count, total_failure_session_count=count)
        report = thing("organization-name date-range contact-info report-id policies", organization_name=text,
            date_range=thing("start-datetime end-datetime", start_datetime=time, end_datetime=time), contact_info={"type": "string", "format": "email"}, report_id=text,
            policies={"type": "array", "minItems": 1, "items": thing("policy summary", policy=policy, summary=summary, failure_details={"type": "array", "items": failure})})
        given = json.load(sys.stdin)
        checked = jsonschema.Draft202012Validator(report, format_checker=jsonschema.FormatChecker())
        checked.validate(given)
        given["policies"][0]["failure-details"][0]["result-type"] = "unknown"
        print("valid", checked.is_valid(given))
        """;

    [Fact(Timeout = 180_000)]
    public async Task A_report_goes_by_mail_signed_as_others_check_it_and_never_into_our_own_network()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var here = new TestDirectory("reporter");
        using var there = new TestDirectory("reported");
        using (var key = RSA.Create(2048))
        {
            here.Write("tlsrpt.pem", key.ExportPkcs8PrivateKeyPem());
        }

        await using var unbound = await UnboundInstance.StartAsync(
            [
                $"{Domain}. MX 10 mx.{Domain}.", $"mx.{Domain}. A 127.0.0.1",
                $"_smtp._tls.{Domain}. TXT \"v=TLSRPTv1; rua=https://mx.{Domain}/tlsrpt,mailto:tls@{Domain}\"",
            ],
            cancel);
        var (port, nextPort) = (Ports.Next(), Ports.Next());
        await using var receiver = new GatewayProcess(
            there,
            new
            {
                Hostname = $"mx.{Domain}",
                DataDirectory = there["data"],
                Listeners = new object[] { new { Name = "mx", Endpoint = $"127.0.0.1:{nextPort}", Mode = "StartTls" } },
                Domains = new Dictionary<string, object> { [Domain] = new { Maildir = there["maildir"] } },
            },
            nextPort);
        await receiver.StartAsync(cancel);
        await using var reporter = new GatewayProcess(here, Reporter(here, port, nextPort, unbound.Port), port);
        await reporter.StartAsync(cancel);

        await SendAsync(port, cancel);
        await Eventually.FindAsync("a report", s_limit, async () => (await ReportAsync(here, cancel, "send", "--day", "today")).Length > 0 ? Domain : null, () => reporter.Output, cancel);
        var maildir = new Maildir(there["maildir"]);
        var mail = await Eventually.FindAsync("the mail", s_limit, () => maildir.Messages.FirstOrDefault(IsReport), () => reporter.Output, cancel);

        var record = (await Command.RunAsync(Executable.Path, ["dns", Sender, "--config", here["hopseal.json"]], cancel)).Output
            .Split('\n').Single(line => line.StartsWith($"tlsrpt._domainkey.{Sender}. ", StringComparison.Ordinal));
        var verified = await Command.RunAsync("/usr/bin/python3", ["-c", Verifier], cancel, $"{record}\n{Encoding.UTF8.GetString(mail.Content.Span)}");
        Assert.Equal("True False", verified.Succeeded("dkimpy").Output.Trim());

        // STARTTLS was not offered: that is what there is to tell.
        var json = await ReportAsync(here, cancel, "show", "1", "--json");
        Assert.Equal("valid False", (await Command.RunAsync("/usr/bin/python3", ["-c", Schema], cancel, json)).Succeeded("jsonschema").Output.Trim());
        using var report = JsonDocument.Parse(json);
        var policy = Assert.Single(report.RootElement.GetProperty("policies").EnumerateArray());
        Assert.Equal((0, 1), (Count(policy, "total-successful-session-count"), Count(policy, "total-failure-session-count")));
        Assert.Equal("starttls-not-supported", Assert.Single(policy.GetProperty("failure-details").EnumerateArray()).GetProperty("result-type").GetString());

        var line = await Eventually.FindAsync(
            "the report sent", s_limit, async () => await ReportAsync(here, cancel, "list", "--sent", "--json") is { Length: > 0 } sent ? sent : null, () => reporter.Output, cancel);
        using var listed = JsonDocument.Parse(line);
        Assert.Equal(
            [("Waiting", $"mx.{Domain} cannot be reached: 127.0.0.1: not a public address"), ("Sent", null)],
            listed.RootElement.GetProperty("targets").EnumerateArray().Select(target =>
                (target.GetProperty("state").GetString(), target.TryGetProperty("why", out var why) ? why.GetString() : null)));

        // Nothing about the session that carried it, neither now nor after a crash.
        await reporter.KillAsync(cancel);
        await reporter.StartAsync(cancel);
        Assert.Equal("", await ReportAsync(here, cancel, "send", "--day", "today", "--dry-run"));
    }

    static object Reporter(TestDirectory directory, int port, int nextPort, int dns) => new
    {
        Hostname = $"mx.{Sender}",
        DataDirectory = directory["data"],
        Listeners = new object[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
        Domains = new Dictionary<string, object> { [Sender] = new { Maildir = directory["maildir"] } },
        RelayFrom = new[] { "127.0.0.0/8" },
        Outbound = new { Port = nextPort, IdleSeconds = 0 },
        Dns = new { Servers = new[] { $"127.0.0.1:{dns}" } },
        TlsReports = new { Send = new { Organization = "Sender Org", Contact = $"tls@{Sender}", Dkim = new { Selector = "tlsrpt", KeyFile = directory["tlsrpt.pem"] } } },
    };

    static int Count(JsonElement policy, string name) => policy.GetProperty("summary").GetProperty(name).GetInt32();

    static bool IsReport(Arrival arrival) => Encoding.UTF8.GetString(arrival.Content.Span).Contains("TLS-Report-Domain: ", StringComparison.OrdinalIgnoreCase);

    static async Task<string> ReportAsync(TestDirectory directory, CancellationToken cancel, params string[] arguments)
    {
        var run = await Command.RunAsync(Executable.Path, ["report", .. arguments, "--config", directory["hopseal.json"]], cancel);
        Assert.True(run.ExitCode is 0 or 1, run.Error);
        return run.Output;
    }

    static async Task SendAsync(int port, CancellationToken cancel)
    {
        await using var client = await RawSmtp.ConnectAsync(port, cancel);
        Assert.Equal(220, (await client.ReadReplyAsync(cancel))?.Code);
        (string Line, int Code)[] dialogue =
        [
            ($"EHLO client.{Sender}\r\n", 250), ($"MAIL FROM:<me@{Sender}>\r\n", 250), ($"RCPT TO:<you@{Domain}>\r\n", 250),
            ("DATA\r\n", 354), ("Subject: hello\r\n\r\nThis is a test.\r\n.\r\n", 250), ("QUIT\r\n", 221),
        ];
        foreach (var (line, code) in dialogue)
        {
            await client.SendAsync(line, cancel);
            Assert.Equal(code, (await client.ReadReplyAsync(cancel))?.Code);
        }
    }
}
