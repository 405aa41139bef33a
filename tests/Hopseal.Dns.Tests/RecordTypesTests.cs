using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Dns.Tests;

/// <summary>TLSA, TXT and CNAME as servers send them, well or not.</summary>
public sealed class RecordTypesTests
{
    const ushort Ptr = 12, Txt = 16, Tlsa = 52, Caa = 257;

    static readonly DomainName s_name = DomainName.Parse("_25._tcp.mx.example.org");

    readonly FakeTimeProvider _clock = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Strings_of_a_text_are_put_together_without_anything_between()
    {
        var first = new string('a', 255);
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, Txt, [.. Text(first), .. Text("b \"c\" \\d"), .. Text("")]));
        Assert.Equal([first + "b \"c\" \\d"], Found(await Resolver(server).TxtAsync(s_name, Cancel)).Records);
    }

    [Theory]
    [InlineData("v=1 b\u00fccher", "763d312062c3bc63686572")]
    [InlineData("a\0\u001f\u007f\\200", "61001f7f5c323030")]
    public async Task Each_octet_of_a_text_is_one_char(string text, string octets)
    {
        var data = Encoding.UTF8.GetBytes(text);
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, Txt, [(byte)data.Length, .. data]));
        var read = Assert.Single(Found(await Resolver(server).TxtAsync(s_name, Cancel)).Records);
        Assert.Equal(octets, Convert.ToHexStringLower(Encoding.Latin1.GetBytes(read)));
    }

    [Fact]
    public async Task What_is_no_text_never_looks_like_ascii_and_never_vanishes()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, Txt, [3, (byte)'a', 0xff, (byte)'b']));
        Assert.Equal(["a\u00ef\u00bf\u00bdb"], Found(await Resolver(server).TxtAsync(s_name, Cancel)).Records);
    }

    [Fact]
    public async Task An_association_is_read_as_published()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Answer(query.Name, Tlsa, [3, 1, 1, 0xab, 0xcd]).Answer(query.Name, Tlsa, [255, 254, 253, 0]));
        Assert.Equal(
            [new TlsaRecord(3, 1, 1, [0xab, 0xcd]), new TlsaRecord(255, 254, 253, [0])],
            Found(await Resolver(server).TlsaAsync(s_name, Cancel)).Records);
    }

    [Fact]
    public async Task Issuers_are_read_as_published_with_their_tag_in_lower_case()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query)
            .Answer(query.Name, Caa, [0, 5, .. "ISSUE"u8, .. "ca.example; a=b"u8]).Answer(query.Name, Caa, [128, 3, .. "tbs"u8]));
        Assert.Equal(
            [new CaaRecord(0, "issue", "ca.example; a=b"), new CaaRecord(128, "tbs", "")],
            Found(await Resolver(server).CaaAsync(s_name, Cancel)).Records);
    }

    [Fact]
    public async Task The_names_of_an_address_are_read()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, Ptr, DnsMessage.Name("mx.example.org")));
        var name = ReverseName.Of(System.Net.IPAddress.Parse("192.0.2.1"));
        Assert.Equal([DomainName.Parse("mx.example.org")], Found(await Resolver(server).PtrAsync(name, Cancel)).Records);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0009697373")]
    public async Task Issuers_that_end_too_early_are_no_answer_and_never_no_record(string data)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, Caa, Convert.FromHexString(data)));
        Assert.Equal(DnsFailureKind.Malformed, Assert.IsType<DnsAnswer<CaaRecord>.Failed>(await Resolver(server).CaaAsync(s_name, Cancel)).Kind);
    }

    [Theory]
    [InlineData(Tlsa, "")]
    [InlineData(Tlsa, "03")]
    [InlineData(Tlsa, "0301")]
    [InlineData(Txt, "ff61")]
    public async Task Data_that_ends_too_early_is_no_answer_and_never_no_record(ushort type, string data)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Answer(query.Name, type, Convert.FromHexString(data)));
        var resolver = Resolver(server);
        var failed = type is Tlsa
            ? (await resolver.TlsaAsync(s_name, Cancel) as DnsAnswer<TlsaRecord>.Failed)?.Kind
            : (await resolver.TxtAsync(s_name, Cancel) as DnsAnswer<string>.Failed)?.Kind;
        Assert.Equal(DnsFailureKind.Malformed, failed);
    }

    [Fact]
    public async Task A_question_for_an_alias_is_answered_by_its_first_link()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Alias(query.Name, "one.example.org").Alias("one.example.org", "two.example.org").Address("two.example.org", "192.0.2.1"));
        var found = Found(await Resolver(server).CnameAsync(s_name, Cancel));
        Assert.Equal(("one.example.org", s_name, DnssecStatus.Secure), (Assert.Single(found.Records).Ascii, found.Owner, found.Status));
    }

    [Fact]
    public async Task Each_type_is_kept_for_its_ttl_and_its_absence_for_what_the_zone_says()
    {
        await using var server = new ScriptedDnsServer(query => query.Type is Tlsa
            ? new DnsMessage(query).Secure().Answer(query.Name, Tlsa, [3, 1, 1, 1], ttl: 60)
            : new DnsMessage(query).Secure().Authority("example.org", minimum: 60));
        var resolver = Resolver(server);
        for (var i = 0; i < 3; i++)
        {
            Found(await resolver.TlsaAsync(s_name, Cancel));
            Assert.Equal("NoData { Status = Secure }", (await resolver.TxtAsync(s_name, Cancel)).ToString());
            Assert.Equal("NoData { Status = Secure }", (await resolver.CnameAsync(s_name, Cancel)).ToString());
        }

        Assert.Equal(3, server.Queries.Count);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Found(await resolver.TlsaAsync(s_name, Cancel));
        Assert.Equal(4, server.Queries.Count);
    }

    [Fact]
    public async Task A_failure_says_why_and_is_not_kept()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Code(2).ExtendedError(9, "no DNSKEY"));
        var resolver = Resolver(server);
        for (var i = 0; i < 2; i++)
        {
            var failed = Assert.IsType<DnsAnswer<TlsaRecord>.Failed>(await resolver.TlsaAsync(s_name, Cancel));
            Assert.Equal(DnsFailureKind.ServerFailure, failed.Kind);
            Assert.Contains("no DNSKEY", failed.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(2, server.Queries.Count);
    }

    static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    static DnsAnswer<T>.Found Found<T>(DnsAnswer<T> answer) => Assert.IsType<DnsAnswer<T>.Found>(answer);

    TrustedResolver Resolver(ScriptedDnsServer server) =>
        new(new TrustedResolverOptions { Servers = [server.EndPoint], Timeout = TimeSpan.FromSeconds(5), Tries = 1 }, _clock);
}
