using Hopseal.Dns;
using Hopseal.Policy.Tests.MtaSts;
using Hopseal.Policy.TlsRpt;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.TlsRpt;

/// <summary>Posts to a real HTTPS server whose certificates are made in the run.</summary>
public sealed class ReportPostTests : IAsyncDisposable
{
    const string Host = "reports.test";
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("report root", s_now.AddYears(-1), s_now.AddYears(1));

    readonly FakeTimeProvider _clock = new(s_now);
    readonly PolicyHost _host = new(s_root.ServerLeaf(Host)) { Answer = PolicyHost.Http("201 Created", null, "") };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_report_is_posted_to_its_host_and_by_its_name()
    {
        Assert.Equal(new ReportPostResult.Taken(201), await PostAsync());
        Assert.Equal([Host], _host.Names);
        var request = Assert.Single(_host.Requests);
        Assert.StartsWith("POST /v1/tlsrpt?for=a HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/tlsrpt+gzip\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Length: 3", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("301 Moved")]
    [InlineData("307 Temporary Redirect")]
    [InlineData("400 Bad Request")]
    [InlineData("503 Busy")]
    public async Task What_is_not_2xx_is_a_failure_and_no_redirect_is_followed(string status)
    {
        _host.Answer = PolicyHost.Http(status, "text/plain", "no", $"Location: https://{Host}:{_host.Port}/elsewhere\r\n");
        Assert.Equal($"{Host} answered {status[..3]}", await FailureAsync());
        Assert.Single(_host.Requests);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.1")]
    [InlineData("169.254.169.254")]
    public async Task Nothing_is_posted_to_addresses_inside_a_network(string address)
    {
        Assert.Equal($"{Host} cannot be reached: {address}: not a public address", await FailureAsync($"{Host} A {address}", anyAddress: false));
        Assert.Empty(_host.Names);
    }

    [Theory]
    [InlineData("https://127.0.0.1:{0}/", "127.0.0.1 cannot be reached: 127.0.0.1: not a public address")]
    [InlineData("https://2130706433:{0}/", "127.0.0.1 cannot be reached: 127.0.0.1: not a public address")]
    [InlineData("https://0x7f.1:{0}/", "127.0.0.1 cannot be reached: 127.0.0.1: not a public address")]
    [InlineData("https://[::1]:{0}/", "::1 cannot be reached: ::1: not a public address")]
    [InlineData("https://[::ffff:127.0.0.1]:{0}/", "::ffff:127.0.0.1 cannot be reached: ::ffff:127.0.0.1: not a public address")]
    public async Task Nor_where_the_address_stands_in_the_URI(string uri, string why)
    {
        Assert.Equal(why, await FailureAsync("", string.Format(System.Globalization.CultureInfo.InvariantCulture, uri, _host.Port), anyAddress: false));
        Assert.Empty(_host.Names);
    }

    [Fact]
    public async Task A_certificate_for_another_name_gets_no_report()
    {
        _host.Certificate = s_root.ServerLeaf("other.test");
        Assert.StartsWith($"the certificate of {Host}: ", await FailureAsync(), StringComparison.Ordinal);
        Assert.Empty(_host.Requests);
    }

    [Fact]
    public async Task A_host_without_an_address_is_named() =>
        Assert.Equal($"{Host} does not exist", await FailureAsync("other.test A 127.0.0.1"));

    [Fact]
    public async Task An_answer_without_an_end_is_not_read()
    {
        _host.Answer = async (stream, cancel) =>
        {
            await stream.WriteAsync(PolicyHost.Head("200 OK", "text/plain", long.MaxValue), cancel);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
        };
        Assert.Equal(new ReportPostResult.Taken(200), await PostAsync());
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_given_up()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Answer = async (_, cancel) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
        };
        var posting = PostAsync();
        await asked.Task.WaitAsync(Cancel);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(new ReportPostResult.Failed($"no answer came from {Host} within 60 s"), await posting);
    }

    async Task<string> FailureAsync(string zone = $"{Host} A 127.0.0.1", string? uri = null, bool anyAddress = true) =>
        Assert.IsType<ReportPostResult.Failed>(await PostAsync(zone, uri, anyAddress)).Why;

    Task<ReportPostResult> PostAsync(string zone = $"{Host} A 127.0.0.1", string? uri = null, bool anyAddress = true) =>
        new ReportPost(ZoneResolver.Parse(zone), new PkixCheck(TrustedRoots.Of(s_root.Certificate), _clock), _clock) { AnyAddress = anyAddress }
            .PostAsync(new Uri(uri ?? $"https://{Host}:{_host.Port}/v1/tlsrpt?for=a"), new byte[] { 0x1f, 0x8b, 0 }, Cancel);
}
