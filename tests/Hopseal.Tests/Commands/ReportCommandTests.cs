using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Hopseal.Tests.Commands;

public sealed class ReportCommandTests : IDisposable
{
    const string Report = """
        {"organization-name":"Company-X","date-range":{"start-datetime":"2026-11-01T00:00:00Z","end-datetime":"2026-11-01T23:59:59Z"},
        "contact-info":"tls@company-x.example","report-id":"1","policies":[
        {"policy":{"policy-type":"sts","policy-string":["version: STSv1"],"policy-domain":"company-y.example"},
        "summary":{"total-successful-session-count":5326,"total-failure-session-count":4},
        "failure-details":[
        {"result-type":"certificate-expired","sending-mta-ip":"2001:db8::1","receiving-mx-hostname":"mx1.company-y.example","receiving-ip":"203.0.113.9","failed-session-count":1,"failure-reason-code":"X509_V_ERR_CERT_HAS_EXPIRED"},
        {"result-type":"certificate-expired","sending-mta-ip":"2001:db8::1","receiving-mx-hostname":"mx2.company-y.example","receiving-ip":"203.0.113.10","failed-session-count":2},
        {"result-type":"sts-policy-fetch-error","failed-session-count":1,"additional-information":"https://company-x.example/1"}]},
        {"policy":{"policy-type":"tlsa","policy-domain":"mx1.company-y.example"},
        "summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]}
        """;

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Import_says_who_met_what_where_and_what_to_do()
    {
        _workspace.Write("report.json", Report);

        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "report.json"]);

        Assert.Equal(
            """
            Company-X <tls@company-x.example> reports on 2026-11-01
              report.json
              company-y.example, MTA-STS: 5326 sessions good, 4 failed
                1 session: certificate-expired at mx1.company-y.example (203.0.113.9), from 2001:db8::1
                  Reason: X509_V_ERR_CERT_HAS_EXPIRED
                  The certificate has expired, or is not valid yet.
                  What to do: Renew it, make the server load the new one, and see that every address of the host shows it. Then find out why it was not renewed by itself.
                2 sessions: certificate-expired at mx2.company-y.example (203.0.113.10), from 2001:db8::1
                1 session: sts-policy-fetch-error
                  More: https://company-x.example/1
                  The MTA-STS policy could not be fetched.
                  What to do: Fetch https://mta-sts.company-y.example/.well-known/mta-sts.txt from outside: it must answer with 200 and text/plain, without a redirect.
              mx1.company-y.example, DANE: 1 session good, none failed


            """,
            run.Out);
        Assert.Equal((0, "1 report read, 0 rejected\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Import_with_json_prints_one_object_for_each_report()
    {
        _workspace.Write("report.json", Report);
        _workspace.Write("words.txt", "no report");

        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "--json", "report.json", "words.txt"]);

        var lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using var report = JsonDocument.Parse(lines[0]);
        var root = report.RootElement;
        Assert.StartsWith("""{"type":"report","file":"report.json","organization":"Company-X","contact":"tls@company-x.example","id":"1","start":"2026-11-01T00:00:00Z",""", lines[0], StringComparison.Ordinal);
        Assert.Equal(2, root.GetProperty("policies").GetArrayLength());
        var failure = root.GetProperty("policies")[0].GetProperty("failures")[1];
        Assert.Equal("certificate-expired", failure.GetProperty("resultType").GetString());
        Assert.Equal(2, failure.GetProperty("sessions").GetInt64());
        Assert.Equal("203.0.113.10", failure.GetProperty("receivingIp").GetString());
        Assert.Equal(0, root.GetProperty("warnings").GetArrayLength());
        Assert.Equal("""{"type":"rejected","file":"words.txt","reason":"it is neither JSON nor gzip nor zip"}""", lines[1]);
        Assert.Equal((1, 2), (run.ExitCode, lines.Length));
    }

    [Fact]
    public async Task Import_names_a_bad_report_with_the_reason_and_ends_with_1()
    {
        _workspace.Write("good.json", Report);
        await File.WriteAllBytesAsync(_workspace.PathOf("bomb.gz"), Bomb(), TestContext.Current.CancellationToken);

        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "bomb.gz", "good.json"]);

        Assert.StartsWith("bomb.gz: no report: it unpacks to more than 20971520 octets\n\nCompany-X ", run.Out, StringComparison.Ordinal);
        Assert.Equal((1, "1 report read, 1 rejected\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Import_goes_on_after_a_file_that_cannot_be_read_and_ends_with_3()
    {
        _workspace.Write("good.json", Report);

        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "none.json", ".", "good.json"]);

        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith("hopseal: \"none.json\" cannot be read: ", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("\n1 report read, 0 rejected\n", run.Error, StringComparison.Ordinal);
        Assert.StartsWith("Company-X ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_reads_standard_input()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "-"], Report);

        Assert.StartsWith("Company-X <tls@company-x.example> reports on 2026-11-01\n  standard input\n", run.Out, StringComparison.Ordinal);
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Import_of_nothing_is_a_wrong_use()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import"]);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
    }

    [Fact]
    public async Task Nothing_in_a_report_reaches_the_terminal_as_a_command()
    {
        _workspace.Write("evil.json", Report.Replace("Company-X", "\\u001b[2J\\u202eevil", StringComparison.Ordinal)
            .Replace("mx2.company-y.example", "mx2\\u0007\\u009b31m", StringComparison.Ordinal));

        foreach (var extra in new string[][] { [], ["--json"] })
        {
            var run = await CommandRun.OfAsync(_workspace.Directory, ["report", "import", "evil.json", .. extra]);
            Assert.DoesNotContain(run.Out, character => (char.IsControl(character) && character != '\n') || character == '\u202e');
            Assert.Contains("evil", run.Out, StringComparison.Ordinal);
        }
    }

    static byte[] Bomb()
    {
        using var octets = new MemoryStream();
        using (var gzip = new GZipStream(octets, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.ASCII.GetBytes("{\"organization-name\":\""));
            gzip.Write(new byte[30 * 1024 * 1024]);
        }

        return octets.ToArray();
    }
}
