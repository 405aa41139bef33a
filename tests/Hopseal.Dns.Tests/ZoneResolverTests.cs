using System.Net;

namespace Hopseal.Dns.Tests;

public sealed class ZoneResolverTests
{
    const string Zone = """
        ; a demo
        $SECURE on
        $TTL 300
        example.org              MX     10 mx.example.org.
        example.org         60   MX     20 192.0.2.9   ; no host
        mx.example.org.          A      192.0.2.1
        mx.example.org           aaaa   2001:db8::1
        www.example.org          CNAME  web.example.net
        $SECURE off
        web.example.net     30   A      192.0.2.2
        null.example             MX     0 .
        loop.example             CNAME  pool.example
        pool.example             CNAME  loop.example
        broken.example           FAIL   MX DNSSEC bogus
        broken.example           A      192.0.2.3
        gone.example             FAIL   ANY
        """;

    readonly ZoneResolver _zone = ZoneResolver.Parse(Zone);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_come_with_status_and_smallest_ttl()
    {
        var mx = Assert.IsType<DnsAnswer<MxRecord>.Found>(await _zone.MxAsync(DomainName.Parse("example.org"), Cancel));
        Assert.Equal([new MxRecord(10, DomainName.Parse("mx.example.org")), new MxRecord(20, null, "192.0.2.9")], mx.Records);
        Assert.Equal((DnssecStatus.Secure, TimeSpan.FromSeconds(60)), (mx.Status, mx.Ttl));
        var v6 = Assert.IsType<DnsAnswer<IPAddress>.Found>(await _zone.Ipv6Async(DomainName.Parse("mx.example.org"), Cancel));
        Assert.Equal([IPAddress.Parse("2001:db8::1")], v6.Records);
    }

    [Fact]
    public async Task A_chain_is_as_secure_as_its_weakest_record()
    {
        var found = Assert.IsType<DnsAnswer<IPAddress>.Found>(await _zone.Ipv4Async(DomainName.Parse("www.example.org"), Cancel));
        Assert.Equal(
            (DomainName.Parse("web.example.net"), DnssecStatus.Insecure, TimeSpan.FromSeconds(30)), (found.Owner, found.Status, found.Ttl));
    }

    [Theory]
    [InlineData("example.org", "NoData { Status = Secure }")]
    [InlineData("nothing.example.org", "NameError { Status = Secure }")]
    [InlineData("null.example", "NoData { Status = Insecure }")]
    [InlineData("net", "NoData { Status = Insecure }")]
    [InlineData("nothing.example", "NameError { Status = Insecure }")]
    public async Task What_is_not_there_is_no_record_or_no_name(string name, string expected) =>
        Assert.Equal(expected, (await _zone.Ipv4Async(DomainName.Parse(name), Cancel)).ToString());

    [Fact]
    public async Task A_question_fails_where_the_zone_says_so()
    {
        var broken = DomainName.Parse("broken.example");
        var failed = Assert.IsType<DnsAnswer<MxRecord>.Failed>(await _zone.MxAsync(broken, Cancel));
        Assert.Equal((DnsFailureKind.ServerFailure, "broken.example MX: SERVFAIL, DNSSEC bogus"), (failed.Kind, failed.Detail));
        Assert.IsType<DnsAnswer<IPAddress>.Found>(await _zone.Ipv4Async(broken, Cancel));
        Assert.IsType<DnsAnswer<IPAddress>.Failed>(await _zone.Ipv6Async(DomainName.Parse("gone.example"), Cancel));
        Assert.IsType<DnsAnswer<IPAddress>.Failed>(await _zone.Ipv4Async(DomainName.Parse("loop.example"), Cancel));
    }

    [Fact]
    public async Task The_root_as_exchange_is_a_null_mx() =>
        Assert.True(Assert.IsType<DnsAnswer<MxRecord>.Found>(await _zone.MxAsync(DomainName.Parse("null.example"), Cancel)).Records[0].IsNull);

    [Theory]
    [InlineData("$SECURE maybe", "$SECURE is on or off")]
    [InlineData("$TTL never", "not a TTL: never")]
    [InlineData("$ORIGIN example.org", "unknown directive $ORIGIN")]
    [InlineData("example.org", "a record is: name [ttl] type data")]
    [InlineData("a..b A 192.0.2.1", "not a domain name: a..b")]
    [InlineData("a 99999999999 A 192.0.2.1", "not a TTL: 99999999999")]
    [InlineData("a A 2001:db8::1", "not the data of A: 2001:db8::1")]
    [InlineData("a A", "not the data of A: ")]
    [InlineData("a AAAA 192.0.2.1", "not the data of AAAA: 192.0.2.1")]
    [InlineData("a MX 65536 b", "not the data of MX: 65536 b")]
    [InlineData("a CNAME 192.0.2.1", "not the data of CNAME: 192.0.2.1")]
    [InlineData("a FAIL SRV", "not the data of FAIL: SRV")]
    [InlineData("a SRV words", "unknown type SRV")]
    [InlineData("x A 192.0.2.1\nx CNAME y", "x has a CNAME and something else")]
    public void Errors_name_their_line(string lines, string error)
    {
        var number = 2 + lines.Count(c => c == '\n');
        Assert.Equal(
            $"line {number}: {error}\nline {number + 1}: unknown directive $X",
            Assert.Throws<FormatException>(() => ZoneResolver.Parse($"; a comment\n{lines}\n$X")).Message);
    }
}
