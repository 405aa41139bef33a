using FsCheck.Xunit;

namespace Hopseal.Dns.Tests;

/// <summary>TLSA records from the wire, whoever wrote it, and from text.</summary>
public sealed class TlsaRecordTests
{
    const ushort Tlsa = 52;
    const ushort Dname = 39;

    static readonly DomainName s_name = DomainName.Parse("_25._tcp.mx.example.org");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_come_as_published()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Answer(query.Name, Tlsa, [3, 1, 1, 0xAB, 0xCD]).Answer(query.Name, Tlsa, [255, 254, 253, 1]).Answer(query.Name, Tlsa, [0, 0, 0]));
        var found = Assert.IsType<DnsAnswer<TlsaRecord>.Found>(await Ask(server));
        Assert.Equal(["3 1 1 abcd", "255 254 253 01", "0 0 0 "], found.Records.Select(record => record.ToString()));
        Assert.Equal(DnssecStatus.Secure, found.Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_record_that_is_cut_short_is_a_failure_and_takes_nothing_from_its_neighbours(int octets)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Answer(query.Name, Tlsa, new byte[octets]).Answer(query.Name, Tlsa, [3, 1, 1, 0xAB]));
        var failed = Assert.IsType<DnsAnswer<TlsaRecord>.Failed>(await Ask(server));
        Assert.Equal(DnsFailureKind.Malformed, failed.Kind);
    }

    [Fact]
    public async Task A_large_set_comes_over_tcp()
    {
        byte[] data = [3, 0, 0, .. new byte[3000]];
        await using var server = new ScriptedDnsServer(query => query.OverTcp
            ? new DnsMessage(query).Secure().Answer(query.Name, Tlsa, data)
            : new DnsMessage(query).Truncated());
        var found = Assert.IsType<DnsAnswer<TlsaRecord>.Found>(await Ask(server));
        Assert.Equal(3000, Assert.Single(found.Records).Data.Length);
    }

    [Fact]
    public async Task A_redirected_subtree_is_followed()
    {
        // RFC 6672 §2.2: the server adds the alias that the DNAME record means.
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Answer("mx.example.org", Dname, DnsMessage.Name("tlsa.example.net"))
            .Alias(query.Name, "_25._tcp.tlsa.example.net")
            .Answer("_25._tcp.tlsa.example.net", Tlsa, [3, 1, 1, 1]));
        var found = Assert.IsType<DnsAnswer<TlsaRecord>.Found>(await Ask(server));
        Assert.Equal(("_25._tcp.tlsa.example.net", DnssecStatus.Secure), (found.Owner.Ascii, found.Status));
    }

    [Theory]
    [InlineData(true, true, DnssecStatus.Secure)]
    [InlineData(false, true, DnssecStatus.Insecure)]
    [InlineData(true, false, DnssecStatus.Insecure)]
    public async Task Each_answer_on_the_way_has_to_be_signed(bool alias, bool target, DnssecStatus expected)
    {
        await using var server = new ScriptedDnsServer(query =>
        {
            var isAlias = query.Name == s_name.Ascii;
            var reply = isAlias
                ? new DnsMessage(query).Alias(query.Name, "_dane.example.net")
                : new DnsMessage(query).Answer(query.Name, Tlsa, [3, 1, 1, 1]);
            return (isAlias ? alias : target) ? reply.Secure() : reply;
        });
        Assert.Equal(expected, Assert.IsType<DnsAnswer<TlsaRecord>.Found>(await Ask(server)).Status);
    }

    [Fact]
    public async Task A_loop_of_aliases_is_a_failure()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Alias(query.Name, query.Name == s_name.Ascii ? "_dane.example.net" : s_name.Ascii));
        Assert.Equal(DnsFailureKind.Malformed, Assert.IsType<DnsAnswer<TlsaRecord>.Failed>(await Ask(server)).Kind);
    }

    [Fact]
    public async Task An_alias_is_told_by_itself_and_not_followed()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure().Alias(query.Name, "target.example.net"));
        var resolver = Resolver(server);
        var found = Assert.IsType<DnsAnswer<DomainName>.Found>(await resolver.CnameAsync(DomainName.Parse("mx.example.org"), Cancel));
        Assert.Equal(("target.example.net", DnssecStatus.Secure), (Assert.Single(found.Records).Ascii, found.Status));
        Assert.Single(server.Queries);
    }

    [Property(MaxTest = 50)]
    public async Task Arbitrary_data_is_read_as_it_is_or_refused(byte[][] records)
    {
        await using var server = new ScriptedDnsServer(query =>
            records.Take(20).Aggregate(new DnsMessage(query).Secure(), (reply, data) => reply.Answer(query.Name, Tlsa, data)));
        switch (await Ask(server))
        {
            case DnsAnswer<TlsaRecord>.Found found:
                Assert.Equal(
                    records.Take(20).Select(Convert.ToHexString),
                    found.Records.Select(record => Convert.ToHexString([record.Usage, record.Selector, record.MatchingType, .. record.Data])));
                break;
            case DnsAnswer<TlsaRecord>.Failed failed:
                Assert.Equal(DnsFailureKind.Malformed, failed.Kind);
                Assert.Contains(records, data => data.Length < 3);
                break;
            case var absent:
                Assert.IsType<DnsAnswer<TlsaRecord>.NoData>(absent);
                Assert.Empty(records);
                break;
        }
    }

    [Property]
    public async Task What_is_printed_is_read_back_as_the_same(byte usage, byte selector, byte matching, byte first, byte[] rest)
    {
        var record = new TlsaRecord(usage, selector, matching, [first, .. rest]);
        var answer = await ZoneResolver.Parse($"{s_name} TLSA {record}").TlsaAsync(s_name, Cancel);
        Assert.Equal(record, Assert.Single(Assert.IsType<DnsAnswer<TlsaRecord>.Found>(answer).Records));
    }

    static TrustedResolver Resolver(ScriptedDnsServer server) => new(new TrustedResolverOptions { Servers = [server.EndPoint], Tries = 1 }, TimeProvider.System);

    static ValueTask<DnsAnswer<TlsaRecord>> Ask(ScriptedDnsServer server) => Resolver(server).TlsaAsync(s_name, Cancel);
}
