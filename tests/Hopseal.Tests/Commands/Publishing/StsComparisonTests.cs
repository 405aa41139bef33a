using System.Net;
using Hopseal.Commands.Publishing;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Tests.Commands.Publishing;

public sealed class StsComparisonTests
{
    static readonly DomainName s_domain = DomainName.Parse("example.org");
    static readonly DomainName s_owner = StsRecord.NameFor(s_domain)!;
    static readonly DomainName s_host = DomainName.Parse("mta-sts.example.org");
    static readonly StsPolicy s_policy = new(StsMode.Enforce, ["mx1.example.org"], TimeSpan.FromDays(7), "aa11");

    static async Task<DnsAnswer<string>> TextsAsync(string zone) =>
        await ZoneResolver.Parse(zone).TxtAsync(s_owner, TestContext.Current.CancellationToken);

    static string Words(PublishingReport report) =>
        string.Join('\n', report.Differences.Select(difference => $"{difference.Kind}: {difference.Detail}")
            .Concat(report.Unknown.Select(unknown => $"unknown: {unknown}")).Concat(report.Notes.Select(note => $"note: {note}")));

    [Theory]
    [InlineData("example.org A 192.0.2.1", "Missing: no MTA-STS record")]
    [InlineData("_mta-sts.example.org TXT v=STSv1\\; id=aa11\\;", "")]
    [InlineData("_mta-sts.example.org TXT v=STSv1\\; id=bb22\\;", "Wrong: id bb22 announces another policy than the one served here, aa11")]
    [InlineData("_mta-sts.example.org TXT v=STSv1\\; id=a-a\\;", "Wrong: no MTA-STS record that counts: the record is malformed")]
    [InlineData(
        "_mta-sts.example.org TXT v=STSv1\\; id=aa11\\;\n_mta-sts.example.org TXT v=STSv1\\; id=bb22\\;",
        "Wrong: no MTA-STS record that counts: there are 2 records, and none counts")]
    [InlineData("_mta-sts.example.org FAIL TXT no answer", "unknown: _mta-sts.example.org TXT: SERVFAIL, no answer")]
    public async Task The_record_of_the_policy_that_is_served_is_wanted(string zone, string expected)
    {
        var report = new StsComparison(s_policy, 3600).Compare(s_owner, await TextsAsync(zone));
        Assert.Equal("_mta-sts.example.org. 3600 IN TXT \"v=STSv1; id=aa11;\"", Assert.Single(report.Records).ToString());
        Assert.Equal(expected, Words(report));
    }

    [Theory]
    [InlineData("example.org A 192.0.2.1", "")]
    [InlineData(
        "_mta-sts.example.org TXT v=STSv1\\; id=bb22\\;",
        "note: _mta-sts.example.org announces an MTA-STS policy (id bb22) that this gateway does not serve")]
    public async Task Without_a_policy_nothing_is_wanted(string zone, string expected)
    {
        var report = new StsComparison(null, 3600).Compare(s_owner, await TextsAsync(zone));
        Assert.Empty(report.Records);
        Assert.Equal(expected, Words(report));
    }

    [Theory]
    [InlineData("mta-sts.example.org A 192.0.2.1", "")]
    [InlineData("mta-sts.example.org AAAA 2001:db8::1", "")]
    [InlineData("mta-sts.example.org CNAME mx1.example.org\nmx1.example.org A 192.0.2.1", "")]
    [InlineData("example.org A 192.0.2.1", "Missing: no address: nobody can fetch the MTA-STS policy")]
    [InlineData("mta-sts.example.org FAIL AAAA no answer", "unknown: mta-sts.example.org AAAA: SERVFAIL, no answer")]
    public async Task The_host_of_a_policy_needs_an_address(string zone, string expected)
    {
        var resolver = ZoneResolver.Parse(zone);
        var cancel = TestContext.Current.CancellationToken;
        DnsAnswer<IPAddress> ipv4 = await resolver.Ipv4Async(s_host, cancel), ipv6 = await resolver.Ipv6Async(s_host, cancel);
        Assert.Equal(expected, Words(new StsComparison(s_policy, 3600).CompareHost(s_host, ipv4, ipv6)));
        Assert.Equal("", Words(new StsComparison(null, 3600).CompareHost(s_host, ipv4, ipv6)));
    }
}
