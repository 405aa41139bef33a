using System.Net;

namespace Hopseal.Dns.Tests;

/// <summary><see cref="TrustedResolver"/> against unbound and nsd.</summary>
public sealed class ValidatingResolverTests(SignedZones zones) : IClassFixture<SignedZones>
{
    readonly TrustedResolver _resolver = new(new TrustedResolverOptions { Servers = [zones.Resolver] }, TimeProvider.System);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mx.test", "192.0.2.10", "mx.test", DnssecStatus.Secure)]
    [InlineData("www.test", "192.0.2.10", "mx.test", DnssecStatus.Secure)]
    [InlineData("any.wild.test", "192.0.2.11", "any.wild.test", DnssecStatus.Secure)]
    [InlineData("mx.insecure.test", "192.0.2.20", "mx.insecure.test", DnssecStatus.Insecure)]
    [InlineData("out.test", "192.0.2.20", "mx.insecure.test", DnssecStatus.Insecure)]
    [InlineData("in.insecure.test", "192.0.2.10", "mx.test", DnssecStatus.Insecure)]
    public async Task Addresses_come_with_their_status(string name, string address, string owner, DnssecStatus status)
    {
        var found = Assert.IsType<DnsAnswer<IPAddress>.Found>(await _resolver.Ipv4Async(DomainName.Parse(name), Cancel));
        Assert.Equal((address, owner, status), (Assert.Single(found.Records).ToString(), found.Owner.Ascii, found.Status));
    }

    [Theory]
    [InlineData("test", DnssecStatus.Secure)]
    [InlineData("insecure.test", DnssecStatus.Insecure)]
    public async Task Mail_exchangers_come_with_their_status(string name, DnssecStatus status)
    {
        var found = Assert.IsType<DnsAnswer<MxRecord>.Found>(await _resolver.MxAsync(DomainName.Parse(name), Cancel));
        Assert.Equal((new MxRecord(10, DomainName.Parse("mx." + name)), status), (Assert.Single(found.Records), found.Status));
    }

    [Theory]
    [InlineData("mx.test", "NoData { Status = Secure }")]
    [InlineData("www.test", "NoData { Status = Secure }")]
    [InlineData("out.test", "NoData { Status = Insecure }")]
    [InlineData("mx.insecure.test", "NoData { Status = Insecure }")]
    [InlineData("nothing.test", "NameError { Status = Secure }")]
    [InlineData("nothing.insecure.test", "NameError { Status = Insecure }")]
    public async Task Absence_is_proved_or_only_claimed(string name, string expected) =>
        Assert.Equal(expected, (await _resolver.MxAsync(DomainName.Parse(name), Cancel)).ToString());

    [Fact]
    public async Task A_bogus_answer_is_a_failure_that_says_why()
    {
        var failed = Assert.IsType<DnsAnswer<IPAddress>.Failed>(await _resolver.Ipv4Async(DomainName.Parse("mx.bogus.test"), Cancel));
        Assert.Equal(DnsFailureKind.ServerFailure, failed.Kind);
        Assert.Contains("DNSSEC bogus (EDE 6)", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resolvers_show_whether_they_validate()
    {
        Assert.Equal(ResolverState.Validates, await StateAsync(zones.Resolver));
        Assert.Equal(ResolverState.DoesNotValidate, await StateAsync(zones.Blind));
        Assert.Equal(ResolverState.AcceptsBogus, await StateAsync(zones.Permissive));
        Assert.Equal(ResolverState.Unreachable, await StateAsync(new IPEndPoint(IPAddress.Loopback, 9)));
        Assert.Equal(ResolverState.DoesNotValidate, await StateAsync(zones.Resolver, zones.Blind));

        async Task<ResolverState> StateAsync(params IPEndPoint[] servers) => (await new ResolverProbe(
            new TrustedResolverOptions { Servers = [.. servers] }, DomainName.Parse("mx.test"), DomainName.Parse("mx.bogus.test"), TimeProvider.System)
            .CheckAsync(Cancel)).State;
    }

    [Fact]
    public async Task A_null_mx_is_read() =>
        Assert.True(Assert.IsType<DnsAnswer<MxRecord>.Found>(await _resolver.MxAsync(DomainName.Parse("null.test"), Cancel)).Records[0].IsNull);
}
