using System.Text.Json;
using Hopseal.Dns;

namespace Hopseal.Tests.Commands.Check;

/// <summary>Of domains that do not exist, so that nobody is asked but the zone.</summary>
public sealed class CheckRunTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task A_list_is_read_to_its_end_before_anybody_is_asked()
    {
        _workspace.Write("list.txt", "a.example\n\n# c.example\n  b.example  # ours\nnot a domain\n");

        var run = await RunAsync("--file", "list.txt", "--output", "out.jsonl", "--format", "jsonlines");

        Assert.Equal(2, run.ExitCode);
        Assert.EndsWith("list.txt:5: \"not a domain\" cannot be checked: it is no domain name\n", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_workspace.PathOf("out.jsonl")));
    }

    [Fact]
    public async Task A_target_that_is_named_twice_is_asked_once()
    {
        _workspace.Write("list.txt", "a.example\nA.Example\nb.example\r\na.example\n");

        await RunAsync("b.example", "--file", "list.txt", "--output", "out.jsonl", "--format", "jsonlines");

        Assert.Equal(["a.example", "b.example"], Targets("out.jsonl").Order());
    }

    [Fact]
    public async Task A_list_that_is_not_there_is_a_usage_error()
    {
        var run = await RunAsync("--file", "none.txt");

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains("none.txt", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_interrupted_run_finished_is_not_asked_again_and_counts()
    {
        await RunAsync("a.example", "--output", "out.jsonl", "--format", "jsonlines");
        var whole = File.ReadAllText(_workspace.PathOf("out.jsonl"));
        _workspace.Write("out.jsonl", whole + whole.Replace("a.example", "b.example", StringComparison.Ordinal)[..^100]);
        _workspace.Write("list.txt", "a.example\nb.example\nc.example\n");

        var run = await RunAsync("--file", "list.txt", "--output", "out.jsonl", "--format", "jsonlines", "--resume");

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Equal(["a.example", "b.example", "c.example"], Targets("out.jsonl").Order());
        Assert.StartsWith(whole, File.ReadAllText(_workspace.PathOf("out.jsonl")), StringComparison.Ordinal);

        // Nothing is left to be asked: what it comes to stands in the file.
        Assert.Equal(1, (await RunAsync("--file", "list.txt", "--output", "out.jsonl", "--format", "jsonlines", "--resume")).ExitCode);
        Assert.Equal(3, Targets("out.jsonl").Count());
    }

    [Theory]
    [InlineData("{\"schemaVersion\":\"2.0\",\"target\":\"a.example\",\"findings\":[]}\n")]
    [InlineData("{\"schemaVersion\":\"1.0\",\"findings\":[]}\n")]
    [InlineData("{\"schemaVersion\":\"1.0\",\"target\":\"a.example\"}\n")]
    [InlineData("{\"schemaVersion\":\"1.0\",\"target\":\"a.example\",\"findings\":[null]}\n")]
    [InlineData("\0\0\0\0\n")]
    [InlineData("null\n")]
    public async Task A_line_that_is_no_report_is_named(string line)
    {
        await RunAsync("a.example", "--output", "out.jsonl", "--format", "jsonlines");
        _workspace.Write("out.jsonl", File.ReadAllText(_workspace.PathOf("out.jsonl")) + line);

        var run = await RunAsync("a.example", "--output", "out.jsonl", "--format", "jsonlines", "--resume");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("out.jsonl:2: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("my notes of years")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"schemaVersion\":\"1.0\",\"findings\":[]}\nmy notes")]
    public async Task A_file_of_somebody_else_is_left_as_it_is(string text)
    {
        _workspace.Write("notes.txt", text);

        var run = await RunAsync("a.example", "--output", "notes.txt", "--format", "jsonlines", "--resume");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("notes.txt", run.Error, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(_workspace.PathOf("notes.txt")));
    }

    [Fact]
    public async Task No_change_is_said_too()
    {
        await RunAsync("a.example", "b.example", "--output", "before.jsonl", "--format", "jsonlines");

        Assert.Equal("since before.jsonl: nothing changed in 2 targets\n", (await RunAsync("a.example", "b.example", "--diff", "before.jsonl")).Error);
        Assert.Equal("since before.jsonl: nothing changed in the one target; 1 not in it\n", (await RunAsync("a.example", "c.example", "--diff", "before.jsonl")).Error);
        Assert.Equal("since before.jsonl: no target is in it\n", (await RunAsync("c.example", "--diff", "before.jsonl")).Error);
    }

    [Fact]
    public async Task What_changed_is_said_line_by_line_and_in_sum()
    {
        await RunAsync("a.example", "b.example", "--output", "before.jsonl", "--format", "jsonlines");

        var run = await RunAsync("a.example. MX 0 .\n", "a.example", "b.example", "--diff", "before.jsonl");

        var lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, line => line.StartsWith("a.example: changed a.example [mx.found]: The domain does not exist → ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith("b.example", StringComparison.Ordinal));
        Assert.Equal("since before.jsonl: 1 of 2 targets changed", lines[^1]);
    }

    [Fact]
    public async Task Json_is_one_document_for_one_target_and_a_line_for_each_of_several()
    {
        var one = await RunAsync("a.example", "--json");
        var several = await RunAsync("a.example", "b.example", "c.example", "--json");

        Assert.StartsWith("{\n", one.Out, StringComparison.Ordinal);
        Assert.Equal("a.example", JsonDocument.Parse(one.Out).RootElement.GetProperty("target").GetString());
        Assert.Equal(
            ["a.example", "b.example", "c.example"],
            several.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("target").GetString()).Order());
    }

    [Theory]
    [InlineData("--output", "./stored.jsonl")]
    [InlineData("b.example")]
    [InlineData("--file", "list.txt")]
    public async Task Stored_results_are_judged_by_themselves_and_not_overwritten_by_it(params string[] more)
    {
        _workspace.Write("list.txt", "b.example\n");
        await RunAsync("a.example", "--output", "stored.jsonl", "--format", "jsonlines");
        var stored = File.ReadAllText(_workspace.PathOf("stored.jsonl"));

        var run = await RunAsync(["--rescore", "stored.jsonl", "--format", "jsonlines", .. more]);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains("--rescore", run.Error, StringComparison.Ordinal);
        Assert.Equal(stored, File.ReadAllText(_workspace.PathOf("stored.jsonl")));
    }

    [Fact]
    public async Task A_configuration_that_is_not_there_costs_no_earlier_results()
    {
        await RunAsync("a.example", "--output", "stored.jsonl", "--format", "jsonlines");

        Assert.Equal(2, (await RunAsync("b.example", "--output", "stored.jsonl", "--format", "jsonlines", "--config", "none.json")).ExitCode);
        Assert.Equal(["a.example"], Targets("stored.jsonl"));
    }

    [Fact]
    public async Task What_concerns_who_serves_is_told_to_him_only()
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("hopseal.json", """
            {
            "Hostname": "mx1.example.org", "DataDirectory": ".", "Domains": { "example.org": { "Maildir": "mail" } }, "Dns": { "HealthMinutes": 0 },
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:2525", "Mode": "StartTls" } ], "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
            "Dashboard": {}, "Users": [ { "Name": "ada", "PasswordHash": "HASH" } ]
            }
            """.Replace("HASH", Smtp.Server.PasswordHash.Create("a password", 4096).ToString(), StringComparison.Ordinal));

        var check = await RunAsync("a.example. MX 0 .\n", "a.example", "--config", "hopseal.json");
        var config = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"], zone: ZoneResolver.Parse(""));

        Assert.Contains("warning: Dashboard: without Users", config.Out, StringComparison.Ordinal);
        Assert.Contains("warning: Users: no listener has Authentication", config.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Dashboard", check.Error, StringComparison.Ordinal);
        Assert.Contains("warning: Users: no listener has Authentication", check.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_only_target_that_changed_is_not_counted()
    {
        await RunAsync("a.example", "--output", "before.jsonl", "--format", "jsonlines");

        Assert.EndsWith("since before.jsonl: the one target changed\n", (await RunAsync("a.example. MX 0 .\n", "a.example", "--diff", "before.jsonl")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_domain_that_takes_no_mail_is_three_times_ok()
    {
        var run = await RunAsync("a.example. MX 0 .\n", "a.example", "--json");

        var root = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(0, run.ExitCode);
        Assert.All((string[])["confidential", "authenticated", "watched"], question => Assert.Equal("ok", root.GetProperty(question).GetString()));
    }

    [Fact]
    public async Task Another_resolver_is_asked_where_one_is_named()
    {
        await using var server = new Dns.Tests.ScriptedDnsServer(query => new Dns.Tests.DnsMessage(query).Code(3).Authority("example", 60));

        var run = await CommandRun.OfAsync(_workspace.Directory, ["check", "a.example", "--resolver", server.EndPoint.ToString()]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("The domain does not exist", run.Out, StringComparison.Ordinal);
        Assert.Contains(server.Queries, query => query.Name == "a.example");
    }

    [Theory]
    [InlineData("--resolver", "dns.example", "\"dns.example\" is not an address")]
    [InlineData("--resolver", "127.1", "\"127.1\" is not an address")]
    [InlineData("--resolver", "127.0.0.1:0", "\"127.0.0.1:0\" is not an address")]
    [InlineData("--ca", "none.pem", "none.pem")]
    [InlineData("--ca", "empty.pem", "empty.pem holds no certificate")]
    public async Task Who_is_to_be_asked_or_believed_and_cannot_be_is_named(string option, string value, string why)
    {
        _workspace.Write("empty.pem", "");

        var run = await CommandRun.OfAsync(_workspace.Directory, ["check", "a.example", option, value]);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.StartsWith($"hopseal: {option}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_authority_of_ones_own_is_believed_where_it_is_named()
    {
        using var certificate = _workspace.WriteCertificate("mx", "mx.good.example");
        await using var server = await Audit.Tests.GoodServer.StartAsync(certificate);
        string[] target = ["mx.good.example. A 127.0.0.1\n", $"smtp://mx.good.example:{server.Endpoint.Port}", "--json"];

        Assert.Equal("warn", IdentityOf(await RunAsync(target)));
        Assert.Equal("ok", IdentityOf(await RunAsync([.. target, "--ca", "mx.pem"])));

        static string? IdentityOf(CommandRun run) => JsonDocument.Parse(run.Out).RootElement.GetProperty("findings").EnumerateArray()
            .Single(finding => finding.GetProperty("id").GetString() == "identity").GetProperty("verdict").GetString();
    }

    IEnumerable<string> Targets(string file) =>
        File.ReadAllLines(_workspace.PathOf(file)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("target").GetString()!);

    Task<CommandRun> RunAsync(params string[] arguments) => arguments[0].Contains(' ', StringComparison.Ordinal)
        ? CommandRun.OfAsync(_workspace.Directory, ["check", .. arguments[1..]], zone: ZoneResolver.Parse(arguments[0]))
        : CommandRun.OfAsync(_workspace.Directory, ["check", .. arguments], zone: ZoneResolver.Parse(""));
}
