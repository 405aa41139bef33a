using System.Text;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>Fetches from a real HTTPS server whose certificates are made in the run.</summary>
public sealed class StsFetchTests : IAsyncDisposable
{
    const string Host = "mta-sts.sts.test";
    const string Body = "version: STSv1\nmode: enforce\nmx: mx.elsewhere.test\nmax_age: 604800\n";
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("policy root", s_now.AddYears(-1), s_now.AddYears(1));
    static readonly DomainName s_domain = DomainName.Parse("sts.test");

    readonly FakeTimeProvider _clock = new(s_now);
    readonly PolicyHost _host = new(s_root.ServerLeaf(Host));

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_policy_is_fetched_from_its_host_and_by_its_name()
    {
        var result = Assert.IsType<StsFetchResult.Fetched>(await FetchAsync());
        Assert.Equal(new StsPolicy(StsMode.Enforce, ["mx.elsewhere.test"], TimeSpan.FromDays(7), "id1"), result.Policy);
        Assert.Equal([Host], _host.Names);
        var request = Assert.Single(_host.Requests);
        Assert.StartsWith("GET /.well-known/mta-sts.txt HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains($"\r\nHost: {Host}:{_host.Port}\r\n", request, StringComparison.Ordinal);
        Assert.DoesNotContain("Accept-Encoding", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Cookie", request, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whoever watches the policy host wants to know it before senders do, and also afterwards.</summary>
    [Fact]
    public async Task The_end_of_the_certificate_is_told_whether_it_is_accepted_or_not()
    {
        Assert.Equal(_host.Certificate.NotAfter.ToUniversalTime(), (await FetchAsync()).CertificateUntil?.UtcDateTime);
        var stranger = TestAuthority.Root("stranger", s_now.AddYears(-1), s_now.AddYears(1));
        _host.Certificate = stranger.ServerLeaf(Host);
        Assert.Equal(_host.Certificate.NotAfter.ToUniversalTime(), Assert.IsType<StsFetchResult.Failed>(await FetchAsync()).CertificateUntil?.UtcDateTime);
        Assert.Null((await FetchAsync($"{Host} A 127.0.0.9")).CertificateUntil);
    }

    [Fact]
    public async Task A_wildcard_certificate_serves_for_one_label()
    {
        _host.Certificate = s_root.ServerLeaf("*.sts.test");
        Assert.IsType<StsFetchResult.Fetched>(await FetchAsync());
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("TEXT/Plain; charset=us-ascii; x=y")]
    public async Task Parameters_of_the_media_type_do_not_matter(string type)
    {
        _host.Answer = PolicyHost.Http("200 OK", type, Body);
        Assert.IsType<StsFetchResult.Fetched>(await FetchAsync());
    }

    [Theory]
    [InlineData("301 Moved", "text/plain", "http-301")]
    [InlineData("302 Found", "text/plain", "http-302")]
    [InlineData("404 Not Found", "text/plain", "http-404")]
    [InlineData("500 Oops", "text/plain", "http-500")]
    [InlineData("204 No Content", "text/plain", "http-204")]
    [InlineData("206 Partial Content", "text/plain", "http-206")]
    [InlineData("200 OK", "text/html", "media-type")]
    [InlineData("200 OK", "application/octet-stream", "media-type")]
    [InlineData("200 OK", null, "media-type")]
    [InlineData("200 OK", "text/plain x", "media-type")]
    public async Task Only_200_and_text_plain_is_a_policy(string status, string? type, string reason)
    {
        // Wherever a redirect points to is never asked: here it is the host itself.
        _host.Answer = PolicyHost.Http(status, type, Body, $"Location: https://{Host}:{_host.Port}/elsewhere\r\n");
        Assert.Equal((TlsResultType.StsPolicyFetchError, reason), await FailureAsync());
        Assert.Single(_host.Requests);
    }

    [Fact]
    public async Task A_compressed_body_is_not_unpacked()
    {
        _host.Answer = PolicyHost.Http("200 OK", "text/plain", "\u001f\u0008 not a policy", "Content-Encoding: gzip\r\n");
        Assert.Equal((TlsResultType.StsPolicyInvalid, "malformed-line"), await FailureAsync());
    }

    [Fact]
    public async Task A_body_without_end_is_cut_off()
    {
        _host.Answer = async (stream, cancel) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"u8.ToArray(), cancel);
            var line = Encoding.ASCII.GetBytes("comment: more and more\n");
            while (true)
            {
                await stream.WriteAsync(line, cancel);
            }
        };
        Assert.Equal((TlsResultType.StsPolicyInvalid, "too-large"), await FailureAsync());
    }

    [Fact]
    public async Task A_header_without_end_is_cut_off()
    {
        _host.Answer = async (stream, cancel) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray(), cancel);
            var line = Encoding.ASCII.GetBytes($"X: {new string('x', 1000)}\r\n");
            while (true)
            {
                await stream.WriteAsync(line, cancel);
            }
        };
        Assert.Equal((TlsResultType.StsPolicyFetchError, "headers-too-large"), await FailureAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 70\r\n\r\nversion: STSv1\n")]
    public async Task A_slow_drip_ends_at_the_deadline(string before)
    {
        var dripping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Answer = async (stream, cancel) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(before), cancel);
            dripping.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
        };
        var fetching = FetchAsync();
        await dripping.Task.WaitAsync(Cancel);
        Assert.False(fetching.IsCompleted);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((TlsResultType.StsPolicyFetchError, "timed-out"), Failure(await fetching));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 70\r\n\r\nversion: STSv1\n", "connection-closed")]
    [InlineData("HTTP/1.1 200", "connection-closed")]
    [InlineData("220 mx.test ESMTP\r\n", "malformed-answer")]
    public async Task An_answer_that_breaks_off_or_is_none_is_a_failure(string answer, string reason)
    {
        _host.Answer = async (stream, cancel) => await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), cancel);
        Assert.Equal((TlsResultType.StsPolicyFetchError, reason), await FailureAsync());
    }

    [Theory]
    [InlineData("mta-sts.sts.test", -10, -1, "expired")]
    [InlineData("mta-sts.sts.test", 1, 10, "not-yet-valid")]
    [InlineData("sts.test", -1, 10, "name-mismatch")]
    [InlineData("mta-sts.other.test", -1, 10, "name-mismatch")]
    [InlineData("*.mta-sts.sts.test", -1, 10, "name-mismatch")]
    public async Task A_certificate_that_is_not_valid_for_the_host_is_told_apart(string name, int from, int to, string reason)
    {
        _host.Certificate = s_root.ServerLeaf(name, s_now.AddDays(from), s_now.AddDays(to));
        Assert.Equal((TlsResultType.StsWebpkiInvalid, reason), await FailureAsync());
        Assert.Empty(_host.Requests);
    }

    [Fact]
    public async Task An_authority_that_nobody_trusts_vouches_for_nothing()
    {
        var stranger = TestAuthority.Root("stranger", s_now.AddYears(-1), s_now.AddYears(1));
        _host.Certificate = stranger.ServerLeaf(Host);
        Assert.Equal((TlsResultType.StsWebpkiInvalid, "unknown-issuer"), await FailureAsync());
        Assert.Empty(_host.Requests);
    }

    [Fact]
    public async Task Every_address_is_tried()
    {
        var result = await FetchAsync($"{Host} A 127.0.0.9\n{Host} A 127.0.0.8\n{Host} A 127.0.0.1");
        Assert.IsType<StsFetchResult.Fetched>(result);
    }

    [Theory]
    [InlineData($"{Host} A 127.0.0.9", "connection-failed")]
    [InlineData("other.test A 127.0.0.1", "no-address")]
    [InlineData($"{Host} FAIL ANY", "dns-failure")]
    public async Task A_host_that_cannot_be_reached_is_a_failure(string zone, string reason) =>
        Assert.Equal((TlsResultType.StsPolicyFetchError, reason), Failure(await FetchAsync(zone)));

    [Fact]
    public async Task Whoever_cancels_gets_no_answer()
    {
        using var stop = new CancellationTokenSource();
        _host.Answer = async (_, cancel) =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Fetch($"{Host} A 127.0.0.1").FetchAsync(s_domain, "id1", stop.Token));
    }

    async Task<(TlsResultType Type, string Reason)> FailureAsync() => Failure(await FetchAsync());

    static (TlsResultType Type, string Reason) Failure(StsFetchResult result)
    {
        var failure = Assert.IsType<StsFetchResult.Failed>(result).Failure;
        return (failure.Type, failure.ReasonCode);
    }

    Task<StsFetchResult> FetchAsync(string zone = $"{Host} A 127.0.0.1") => Fetch(zone).FetchAsync(s_domain, "id1", Cancel);

    StsFetch Fetch(string zone) =>
        new(ZoneResolver.Parse(zone), new PkixCheck(TrustedRoots.Of(s_root.Certificate), _clock), _clock) { Port = _host.Port };
}
