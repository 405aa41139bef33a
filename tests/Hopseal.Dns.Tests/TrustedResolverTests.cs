using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Dns.Tests;

public sealed class TrustedResolverTests
{
    static readonly DomainName s_example = DomainName.Parse("example.org");
    static readonly DomainName s_mx = DomainName.Parse("mx.example.org");

    readonly FakeTimeProvider _clock = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mx_records_are_found_and_the_question_asks_for_signatures()
    {
        await using var server = new ScriptedDnsServer(query =>
            new DnsMessage(query).Secure().Exchange("Example.ORG", 10, "MX.example.org", 300).Exchange("example.org", 20, "192.0.2.1", 60));
        var found = Found(await Resolver(server).MxAsync(s_example, Cancel));
        Assert.Equal([new MxRecord(10, s_mx), new MxRecord(20, null, "192.0.2.1.")], found.Records);
        Assert.Equal((s_example, DnssecStatus.Secure, TimeSpan.FromSeconds(60)), (found.Owner, found.Status, found.Ttl));
        Assert.True(Assert.Single(server.Queries).DnssecOk);
    }

    [Fact]
    public async Task Addresses_of_both_families_are_found()
    {
        await using var server = new ScriptedDnsServer(query =>
            new DnsMessage(query).Address("mx.example.org", query.Type == DnsMessage.A ? "192.0.2.1" : "2001:db8::1"));
        var resolver = Resolver(server);
        Assert.Equal([IPAddress.Parse("192.0.2.1")], Found(await resolver.Ipv4Async(s_mx, Cancel)).Records);
        Assert.Equal([IPAddress.Parse("2001:db8::1")], Found(await resolver.Ipv6Async(s_mx, Cancel)).Records);
    }

