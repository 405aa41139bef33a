using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary><c>openssl s_client</c>: another TLS implementation's view of the listeners.</summary>
public sealed class OpenSslTests(LocalGateway gateway) : IClassFixture<LocalGateway>
{
    [Theory(Timeout = 60_000)]
    [InlineData("-tls1_2", "TLSv1.2")]
    [InlineData("-tls1_3", "TLSv1.3")]
    public async Task Sees_a_valid_certificate_after_STARTTLS_and_speaks_EHLO_inside(string option, string version)
    {
        var result = await ConnectAsync(gateway.MxPort, ["-starttls", "smtp", option], "EHLO inside.test\r\nQUIT\r\n", TestContext.Current.CancellationToken);

        Assert.Contains("Verify return code: 0 (ok)", result.Output, StringComparison.Ordinal);
        Assert.Contains(version, result.Output, StringComparison.Ordinal);
        Assert.Contains($"CN = {LocalGateway.Hostname}", result.Output, StringComparison.Ordinal);
        var inside = result.Output.Split("Verify return code", 2)[1];
        Assert.Contains("250-PIPELINING", inside, StringComparison.Ordinal);
        Assert.DoesNotContain("STARTTLS", inside, StringComparison.Ordinal);
        Assert.Contains("221 ", inside, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Sees_a_valid_certificate_and_a_greeting_on_implicit_TLS()
    {
        var result = await ConnectAsync(gateway.SubmissionsPort, [], "QUIT\r\n", TestContext.Current.CancellationToken);

        Assert.Contains("Verify return code: 0 (ok)", result.Output, StringComparison.Ordinal);
        Assert.Contains($"220 {LocalGateway.Hostname}", result.Output, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task Gets_no_version_that_is_out_of_date(string option)
    {
        var result = await ConnectAsync(gateway.MxPort, ["-starttls", "smtp", option, "-cipher", "ALL:@SECLEVEL=0"], "QUIT\r\n", TestContext.Current.CancellationToken);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Cipher is (NONE)", result.Output, StringComparison.Ordinal);
    }

    Task<CommandResult> ConnectAsync(int port, string[] options, string input, CancellationToken cancel) => Command.RunAsync(
        "openssl",
        [
            "s_client", "-connect", $"127.0.0.1:{port}", "-servername", LocalGateway.Hostname, "-verify_hostname", LocalGateway.Hostname,
            "-CAfile", gateway.RootPath, "-ign_eof", .. options,
        ],
        cancel,
        input);
}
