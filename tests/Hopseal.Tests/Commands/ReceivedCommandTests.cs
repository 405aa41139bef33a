using System.Text.Json;
using Hopseal.Dns;
using Hopseal.Parts;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Commands;

/// <summary><c>hopseal report import --store</c>, and what <c>hopseal report received</c> then shows.</summary>
public sealed class ReceivedCommandTests : IAsyncDisposable
{
    readonly Workspace _workspace = new();
    readonly RecordsDatabase _database;

    public ReceivedCommandTests()
    {
        _database = RecordsDatabase.Open(_workspace.PathOf("data"), Telling.Tables, NullLogger<RecordsDatabase>.Instance);
        _workspace.Write("hopseal.json", """
            {
            "Hostname": "mx1.example.org", "DataDirectory": "data",
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            "Domains": { "example.org": { "Maildir": "mail" } }
            }
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _workspace.Dispose();
    }

    [Fact]
    public async Task Reports_of_files_are_kept_beside_a_gateway_that_runs_and_listed()
    {
        _workspace.Write("a.json", Report("1", "Company-X", "example.org"));
        _workspace.Write("b.json", Report("2", "Company-\\u001b[31mY", "example.org"));
        _workspace.Write("c.json", Report("3", "Company-Z", "example.net"));

        var run = await RunAsync("report", "import", "--store", "--config", "hopseal.json", "a.json", "a.json", "b.json", "c.json");
        Assert.Equal(
            ["  kept as 1", "  known already, as 1", "  kept as 2", "  not kept, but put aside: it is about example.net, and not about a domain of ours"],
            run.Out.Split('\n').Where(line => line.Contains("kept", StringComparison.Ordinal) || line.Contains("known", StringComparison.Ordinal)));

        var list = await RunAsync("report", "received", "--config", "hopseal.json");
        Assert.Equal(
            $"""
                 ID  DAY               GOOD    FAILED  VERIFIED  DOMAIN, REPORTER
                  2  {Day}          12         3  no        example.org, Company-?[31mY
                  1  {Day}          12         3  no        example.org, Company-X

            """,
            list.Out);
        Assert.Equal((0, ""), (list.ExitCode, list.Error));
        Assert.Equal("", (await RunAsync("report", "received", "--config", "hopseal.json", "--domain", "example.net", "--json")).Out);
        Assert.Equal("", (await RunAsync("report", "received", "--config", "hopseal.json", "--verified", "--json")).Out);
    }

    [Fact]
    public async Task One_report_is_shown_with_everything_it_says()
    {
        _workspace.Write("a.json", Report("1", "Company-X", "example.org"));
        await RunAsync("report", "import", "--store", "a.json");

        var shown = await RunAsync("report", "received", "1", "--config", "hopseal.json");
        Assert.Contains("by import from a.json\n  not verified: not signed\n  example.org, MTA-STS: 12 sessions good, 3 failed\n    3 sessions: certificate-expired at mx1.example.org", shown.Out, StringComparison.Ordinal);
        Assert.Contains("\n      Our side: The report does not name the address that the sender connected from.\n", shown.Out, StringComparison.Ordinal);
        using var line = JsonDocument.Parse((await RunAsync("report", "received", "1", "--json", "--config", "hopseal.json")).Out);
        Assert.Equal("report 1", line.RootElement.GetProperty("file").GetString());
        Assert.Equal(
            "The report does not name the address that the sender connected from.",
            line.RootElement.GetProperty("policies")[0].GetProperty("failures")[0].GetProperty("ourSide").GetString());
        var none = await RunAsync("report", "received", "7", "--config", "hopseal.json");
        Assert.Equal((1, "hopseal: there is no report 7\n"), (none.ExitCode, none.Error));
    }

    [Fact]
    public async Task What_was_put_aside_is_listed_with_its_reason()
    {
        _workspace.Write("words.txt", "hello");
        await RunAsync("report", "import", "--store", "words.txt");

        var aside = await RunAsync("report", "received", "--aside", "--config", "hopseal.json");
        Assert.Matches("^      1  .*Z  by import from words.txt, 5 octets: it is neither JSON nor gzip nor zip\n$", aside.Out);
        using var line = JsonDocument.Parse((await RunAsync("report", "received", "--aside", "--json", "--config", "hopseal.json")).Out);
        Assert.Equal(("file", "words.txt", 5), (
            line.RootElement.GetProperty("origin").GetString(), line.RootElement.GetProperty("from").GetString(), line.RootElement.GetProperty("octets").GetInt64()));
    }

    [Fact]
    public async Task Json_names_who_stands_for_a_report()
    {
        _workspace.Write("a.json", Report("1", "Company-X", "example.org"));
        var source = new ReportSource(ReportOrigin.Mail, "tls@company-x.example", new ReportProof.Signed(DomainName.Parse("company-x.example")), TimeProvider.System.GetUtcNow());
        var store = new ReportStore(_database, (_, _) => true, new IntakeLimits());
        await using (var file = File.OpenRead(_workspace.PathOf("a.json")))
        {
            await foreach (var content in ReportFile.ReadContentsAsync(file, "", TestContext.Current.CancellationToken))
            {
                await store.TakeAsync(source, content.Items, content.Octets, content.Octets.Length, TestContext.Current.CancellationToken);
            }
        }

        using var line = JsonDocument.Parse((await RunAsync("report", "received", "--json", "--verified", "--failed", "--from", Day, "--to", Day, "--config", "hopseal.json")).Out);
        Assert.Equal("signed by company-x.example", line.RootElement.GetProperty("proof").GetString());
        Assert.Equal("company-x.example", line.RootElement.GetProperty("signer").GetString());
        Assert.Equal("mail", line.RootElement.GetProperty("origin").GetString());
    }

    [Fact]
    public async Task Without_a_configuration_it_is_the_data_of_local_mode()
    {
        using var local = new Workspace();
        var run = await CommandRun.OfAsync(local.Directory, ["report", "received"]);
        Assert.Equal((2, "hopseal: there is no hopseal-data here: name the gateway's configuration with --config\n"), (run.ExitCode, run.Error));

        await RecordsDatabase.Open(local.PathOf("hopseal-data"), Telling.Tables, NullLogger<RecordsDatabase>.Instance).DisposeAsync();
        foreach (string[] arguments in (string[][])[["received", "--json"], ["list", "--json"]])
        {
            run = await CommandRun.OfAsync(local.Directory, ["report", .. arguments]);
            Assert.Equal((0, "", ""), (run.ExitCode, run.Out, run.Error));
        }
    }

    [Theory]
    [InlineData("report received --config none.json", 2, "none.json")]
    [InlineData("report received --config hopseal.json --from yesterday", 2, "\"yesterday\" is not a date, such as 2027-01-31")]
    [InlineData("report received --config hopseal.json --domain a..b", 2, "\"a..b\" is not a domain name")]
    [InlineData("report import --store --config none.json a.json", 2, "none.json")]
    public async Task A_wrong_use_is_named(string line, int exitCode, string why)
    {
        var run = await RunAsync(line.Split(' '));
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_gateway_there_is_nowhere_to_keep_reports()
    {
        using var other = new Workspace();
        other.Write("hopseal.json", await File.ReadAllTextAsync(_workspace.PathOf("hopseal.json"), TestContext.Current.CancellationToken));
        other.Write("a.json", Report("1", "Company-X", "example.org"));
        Directory.CreateDirectory(other.PathOf("data"));

        var run = await CommandRun.OfAsync(other.Directory, ["report", "import", "--store", "a.json"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the gateway makes it when it starts", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(other.PathOf("data/records.db")));
    }

    static string Day { get; } = TimeProvider.System.GetUtcNow().AddDays(-1).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    static string Report(string id, string organization, string domain) => $$"""
        {"organization-name":"{{organization}}","date-range":{"start-datetime":"{{Day}}T00:00:00Z","end-datetime":"{{Day}}T23:59:59Z"},
        "contact-info":"tls@company-x.example","report-id":"{{id}}","policies":[
        {"policy":{"policy-type":"sts","policy-string":["version: STSv1"],"policy-domain":"{{domain}}"},
        "summary":{"total-successful-session-count":12,"total-failure-session-count":3},
        "failure-details":[{"result-type":"certificate-expired","receiving-mx-hostname":"mx1.example.org","failed-session-count":3}]}]}
        """;

    Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.OfAsync(_workspace.Directory, arguments);
}
