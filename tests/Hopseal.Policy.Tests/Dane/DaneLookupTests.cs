using System.Globalization;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Tests.Dane;

public sealed class DaneLookupTests
{
    const string Digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    const string Zone = $"""
        insecure.test                 A      192.0.2.1
        insecure.test                 FAIL   TLSA the servers of large hosters do that
        plain-alias.test              CNAME  insecure.test
        plain-alias.test              FAIL   TLSA never to be asked
        halved.test                   FAIL   AAAA
        halved.test                   A      192.0.2.2
        $SECURE on
        simple.test                   A      192.0.2.3
        _25._tcp.simple.test          TLSA   3 1 1 {Digest}
        _465._tcp.simple.test         TLSA   3 0 1 {Digest}
        none.test                     A      192.0.2.4
        half-signed.test              FAIL   AAAA
        half-signed.test              A      192.0.2.5
        _25._tcp.half-signed.test     TLSA   3 1 1 {Digest}
        both.test                     CNAME  target.test
        target.test                   A      192.0.2.6
        _25._tcp.target.test          TLSA   3 1 1 {Digest}
        _25._tcp.both.test            TLSA   3 0 1 {Digest}
        original.test                 CNAME  bare.test
        bare.test                     A      192.0.2.7
        _25._tcp.original.test        TLSA   3 1 1 {Digest}
        signed-alias.test             CNAME  insecure.test
        _25._tcp.signed-alias.test    TLSA   3 1 1 {Digest}
        unanswered-alias.test         CNAME  insecure.test
        failing.test                  A      192.0.2.8
        _25._tcp.failing.test         FAIL   TLSA DNSSEC bogus (EDE 6)
        failing-first.test            CNAME  failing.test
        _25._tcp.failing-first.test   TLSA   3 1 1 {Digest}
        moved.test                    A      192.0.2.9
        _25._tcp.moved.test           CNAME  tlsa.simple.test
        tlsa.simple.test              TLSA   2 1 1 {Digest}
        led-out.test                  A      192.0.2.10
        _25._tcp.led-out.test         CNAME  tlsa.insecure.test
        looping.test                  A      192.0.2.11
        _25._tcp.looping.test         CNAME  _25._tcp.looping.test
        unusable.test                 A      192.0.2.12
        _25._tcp.unusable.test        TLSA   1 1 1 {Digest}
        $SECURE off
        tlsa.insecure.test            TLSA   3 1 1 {Digest}
        """;

