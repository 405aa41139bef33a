using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Dns.Tests;

public sealed class ResolverHealthTests
{
    static readonly IPEndPoint s_server = new(IPAddress.Loopback, 53);
    static readonly DomainName s_name = DomainName.Parse("signed.example");

    static readonly DnsAnswer<IPAddress>.Failed s_refused = new(DnsFailureKind.ServerFailure, "SERVFAIL, DNSSEC bogus");
    static readonly DnsAnswer<IPAddress>.Failed s_silent = new(DnsFailureKind.TimedOut, "no answer");
    static readonly DnsAnswer<IPAddress>.Failed s_closed = new(DnsFailureKind.Unreachable, "connection refused");

    static DnsAnswer<IPAddress>.Found Secure => Found(DnssecStatus.Secure);

    static DnsAnswer<IPAddress>.Found Insecure => Found(DnssecStatus.Insecure);

    public static TheoryData<DnsAnswer<IPAddress>, DnsAnswer<IPAddress>?, bool, ResolverState> Answers => new()
    {
        { Secure, s_refused, true, ResolverState.Validates },
        { new DnsAnswer<IPAddress>.NoData(DnssecStatus.Secure), s_refused, true, ResolverState.Validates },
        { new DnsAnswer<IPAddress>.NameError(DnssecStatus.Secure), s_refused, true, ResolverState.Validates },

        // That the second name cannot be had, or is unknown in a closed network, says nothing against the first.
        { Secure, null, true, ResolverState.Validates },
        { Secure, s_silent, true, ResolverState.Validates },
        { Secure, new DnsAnswer<IPAddress>.NameError(DnssecStatus.Secure), true, ResolverState.Validates },

        { Secure, s_refused, false, ResolverState.NotTrusted },
        { Insecure, s_refused, true, ResolverState.DoesNotValidate },
        { Insecure, Insecure, true, ResolverState.DoesNotValidate },
        { Insecure, Insecure, false, ResolverState.DoesNotValidate },
        { new DnsAnswer<IPAddress>.NoData(DnssecStatus.Insecure), s_refused, true, ResolverState.DoesNotValidate },
        { new DnsAnswer<IPAddress>.NameError(DnssecStatus.Insecure), s_refused, true, ResolverState.DoesNotValidate },
        { Secure, Insecure, true, ResolverState.AcceptsBogus },
        { Secure, Secure, true, ResolverState.AcceptsBogus },
        { Secure, Insecure, false, ResolverState.AcceptsBogus },
        { s_silent, Insecure, true, ResolverState.AcceptsBogus },
        { s_silent, s_silent, true, ResolverState.Unreachable },
        { s_closed, null, false, ResolverState.Unreachable },
        { s_refused, s_refused, true, ResolverState.Unknown },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Two_answers_tell_what_a_resolver_does(
        DnsAnswer<IPAddress> signed, DnsAnswer<IPAddress>? bogus, bool trusted, ResolverState expected) =>
        Assert.Equal(expected, ServerHealth.Judge(s_server, trusted, signed, bogus).State);

    [Theory]
    [InlineData(ResolverState.Validates, false, ResolverState.Validates, ResolverState.Validates)]
    [InlineData(ResolverState.Validates, false, ResolverState.Validates, ResolverState.Unreachable)]
    [InlineData(ResolverState.Validates, false, ResolverState.Unknown, ResolverState.Validates)]
    [InlineData(ResolverState.DoesNotValidate, true, ResolverState.Validates, ResolverState.DoesNotValidate)]
    [InlineData(ResolverState.AcceptsBogus, true, ResolverState.AcceptsBogus, ResolverState.DoesNotValidate)]
    [InlineData(ResolverState.NotTrusted, true, ResolverState.Unreachable, ResolverState.NotTrusted)]
    [InlineData(ResolverState.Unknown, false, ResolverState.Unreachable, ResolverState.Unknown)]
    [InlineData(ResolverState.Unreachable, false, ResolverState.Unreachable, ResolverState.Unreachable)]
    public void Several_are_worth_what_the_worst_that_answers_is(
        ResolverState expected, bool blind, params ResolverState[] states)
    {
        var health = new ResolverHealth(
            [.. states.Select(state => new ServerHealth(s_server, true, state, "…"))], DateTimeOffset.UnixEpoch);
        Assert.Equal((expected, blind), (health.State, health.IsBlind));
    }

    [Fact]
    public void It_is_told_in_one_line()
    {
        Assert.Equal("validates (127.0.0.1:53)", Health(Secure, s_refused).ToString());
        Assert.Equal(
            "does not validate, so DANE is off (127.0.0.1:53: it does not say of a signed name that it validated it)",
            Health(Insecure, s_refused).ToString());
        Assert.Equal("does not answer (127.0.0.1:53: no answer)", Health(s_silent, s_silent).ToString());
    }

    [Fact]
    public async Task Each_server_is_asked_by_itself_and_never_from_a_cache()
    {
        await using var good = new ScriptedDnsServer(query =>
            query.Name == "bogus.example" ? new DnsMessage(query).Code(2) : new DnsMessage(query).Secure().Address(query.Name, "192.0.2.1"));
        await using var blind = new ScriptedDnsServer(query => new DnsMessage(query).Address(query.Name, "192.0.2.1"));
        await using var silent = new ScriptedDnsServer(_ => (byte[]?)null);
        var clock = new FakeTimeProvider();
        var options = new TrustedResolverOptions
        {
            Servers = [good.EndPoint, blind.EndPoint, silent.EndPoint],
            Timeout = TimeSpan.FromMilliseconds(200),
            Tries = 1,
        };
        var probe = new ResolverProbe(options, s_name, DomainName.Parse("bogus.example"), clock);
        var health = await probe.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            [
                (good.EndPoint, ResolverState.Validates), (blind.EndPoint, ResolverState.DoesNotValidate), (silent.EndPoint, ResolverState.Unreachable)
            ],
            health.Servers.Select(server => (server.Server, server.State)));
        Assert.Equal((ResolverState.DoesNotValidate, clock.GetUtcNow()), (health.State, health.CheckedAt));

        await probe.CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(4, good.Queries.Count);
        Assert.All(good.Queries, query => Assert.True(query.DnssecOk));
    }

    static ResolverHealth Health(DnsAnswer<IPAddress> signed, DnsAnswer<IPAddress>? bogus) =>
        new([ServerHealth.Judge(s_server, trusted: true, signed, bogus)], DateTimeOffset.UnixEpoch);

    static DnsAnswer<IPAddress>.Found Found(DnssecStatus status) => new([IPAddress.Loopback], s_name, status, TimeSpan.FromMinutes(1));
}