    [Fact]
    public async Task The_root_as_exchange_is_a_null_mx()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Exchange("example.org", 0, "."));
        Assert.True(Assert.Single(Found(await Resolver(server).MxAsync(s_example, Cancel)).Records).IsNull);
    }

    [Theory]
    [InlineData(true, true, DnssecStatus.Secure)]
    [InlineData(false, true, DnssecStatus.Insecure)]
    [InlineData(true, false, DnssecStatus.Insecure)]
    public async Task AD_counts_only_from_a_trusted_path(bool authenticData, bool trusted, DnssecStatus expected)
    {
        // No address of this machine but loopback can be counted on; the reading of the trust is tested at its place.
        await using var server = new ScriptedDnsServer(query =>
        {
            var reply = new DnsMessage(query).Address("mx.example.org", "192.0.2.1");
            return authenticData ? reply.Secure() : reply;
        });
        var exchange = new ServerExchange(Options(server.EndPoint), _ => trusted);
        Assert.Equal(expected, Found(await new TrustedResolver(exchange, Options(server.EndPoint), _clock).Ipv4Async(s_mx, Cancel)).Status);
    }

    [Theory]
    [InlineData("127.0.0.53", false, true)]
    [InlineData("::1", false, true)]
    [InlineData("192.0.2.53", false, false)]
    [InlineData("192.0.2.53", true, true)]
    public void A_path_is_trusted_when_it_is_loopback_or_the_operator_says_so(string server, bool flag, bool trusted) =>
        Assert.Equal(trusted, ServerExchange.IsTrusted(new IPEndPoint(IPAddress.Parse(server), 53), flag));

    [Fact]
    public async Task A_server_without_trust_is_not_asked_when_there_is_one_with()
    {
        await using var validating = new ScriptedDnsServer(query => new DnsMessage(query).Code(2));
        await using var other = new ScriptedDnsServer(query => new DnsMessage(query).Address("mx.example.org", "192.0.2.66"));
        var options = Options(validating.EndPoint, other.EndPoint);
        var exchange = new ServerExchange(options, endpoint => endpoint.Equals(validating.EndPoint));
        Assert.Equal(DnsFailureKind.ServerFailure, Failed(await new TrustedResolver(exchange, options, _clock).Ipv4Async(s_mx, Cancel)).Kind);
        Assert.Empty(other.Queries);
    }

    [Fact]
    public async Task Aliases_are_followed_within_one_reply()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Secure()
            .Alias("mx.example.org", "a.example.net", 600).Alias("a.example.net", "b.example.net", 30).Address("b.example.net", "192.0.2.1", 900));
        var found = Found(await Resolver(server).Ipv4Async(s_mx, Cancel));
        Assert.Equal((DomainName.Parse("b.example.net"), TimeSpan.FromSeconds(30)), (found.Owner, found.Ttl));
    }

    [Fact]
    public async Task An_unfinished_chain_is_asked_for_and_is_as_secure_as_its_weakest_reply()
    {
        await using var server = new ScriptedDnsServer(query => query.Name == "mx.example.org"
            ? new DnsMessage(query).Secure().Alias("mx.example.org", "b.example.net", 40)
            : new DnsMessage(query).Address("b.example.net", "192.0.2.1"));
        var found = Found(await Resolver(server).Ipv4Async(s_mx, Cancel));
        Assert.Equal((DnssecStatus.Insecure, TimeSpan.FromSeconds(40)), (found.Status, found.Ttl));
        Assert.Equal(2, server.Queries.Count);
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public async Task A_chain_has_at_most_eight_aliases(int aliases, bool found)
    {
        await using var server = new ScriptedDnsServer(query =>
        {
            var at = query.Name.StartsWith('c') ? int.Parse(query.Name.Split('.')[0][1..], null) : 0;
            return at < aliases
                ? new DnsMessage(query).Alias(query.Name, $"c{at + 1}.example.net")
                : new DnsMessage(query).Address(query.Name, "192.0.2.1");
        });
        Assert.Equal(found, await Resolver(server).Ipv4Async(s_mx, Cancel) is DnsAnswer<IPAddress>.Found);
    }

    [Fact]
    public async Task A_loop_of_aliases_ends()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query)
            .Alias("mx.example.org", "b.example.org").Alias("b.example.org", "mx.example.org"));
        Assert.Equal(DnsFailureKind.Malformed, Failed(await Resolver(server).Ipv4Async(s_mx, Cancel)).Kind);
    }

    public static TheoryData<string, Func<DnsMessage, DnsMessage>> Lies => new()
    {
        { "another question name", reply => reply.Question("evil.example", DnsMessage.A).Address("mx.example.org", "192.0.2.1") },
        { "another question type", reply => reply.Question("mx.example.org", DnsMessage.Aaaa).Address("mx.example.org", "192.0.2.1") },
        { "another owner", reply => reply.Address("evil.example", "192.0.2.1") },
        { "an unconnected alias", reply => reply.Alias("evil.example", "b.example").Address("b.example", "192.0.2.1") },
        { "two aliases", reply => reply.Alias("mx.example.org", "a.example").Alias("mx.example.org", "b.example") },
        { "an alias of an address", reply => reply.Alias("mx.example.org", "192.0.2.1") },
        { "a referral", reply => reply.Referral("example.org") },
        { "a query", reply => reply.NotAReply().Address("mx.example.org", "192.0.2.1") },
        { "half an address", reply => reply.Answer("mx.example.org", DnsMessage.A, [192, 0]) },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_reply_that_does_not_answer_the_question_is_no_answer(string what, Func<DnsMessage, DnsMessage> lie)
    {
        await using var server = new ScriptedDnsServer(query => lie(new DnsMessage(query).Secure()));
        Assert.True(DnsFailureKind.Malformed == Failed(await Resolver(server).Ipv4Async(s_mx, Cancel)).Kind, what);
    }

    [Fact]
    public async Task Records_for_other_names_are_not_taken_along()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query)
            .Exchange("evil.example", 1, "evil.example").Exchange("example.org", 10, "mx.example.org"));
        Assert.Equal([new MxRecord(10, s_mx)], Found(await Resolver(server).MxAsync(s_example, Cancel)).Records);
    }

    [Fact]
    public async Task A_truncated_reply_is_asked_again_over_tcp()
    {
        await using var server = new ScriptedDnsServer(query => query.OverTcp
            ? new DnsMessage(query).Secure().Address("mx.example.org", "192.0.2.1")
            : new DnsMessage(query).Truncated());
        Assert.Equal(DnssecStatus.Secure, Found(await Resolver(server).Ipv4Async(s_mx, Cancel)).Status);
        Assert.Equal([false, true], server.Queries.Select(query => query.OverTcp));
    }

    [Fact]
    public async Task A_server_failure_comes_with_its_reason_and_is_not_cached()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Code(2).ExtendedError(6, "bad\u001b[31m signature"));
        var resolver = Resolver(server);
        var failed = Failed(await resolver.Ipv4Async(s_mx, Cancel));
        Assert.Equal(DnsFailureKind.ServerFailure, failed.Kind);
        Assert.Contains("SERVFAIL, DNSSEC bogus (EDE 6): bad?[31m signature", failed.Detail, StringComparison.Ordinal);
        Failed(await resolver.Ipv4Async(s_mx, Cancel));
        Assert.Equal(2, server.Queries.Count);
    }

    [Theory]
    [InlineData(5, 0, DnsFailureKind.Refused)]
    [InlineData(1, 0, DnsFailureKind.ServerFailure)]
    [InlineData(4, 0, DnsFailureKind.ServerFailure)]
    [InlineData(0, 1, DnsFailureKind.ServerFailure)] // BADVERS
    [InlineData(3, 1, DnsFailureKind.ServerFailure)] // not NXDOMAIN: the upper bits make it 19
    public async Task No_other_code_is_an_answer(int code, byte upper, DnsFailureKind kind)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Code(code).ExtendedError(0, "", upper));
        Assert.Equal(kind, Failed(await Resolver(server).Ipv4Async(s_mx, Cancel)).Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_such_name_and_no_such_record_are_different(bool secure)
    {
        await using var server = new ScriptedDnsServer(query =>
        {
            var reply = new DnsMessage(query).Code(query.Name == "example.org" ? 0 : 3).Authority("example.org", 60);
            return secure ? reply.Secure() : reply;
        });
        var resolver = Resolver(server);
        var status = secure ? DnssecStatus.Secure : DnssecStatus.Insecure;
        Assert.Equal(new DnsAnswer<MxRecord>.NoData(status), await resolver.MxAsync(s_example, Cancel));
        Assert.Equal(new DnsAnswer<MxRecord>.NameError(status), await resolver.MxAsync(s_mx, Cancel));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task A_chain_can_end_in_nothing(int code)
    {
        await using var server = new ScriptedDnsServer(query =>
            new DnsMessage(query).Code(code).Alias("mx.example.org", "b.example.net").Authority("example.net", 60));
        var answer = await Resolver(server).Ipv4Async(s_mx, Cancel);
        Assert.Equal(code == 0, answer is DnsAnswer<IPAddress>.NoData);
        Assert.Equal(code == 3, answer is DnsAnswer<IPAddress>.NameError);
    }

    [Fact]
    public async Task Silence_is_a_time_out()
    {
        await using var server = new ScriptedDnsServer(byte[]? (_) => null);
        var options = Options(server.EndPoint) with { Timeout = TimeSpan.FromMilliseconds(50), Tries = 2 };
        Assert.Equal(DnsFailureKind.TimedOut, Failed(await new TrustedResolver(options, _clock).Ipv4Async(s_mx, Cancel)).Kind);
        Assert.Equal(2, server.Queries.Count);
    }

    [Fact]
    public async Task The_deadline_ends_everything()
    {
        await using var server = new ScriptedDnsServer(byte[]? (_) =>
        {
            _clock.Advance(TimeSpan.FromSeconds(21));
            return null;
        });
        var options = Options(server.EndPoint) with { Timeout = TimeSpan.FromMinutes(5) };
        Assert.Equal(DnsFailureKind.TimedOut, Failed(await new TrustedResolver(options, _clock).Ipv4Async(s_mx, Cancel)).Kind);
    }

    [Fact]
    public async Task Cancelling_ends_the_question_at_once()
    {
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var server = new ScriptedDnsServer(byte[]? (_) =>
        {
            cancelling.Cancel();
            return null;
        });
        var options = Options(server.EndPoint) with { Timeout = TimeSpan.FromMinutes(5) };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await new TrustedResolver(options, _clock).Ipv4Async(s_mx, cancelling.Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("80")]
    [InlineData("81800001000100000000c00cc00cc00cc00c")]
    [InlineData("8180ffffffffffffffff0000")]
    public async Task Garbage_is_no_answer(string afterId)
    {
        await using var server = new ScriptedDnsServer(byte[]? (query) => [.. query.Bytes[..2], .. Convert.FromHexString(afterId)]);
        Assert.Equal(DnsFailureKind.Malformed, Failed(await Resolver(server).Ipv4Async(s_mx, Cancel)).Kind);
    }

    [Fact]
    public async Task The_next_server_answers_for_one_that_does_not()
    {
        await using var refusing = new ScriptedDnsServer(query => new DnsMessage(query).Code(5));
        await using var silent = new ScriptedDnsServer(byte[]? (_) => null);
        await using var good = new ScriptedDnsServer(query => new DnsMessage(query).Address("mx.example.org", "192.0.2.1"));
        var options = Options(refusing.EndPoint, silent.EndPoint, good.EndPoint) with { Timeout = TimeSpan.FromMilliseconds(200) };
        Found(await new TrustedResolver(options, _clock).Ipv4Async(s_mx, Cancel));
        Assert.Single(refusing.Queries);
    }

    [Fact]
    public async Task An_answer_is_kept_for_its_ttl_and_counts_down()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Address("mx.example.org", "192.0.2.1", 100));
        var resolver = Resolver(server);
        Found(await resolver.Ipv4Async(s_mx, Cancel));
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(TimeSpan.FromSeconds(40), Found(await resolver.Ipv4Async(s_mx, Cancel)).Ttl);
        Assert.Single(server.Queries);
        _clock.Advance(TimeSpan.FromSeconds(40));
        Found(await resolver.Ipv4Async(s_mx, Cancel));
        Assert.Equal(2, server.Queries.Count);
    }

    [Theory]
    [InlineData(0u, 0, 2)]
    [InlineData(0x80000001u, 0, 2)] // counts as zero
    [InlineData(0x7FFFFFFFu, 86_399, 1)]
    [InlineData(0x7FFFFFFFu, 86_400, 2)] // a day at most
    public async Task A_ttl_is_bounded(uint ttl, int seconds, int queries)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Address("mx.example.org", "192.0.2.1", ttl));
        await AskTwiceAsync(server, seconds);
        Assert.Equal(queries, server.Queries.Count);
    }

    [Theory]
    [InlineData(60u, 3600u, 59, 1)]
    [InlineData(60u, 3600u, 60, 2)]
    [InlineData(3600u, 60u, 60, 2)] // the SOA record's own TTL, when it is the smaller one
    [InlineData(86_400u, 86_400u, 899, 1)]
    [InlineData(86_400u, 86_400u, 900, 2)] // 15 minutes at most
    public async Task A_negative_answer_is_kept_as_its_zone_says(uint minimum, uint ttl, int seconds, int queries)
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Code(3).Authority("example.org", minimum, ttl));
        await AskTwiceAsync(server, seconds);
        Assert.Equal(queries, server.Queries.Count);
    }

    [Fact]
    public async Task A_negative_answer_without_a_zone_is_not_kept()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query));
        await AskTwiceAsync(server, 0);
        Assert.Equal(2, server.Queries.Count);
    }

    [Fact]
    public async Task The_cache_is_bounded_and_keeps_what_is_used()
    {
        await using var server = new ScriptedDnsServer(query => new DnsMessage(query).Address(query.Name, "192.0.2.1"));
        var resolver = new TrustedResolver(Options(server.EndPoint) with { CacheEntries = 2 }, _clock);
        foreach (var name in (string[])["a", "b", "a", "c", "a", "b"])
        {
            Found(await resolver.Ipv4Async(DomainName.Parse(name), Cancel));
        }

        Assert.Equal(["a", "b", "c", "b"], server.Queries.Select(query => query.Name));
    }

    [Fact]
    public async Task Who_waits_for_a_place_has_the_whole_deadline_left()
    {
        var began = _clock.GetUtcNow();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new ScriptedDnsServer(query =>
        {
            arrived.TrySetResult();
            return query.Name == "b" && _clock.GetUtcNow() > began ? new DnsMessage(query).Address("b", "192.0.2.1").Bytes() : null;
        });
        var resolver = new TrustedResolver(Options(server.EndPoint) with { QuestionsAtOnce = 1 }, _clock);
        var first = resolver.Ipv4Async(DomainName.Parse("a"), Cancel).AsTask();
        await arrived.Task.WaitAsync(Cancel);
        var second = resolver.Ipv4Async(DomainName.Parse("b"), Cancel).AsTask();

        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(DnsFailureKind.TimedOut, Failed(await first).Kind);
        Found(await second);
        Assert.Equal(["a", "b"], server.Queries.Select(query => query.Name));
    }

    [Fact]
    public void A_resolver_needs_a_server() =>
        Assert.Throws<ArgumentException>(() => new TrustedResolver(new TrustedResolverOptions { Servers = [] }, _clock));

    async Task AskTwiceAsync(ScriptedDnsServer server, int secondsBetween)
    {
        var resolver = Resolver(server);
        var first = await resolver.Ipv4Async(s_mx, Cancel);
        _clock.Advance(TimeSpan.FromSeconds(secondsBetween));
        Assert.IsType(first.GetType(), await resolver.Ipv4Async(s_mx, Cancel));
    }

    TrustedResolver Resolver(ScriptedDnsServer server) => new(Options(server.EndPoint), _clock);

    static TrustedResolverOptions Options(params IPEndPoint[] servers) =>
        new() { Servers = [.. servers], Tries = 1, Timeout = TimeSpan.FromSeconds(10) };

    static DnsAnswer<T>.Found Found<T>(DnsAnswer<T> answer) => Assert.IsType<DnsAnswer<T>.Found>(answer);

    static DnsAnswer<T>.Failed Failed<T>(DnsAnswer<T> answer) => Assert.IsType<DnsAnswer<T>.Failed>(answer);
}
