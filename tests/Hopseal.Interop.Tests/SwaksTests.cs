using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>swaks as client: the tool that postmasters test servers with.</summary>
public sealed class SwaksTests(LocalGateway gateway) : IClassFixture<LocalGateway>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact(Timeout = 60_000)]
    public async Task Delivers_without_TLS_where_it_is_only_offered()
    {
        var arrival = await DeliverAsync(gateway.MxPort, [], TestContext.Current.CancellationToken);

        Assert.DoesNotContain("ESMTPS", arrival.Received.First(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Delivers_after_STARTTLS_and_checks_the_certificate()
    {
        var arrival = await DeliverAsync(gateway.MxPort, ["--tls", .. VerifyingOptions()], TestContext.Current.CancellationToken);

        Assert.Contains("with ESMTPS", arrival.Received.First(), StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("tlsv1_2")]
    [InlineData("tlsv1_3")]
    public async Task Delivers_with_each_current_version_of_TLS(string version) =>
        await DeliverAsync(gateway.MxPort, ["--tls", "--tls-protocol", version], TestContext.Current.CancellationToken);

    [Theory(Timeout = 60_000)]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task Logs_in_inside_STARTTLS(string mechanism)
    {
        var arrival = await DeliverAsync(
            gateway.SubmissionPort, ["--tls", .. VerifyingOptions(), .. Login(mechanism, LocalGateway.Password)], TestContext.Current.CancellationToken);

        Assert.Contains("with ESMTPSA", arrival.Received.First(), StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task Logs_in_inside_implicit_TLS(string mechanism)
    {
        var arrival = await DeliverAsync(
            gateway.SubmissionsPort, ["--tlsc", .. VerifyingOptions(), .. Login(mechanism, LocalGateway.Password)], TestContext.Current.CancellationToken);

        Assert.Contains("with ESMTPSA", arrival.Received.First(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Is_refused_with_a_wrong_password()
    {
        var result = await RunAsync(gateway.SubmissionPort, "refused", ["--tls", .. Login("PLAIN", "wrong")], TestContext.Current.CancellationToken);

        // 28: authentication failed.
        Assert.True(result.ExitCode == 28, result.ToString());
        Assert.Contains("<~* 535 ", result.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Is_offered_no_AUTH_before_TLS()
    {
        var result = await RunAsync(gateway.SubmissionPort, "refused", Login("PLAIN", LocalGateway.Password), TestContext.Current.CancellationToken);

        Assert.NotEqual(0, result.ExitCode);
        Assert.DoesNotContain("AUTH PLAIN", result.Output.Split("-> EHLO", 2)[1].Split("\n ->", 2)[0], StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Cannot_relay_without_logging_in()
    {
        var result = await RunAsync(gateway.MxPort, "refused", ["--tls", "--to", "someone@elsewhere.test"], TestContext.Current.CancellationToken);

        // 24: no recipient was accepted.
        Assert.True(result.ExitCode == 24, result.ToString());
        Assert.Contains("550 5.7.1", result.Output, StringComparison.Ordinal);
    }

    static string[] Login(string mechanism, string password) =>
        ["--auth", mechanism, "--auth-user", LocalGateway.User, "--auth-password", password];

    string[] VerifyingOptions() => ["--tls-verify", "--tls-ca-path", gateway.RootPath, "--tls-sni", LocalGateway.Hostname];

    async Task<Arrival> DeliverAsync(int port, string[] options, CancellationToken cancel)
    {
        var mark = $"swaks-{Guid.NewGuid():n}";
        (await RunAsync(port, mark, options, cancel)).Succeeded("swaks");
        var arrivals = await gateway.Mailbox.WaitForAsync(mark, 1, s_limit, () => gateway.Output, cancel);
        return Assert.Single(arrivals);
    }

    static Task<CommandResult> RunAsync(int port, string mark, string[] options, CancellationToken cancel) => Command.RunAsync(
        "swaks",
        [
            "--server", "127.0.0.1", "--port", $"{port}", "--ehlo", "client.test", "--timeout", "20", "--h-Subject", mark,
            "--from", "a@origin.test", "--to", $"someone@{LocalGateway.Domain}", .. options,
        ],
        cancel);
}
