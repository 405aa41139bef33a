using Hopseal.Audit.Facts;
using Hopseal.Audit.Tests;
using Hopseal.Commands;
using Hopseal.Commands.Monitoring;
using Hopseal.Monitor;

namespace Hopseal.Tests.Commands.Monitoring;

public sealed class MonitorOutputTests
{
    static readonly HostFacts s_second = GoodFacts.Host with { Name = "mx2.good.example", Preference = 20 };

    static readonly AuditFacts s_two = GoodFacts.All with { Hosts = [GoodFacts.Host, s_second] };

    [Fact]
    public void A_host_that_vanished_is_one_line()
    {
        var lines = Difference(s_two, GoodFacts.All, json: false);

        Assert.Single(lines, line => line.Contains("mx2.good.example", StringComparison.Ordinal));
        Assert.Matches("^      mx2\\.good\\.example: gone, with [0-9]{2} findings$", lines.Single(line => line.Contains("mx2", StringComparison.Ordinal)));
    }

    [Fact]
    public void So_is_an_address_of_a_host_that_stays()
    {
        var after = GoodFacts.With(GoodFacts.Host with { Endpoints = [GoodFacts.Endpoint with { Address = "192.0.2.2" }] });

        var lines = Difference(GoodFacts.All, after, json: false);

        Assert.Single(lines, line => line.StartsWith("      mx.good.example [192.0.2.1]: gone, with ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("gone  [", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("      mx.good.example [192.0.2.2]: new → ok", StringComparison.Ordinal));
    }

    /// <summary>A domain without MX records is its own host: what is found of the domain does not go with that.</summary>
    [Fact]
    public void What_is_found_of_the_domain_goes_by_itself()
    {
        var own = GoodFacts.Host with { Name = "good.example", Endpoints = [] };
        var before = GoodFacts.All with { Hosts = [own] };
        var after = GoodFacts.All with { Domain = GoodFacts.Domain with { Sts = new StsFacts(null, true, null, null, null) } };

        Assert.Contains("      good.example: ok → gone  [sts.fetch]", Difference(before, after, json: false));
    }

    [Fact]
    public void A_program_is_told_each_finding() =>
        Assert.Contains("\"mx2.good.example [192.0.2.1]\"", Assert.Single(Difference(s_two, GoodFacts.All, json: true)), StringComparison.Ordinal);

    static string[] Difference(AuditFacts before, AuditFacts after, bool json)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal { Out = text, Error = TextWriter.Null, OpenInput = () => Stream.Null };
        new MonitorOutput(terminal, json).WriteDifference(
            new Observation(1, before, GoodFacts.At, GoodFacts.At), new Observation(2, after, GoodFacts.At.AddDays(1), GoodFacts.At.AddDays(1)));
        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
