using Hopseal.Dns;

namespace Hopseal.Policy.Tests;

public sealed class MxLookupTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("the lowest preference comes first", "d.test MX 20 b.test\nd.test MX 10 a.test\na.test A 192.0.2.1\nb.test A 192.0.2.2", "10 a.test 192.0.2.1, 20 b.test 192.0.2.2")]
    [InlineData("IPv6 and IPv4 take turns", "d.test MX 1 a.test\na.test A 192.0.2.1\na.test A 192.0.2.2\na.test A 192.0.2.3\na.test AAAA 2001:db8::1\na.test AAAA 2001:db8::2", "1 a.test 2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3")]
    [InlineData("an address twice is one", "d.test MX 1 a.test\na.test A 192.0.2.1\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    [InlineData("no MX: the domain itself", "d.test A 192.0.2.1\nd.test AAAA 2001:db8::1", "0 d.test 2001:db8::1 192.0.2.1")]
    [InlineData("an alias of a domain", "d.test CNAME e.test\ne.test MX 1 a.test\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    [InlineData("a null MX among others", "d.test MX 0 .\nd.test MX 1 a.test\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    [InlineData("an address as MX host", "d.test MX 0 192.0.2.9\nd.test MX 1 a.test\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    [InlineData("the same host twice", "d.test MX 20 a.test\nd.test MX 10 a.test\na.test A 192.0.2.1", "10 a.test 192.0.2.1")]
    [InlineData("one family fails", "d.test MX 1 a.test\na.test A 192.0.2.1\na.test FAIL AAAA", "1 a.test 192.0.2.1")]
    [InlineData("one host fails", "d.test MX 1 a.test\nd.test MX 2 b.test\na.test FAIL ANY x\nb.test A 192.0.2.2", "1 a.test (a.test AAAA: SERVFAIL, x; a.test A: SERVFAIL, x), 2 b.test 192.0.2.2")]
    [InlineData("one host is missing", "d.test MX 1 a.test\nd.test MX 2 b.test\nb.test A 192.0.2.2", "1 a.test (a.test does not exist), 2 b.test 192.0.2.2")]
    [InlineData("an unspecified or multicast address", "d.test MX 1 a.test\na.test A 0.0.0.0\na.test A 224.0.0.1\na.test A 255.255.255.255\na.test AAAA ::\na.test AAAA ff02::1\na.test AAAA ::ffff:0.0.0.0\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    [InlineData("ourselves as the worst host", "d.test MX 1 a.test\nd.test MX 2 own.test\na.test A 192.0.2.1\nown.test A 192.0.2.9", "1 a.test 192.0.2.1")]
    [InlineData("ourselves in the middle", "d.test MX 1 a.test\nd.test MX 2 own.test\nd.test MX 2 b.test\nd.test MX 3 c.test\na.test A 192.0.2.1", "1 a.test 192.0.2.1")]
    public async Task Hosts_are_found_in_order(string why, string zone, string expected)
    {
        var found = Assert.IsType<MxHosts.Found>(await FindAsync(zone));
        Assert.True(expected == string.Join(", ", found.Hosts.Select(Describe)), why);
    }

    [Theory]
    [InlineData("other.test A 192.0.2.1", "Bounce 5.1.2 d.test does not exist")]
    [InlineData("d.test MX 0 .", "Bounce 5.1.10 d.test takes no mail (null MX)")]
    [InlineData("d.test MX 10 .", "Bounce 5.1.10 d.test takes no mail (null MX)")]
    [InlineData("d.test MX 0 .\nd.test MX 10 .", "Bounce 5.4.4 no MX record of d.test names a host: ., .")]
    [InlineData("d.test MX 10 192.0.2.1", "Bounce 5.4.4 no MX record of d.test names a host: 192.0.2.1")]
    [InlineData("d.test MX 0 .\nd.test MX 10 192.0.2.1", "Bounce 5.4.4 no MX record of d.test names a host: ., 192.0.2.1")]
    [InlineData("d.test FAIL MX bogus", "Defer 4.4.3 the MX hosts of d.test are not known now: d.test MX: SERVFAIL, bogus")]
    [InlineData("x.d.test A 192.0.2.1", "Bounce 5.4.4 no MX host of d.test has a usable address: d.test has no address")]
    [InlineData("d.test MX 1 a.test", "Bounce 5.4.4 no MX host of d.test has a usable address: a.test does not exist")]
    [InlineData("d.test MX 1 a.test\na.test A 0.0.0.0", "Bounce 5.4.4 no MX host of d.test has a usable address: a.test has no address")]
    [InlineData("d.test MX 1 a.test\nd.test MX 2 b.test\nb.test FAIL A x", "Defer 4.4.3 no MX host of d.test has a usable address: a.test does not exist; b.test A: SERVFAIL, x")]
    [InlineData("d.test FAIL A x\nd.test AAAA ::", "Defer 4.4.3 no MX host of d.test has a usable address: d.test A: SERVFAIL, x")]
    [InlineData("d.test MX 1 own.test\nd.test MX 1 a.test\na.test A 192.0.2.1", "Bounce 5.4.6 mail for d.test loops back to this host: it is the best MX host, and not configured to take it")]
    public async Task Where_there_is_no_host_the_plan_says_what_to_do(string zone, string expected)
    {
        var text = Assert.IsType<MxHosts.None>(await FindAsync(zone)).Plan switch
        {
            DeliveryPlan.Bounce bounce => $"Bounce {bounce.Status} {bounce.Reason}",
            DeliveryPlan.Defer defer => $"Defer {defer.Status} {defer.Reason}",
            var other => other.ToString(),
        };
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("$SECURE on\nd.test MX 1 a.test\n$SECURE off\na.test A 192.0.2.1", HostAuthenticity.Dnssec)]
    [InlineData("d.test MX 1 a.test\n$SECURE on\na.test A 192.0.2.1", HostAuthenticity.None)]
    [InlineData("$SECURE on\nd.test A 192.0.2.1", HostAuthenticity.Dnssec)]
    [InlineData("d.test A 192.0.2.1", HostAuthenticity.None)]
    public async Task A_host_name_is_as_authentic_as_the_records_that_named_it(string zone, HostAuthenticity expected) =>
        Assert.Equal(expected, Assert.Single(Assert.IsType<MxHosts.Found>(await FindAsync(zone)).Hosts).Authenticity);

    [Fact]
    public async Task Hosts_of_equal_preference_share_the_load()
    {
        var zone = string.Join('\n', Enumerable.Range(0, 4).Select(i => $"d.test MX 5 h{i}.test\nh{i}.test A 192.0.2.{i + 1}")) + "\nd.test MX 1 first.test\nfirst.test A 192.0.2.9";
        var lookup = Lookup(zone);
        var orders = new HashSet<string>();
        for (var i = 0; i < 200; i++)
        {
            var found = Assert.IsType<MxHosts.Found>(await lookup.FindAsync(DomainName.Parse("d.test"), Cancel));
            Assert.Equal("first.test", found.Hosts[0].Name?.Ascii);
            orders.Add(string.Join(' ', found.Hosts.Select(host => host.Name)));
        }

        Assert.Equal(24, orders.Count);
    }

    [Fact]
    public async Task Hosts_and_addresses_are_bounded()
    {
        var zone = string.Join('\n', Enumerable.Range(0, 30).Select(i => $"d.test MX {i} h{i}.test\nh{i}.test A 192.0.2.1"))
            + '\n' + string.Join('\n', Enumerable.Range(1, 30).Select(i => $"h0.test A 198.51.100.{i}\nh0.test AAAA 2001:db8::{i}"));
        var found = Assert.IsType<MxHosts.Found>(await FindAsync(zone));
        Assert.Equal(Enumerable.Range(0, 20), found.Hosts.Select(host => host.Preference));
        Assert.Equal(20, found.Hosts[0].Addresses.Length);
    }

    static MxLookup Lookup(string zone) => new(ZoneResolver.Parse(zone), [DomainName.Parse("own.test")], 25, new Random(1));

    static ValueTask<MxHosts> FindAsync(string zone) => Lookup(zone).FindAsync(DomainName.Parse("d.test"), Cancel);

    static string Describe(PlannedHost host) =>
        $"{host.Preference} {host.Name} {(host.AddressFailure is { } failure ? $"({failure})" : string.Join(' ', host.Addresses))}";
}