    readonly CountingResolver _resolver = new(ZoneResolver.Parse(Zone));

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("simple.test", "simple.test: 3 1 1", "TLSA _25._tcp.simple.test")]
    [InlineData("none.test", "None", "TLSA _25._tcp.none.test")]
    // RFC 7672 §2.2.2: no TLSA question where the address is not signed.
    [InlineData("insecure.test", "None", "")]
    [InlineData("halved.test", "None", "")]
    [InlineData("half-signed.test", "half-signed.test: 3 1 1", "TLSA _25._tcp.half-signed.test")]
    // RFC 7672 §2.2.3: the expanded name first, then the original one.
    [InlineData("both.test", "target.test: 3 1 1", "TLSA _25._tcp.target.test")]
    [InlineData("original.test", "original.test: 3 1 1", "TLSA _25._tcp.bare.test, TLSA _25._tcp.original.test")]
    [InlineData("signed-alias.test", "signed-alias.test: 3 1 1", "CNAME signed-alias.test, TLSA _25._tcp.signed-alias.test")]
    [InlineData("plain-alias.test", "None", "CNAME plain-alias.test")]
    [InlineData("moved.test", "moved.test: 2 1 1", "TLSA _25._tcp.moved.test")]
    [InlineData("led-out.test", "None", "TLSA _25._tcp.led-out.test")]
    [InlineData("unusable.test", "unusable.test: ", "TLSA _25._tcp.unusable.test")]
    // RFC 7672 §2.1.2: what is not known is not absent.
    [InlineData("failing.test", "Failed DnssecInvalid dns-server-failure", "TLSA _25._tcp.failing.test")]
    [InlineData("failing-first.test", "Failed DnssecInvalid dns-server-failure", "TLSA _25._tcp.failing.test")]
    [InlineData("looping.test", "Failed DnssecInvalid dns-malformed", "TLSA _25._tcp.looping.test")]
    public async Task Records_are_found_where_they_may_be_and_asked_for_only_there(string host, string expected, string questions)
    {
        Assert.Equal(expected, Words(await FindAsync(host)));
        Assert.Equal(questions, string.Join(", ", _resolver.Questions));
    }

    [Fact]
    public async Task A_port_has_its_own_records() => Assert.Equal("simple.test: 3 0 1", Words(await FindAsync("simple.test", port: 465)));

    [Fact]
    public async Task Whether_an_alias_is_signed_may_not_be_known()
    {
        var host = await PlannedAsync("unanswered-alias.test", 25);
        var resolver = new CountingResolver(ZoneResolver.Parse("unanswered-alias.test FAIL CNAME nobody answers"));
        var failed = Assert.IsType<DaneFinding.Failed>(await new DaneLookup(resolver).FindAsync(host, Cancel));
        Assert.Contains("nobody answers", failed.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_keeps_what_the_resolver_said_of_it()
    {
        var failed = Assert.IsType<DaneFinding.Failed>(await FindAsync("failing.test"));
        Assert.Contains("_25._tcp.failing.test", failed.Failure.Detail, StringComparison.Ordinal);
        Assert.Contains("DNSSEC bogus (EDE 6)", failed.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Addresses_and_hosts_without_one_are_not_asked_for()
    {
        var literal = new PlannedHost(null, 0, 25, TlsStart.StartTls, HostAuthenticity.None, [IPAddress.Loopback]);
        Assert.IsType<DaneFinding.None>(await new DaneLookup(_resolver).FindAsync(literal, Cancel));
        Assert.IsType<DaneFinding.None>(await FindAsync("nowhere.test"));
        Assert.Empty(_resolver.Questions);
    }

    [Fact]
    public async Task A_name_can_be_too_long_to_have_records()
    {
        var name = string.Join('.', Enumerable.Repeat(new string('a', 61), 4));
        var resolver = new CountingResolver(ZoneResolver.Parse($"$SECURE on\n{name} A 192.0.2.1"));
        var addresses = await HostAddresses.FindAsync(resolver, DomainName.Parse(name), Cancel);
        var host = addresses.Of(new PlannedHost(DomainName.Parse(name), 0, 25, TlsStart.StartTls, HostAuthenticity.Dnssec, addresses.Found));
        Assert.Equal(DnssecStatus.Secure, host.AddressStatus);
        Assert.IsType<DaneFinding.None>(await new DaneLookup(resolver).FindAsync(host, Cancel));
    }

    [Theory]
    [InlineData("A 192.0.2.1", "", "Secure")]
    [InlineData("A 192.0.2.1", "FAIL AAAA", "Secure")]
    [InlineData("AAAA 2001:db8::1", "FAIL A", "Secure")]
    [InlineData("AAAA 2001:db8::1", "A 192.0.2.1", "Secure")]
    [InlineData("", "A 192.0.2.1", "Insecure")]
    [InlineData("", "A 192.0.2.1, FAIL AAAA", "Insecure")]
    [InlineData("", "FAIL A, FAIL AAAA", "Insecure")]
    public async Task One_family_that_is_validated_is_enough(string secure, string insecure, string expected)
    {
        var zone = string.Join('\n', ["$SECURE on", .. Lines(secure), "$SECURE off", .. Lines(insecure)]);
        var found = await HostAddresses.FindAsync(ZoneResolver.Parse(zone), DomainName.Parse("host.test"), Cancel);
        Assert.Equal(expected, found.Status.ToString());

        static IEnumerable<string> Lines(string records) =>
            records.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(record => "host.test " + record);
    }

    async Task<DaneFinding> FindAsync(string host, int port = 25) => await new DaneLookup(_resolver).FindAsync(await PlannedAsync(host, port), Cancel);

    async Task<PlannedHost> PlannedAsync(string host, int port)
    {
        var name = DomainName.Parse(host);
        var addresses = await HostAddresses.FindAsync(_resolver, name, Cancel);
        _resolver.Questions.Clear();
        return addresses.Of(new PlannedHost(name, 0, port, TlsStart.StartTls, HostAuthenticity.Dnssec, addresses.Found));
    }

    static string Words(DaneFinding finding) => finding switch
    {
        DaneFinding.None => "None",
        DaneFinding.Found found => $"{found.Base}: {string.Join(", ", found.Usable.Select(record => string.Create(CultureInfo.InvariantCulture, $"{record.Usage} {record.Selector} {record.MatchingType}")))}",
        DaneFinding.Failed failed => $"Failed {failed.Failure.Type} {failed.Failure.ReasonCode}",
        _ => throw new ArgumentException($"unknown finding {finding}", nameof(finding)),
    };
}
