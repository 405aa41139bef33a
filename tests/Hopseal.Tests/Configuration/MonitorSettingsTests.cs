using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor;

namespace Hopseal.Tests.Configuration;

/// <summary>The section Monitor: what is wrong with it, by line, key and message.</summary>
public sealed class MonitorSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"Own\": \"example.org\"", ["6: Monitor.Own: expected a list [ … ], found a text"] },
        { "\"Own\": [ \"two words\" ]", ["6: Monitor.Own[0]: \"two words\" is not a domain name"] },
        { "\"Partners\": [ 1 ]", ["6: Monitor.Partners[0]: expected a text, found a number"] },
        { "\"Partners\": \"bad.txt\"", ["6: Monitor.Partners: line 3 is not a domain name: \"not a domain\""] },
        { "\"IntervalHours\": 0", ["6: Monitor.IntervalHours: 0 is not between 1 and 168"] },
        { "\"ConfirmMinutes\": 61", ["6: Monitor.ConfirmMinutes: 61 is not between 1 and 60"] },
        { "\"Connections\": 101", ["6: Monitor.Connections: 101 is not between 1 and 100"] },
        { "\"Deep\": 1", ["6: Monitor.Deep: expected true or false, found a number"] },
        { "\"Profile\": \"rfc-9326\"", ["6: Monitor.Profile: \"rfc-9326\" is none of ncsc-nl-2025-05, rfc-9325, strict, and no JSON file; did you mean rfc-9325?"] },
        { "\"LeaveOut\": \"bad.txt\"", ["6: Monitor.LeaveOut: line 3 is no domain, address or network"] },
        { "\"EhloName\": \"a b\"", ["6: Monitor.EhloName: \"a b\" is not a domain name"] },
        { "\"Partner\": []", ["6: Monitor.Partner: there is no such key; did you mean Partners?"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Assert.IsType<ConfigurationResult.Faulty>(Load($"\"Monitor\": {{ {fragment} }},")).Faults.Select(fault => fault.ToString()["hopseal.json:".Length..]));

    [Theory]
    [InlineData("Profile", "none.json")]
    [InlineData("LeaveOut", "none.txt")]
    [InlineData("Partners", "none.txt")]
    public void A_file_that_is_not_there_is_named(string key, string file) => Assert.Contains(
        $"{file} does not exist", Assert.Single(Assert.IsType<ConfigurationResult.Faulty>(Load($"\"Monitor\": {{ \"{key}\": \"{file}\" }},")).Faults).ToString(), StringComparison.Ordinal);

    [Fact]
    public void Every_bad_line_of_a_list_is_named_as_far_as_anybody_reads()
    {
        _workspace.Write("few.txt", "a b\nbank.example\n\nc d\n");
        Assert.Equal(
            ["6: Monitor.Partners: line 1 is not a domain name: \"a b\"", "6: Monitor.Partners: line 4 is not a domain name: \"c d\""], FaultsOf("few.txt"));

        _workspace.Write("many.txt", string.Join('\n', Enumerable.Repeat("a b", 21)));
        Assert.Equal("6: Monitor.Partners: 1 more line is no domain name", FaultsOf("many.txt")[20]);
        _workspace.Write("many.txt", string.Join('\n', Enumerable.Repeat("a b", 5_000)));
        Assert.Equal((21, "6: Monitor.Partners: 4980 more lines are no domain names"), (FaultsOf("many.txt").Length, FaultsOf("many.txt")[^1]));

        string[] FaultsOf(string file) =>
            [.. Assert.IsType<ConfigurationResult.Faulty>(Load($"\"Monitor\": {{ \"Partners\": \"{file}\" }},")).Faults.Select(fault => fault.ToString()["hopseal.json:".Length..])];
    }

    [Fact]
    public void Without_the_section_nobody_is_watched() => Assert.Null(Assert.IsType<ConfigurationResult.Usable>(Load("")).Configuration.Monitor);

    [Fact]
    public void An_empty_section_watches_the_domains_that_mail_is_taken_for()
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load("\"Monitor\": {},")).Configuration.Monitor!;

        Assert.Equal([new WatchedDomain(DomainName.Parse("example.org"), WatchedAs.Own)], settings.Domains);
        Assert.Equal((new MonitorOptions(), 10, "rfc-9325", null), (settings.Options, settings.Connections, settings.Profile.Name, settings.EhloName));
    }

    [Fact]
    public void What_is_right_is_taken()
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load(
            "\"Monitor\": { \"Own\": [ \"a.example\", \"b.example\" ], \"Partners\": \"good.txt\", \"IntervalHours\": 24, \"ConfirmMinutes\": 5, \"Deep\": true, \"Profile\": \"strict\", \"LeaveOut\": \"good.txt\", \"EhloName\": \"scan.example.org\" },"))
            .Configuration.Monitor!;

        Assert.Equal(["a.example Own", "b.example Own", "bank.example Partner"], settings.Domains.Select(domain => $"{domain.Name} {domain.As}"));
        Assert.Equal((TimeSpan.FromDays(1), TimeSpan.FromMinutes(5), 40, "strict", "scan.example.org"), (settings.Options.Interval, settings.Options.Confirm, settings.Connections, settings.Profile.Name, settings.EhloName?.Ascii));
        Assert.False(settings.Manners.MayAsk(DomainName.Parse("mx.bank.example")));
    }

    [Fact]
    public void No_more_domains_than_can_be_watched_are_taken()
    {
        _workspace.Write("many.txt", string.Join('\n', Enumerable.Range(0, 10_001).Select(i => $"d{i}.example")));

        Assert.Contains("10001 domains", Assert.Single(Assert.IsType<ConfigurationResult.Faulty>(Load("\"Monitor\": { \"Own\": [], \"Partners\": \"many.txt\" },")).Faults).ToString(), StringComparison.Ordinal);
    }

    ConfigurationResult Load(string fragment)
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("good.txt", "# those we pay\nbank.example\n\nb.example # ours\n");
        _workspace.Write("bad.txt", "# one\nbank.example\nnot a domain\n");
        _workspace.Write("hopseal.json", $$"""
            {
            "Hostname": "mx1.example.org",
            "DataDirectory": ".",
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
            {{fragment}}
            "Domains": { "example.org": { "Maildir": "mail" } }
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
