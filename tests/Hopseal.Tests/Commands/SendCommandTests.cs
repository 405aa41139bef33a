using System.Net;
using Hopseal.Configuration;
using Hopseal.Dns;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Commands;

public sealed class SendCommandTests : IDisposable
{
    const string Message = "Subject: hello\n\nThis is a test.\n";

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2, "--implicit")]
    [InlineData(2, "--implicit", "--user", "test", "--password-file", "password")]
    public async Task A_delivered_message_ends_with_0_and_a_line_for_each_recipient(int listener, params string[] more)
    {
        _workspace.Write("password", "test\n");
        await using var gateway = await StartAsync(Local());
        var run = await SendAsync(
            gateway.Endpoints[listener], Message, ["--to", "b@example.org", "--to", "c@example.com", "--tls", "authenticated", "--ca", "hopseal-data/ca.pem", .. more]);
        Assert.Equal(0, run.ExitCode);
        Assert.Collection(
            run.Out.TrimEnd('\n').Split('\n'),
            line => Assert.StartsWith("delivered b@example.org 250 2.", line, StringComparison.Ordinal),
            line => Assert.StartsWith("delivered c@example.com 250 2.", line, StringComparison.Ordinal));
        Assert.Contains("C: MAIL FROM:<a@example.org>", run.Error, StringComparison.Ordinal);
        Assert.Contains("authenticated by Pkix", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\x1b[", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_prove_itself_gets_nothing_and_the_end_is_3()
    {
        await using var gateway = await StartAsync(Local());
        var run = await SendAsync(gateway.Endpoints[0], Message, ["--to", "b@example.org", "--tls", "authenticated"]);
        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith("deferred b@example.org 4.7.5 ", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("MAIL FROM", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_recipient_ends_with_1()
    {
        var local = Local();
        await using var gateway = await StartAsync(local with
        {
            Domains = new DomainTable(local.Domains.Domains.Add(DomainName.Parse("example.org"), local.Domains.Any!), null),
        });
        var run = await SendAsync(gateway.Endpoints[0], Message, ["--to", "b@example.org", "--to", "c@example.com"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Collection(
            run.Out.TrimEnd('\n').Split('\n'),
            line => Assert.StartsWith("delivered b@example.org 250 2.", line, StringComparison.Ordinal),
            line => Assert.StartsWith("refused c@example.com 5.7.1 ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_is_not_there_ends_with_3()
    {
        var run = await SendAsync(new IPEndPoint(IPAddress.Loopback, ProgramRun.FreePort()), Message, ["--to", "b@example.org"]);
        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith("deferred b@example.org 4.4.", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_DSN_is_told_what_the_sender_wants_to_be_told()
    {
        await using var gateway = await StartAsync(Local());
        var run = await SendAsync(
            gateway.Endpoints[0], Message, ["--to", "b@example.org", "--notify", "success,delay", "--ret", "hdrs", "--envid", "an id"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(" RET=HDRS ENVID=an+20id", run.Error, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@example.org", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_requires_tls_says_so_and_proof_is_demanded_without_more_words()
    {
        await using var gateway = await StartAsync(Local());
        string[] require = ["--to", "b@example.org", "--require-tls"];

        var run = await SendAsync(gateway.Endpoints[0], Message, [.. require, "--ca", "hopseal-data/ca.pem"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Matches("C: MAIL FROM:<a@example.org> .*REQUIRETLS\n", run.Error);

        run = await CommandRun.OfAsync(
            _workspace.Directory, ["send", "--from", "a@example.org", "--via", gateway.Endpoints[0].ToString(), .. require], Message);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("refused b@example.org 5.7.10 the sender requires TLS (REQUIRETLS)", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("MAIL FROM", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Message)]
    [InlineData("tls-required: no\n" + Message)]
    public async Task Who_would_rather_have_it_delivered_says_so_once_in_the_header(string message)
    {
        await using var gateway = await StartAsync(Local());
        var run = await SendAsync(gateway.Endpoints[0], message, ["--to", "b@example.org", "--tls-optional"]);
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("REQUIRETLS\n", string.Concat(run.Error.Split('\n').Where(line => line.Contains("MAIL", StringComparison.Ordinal))), StringComparison.Ordinal);

        var kept = await KeptAsync();
        Assert.Single(kept.Split('\n'), line => line.StartsWith("TLS-Required: No", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_message_comes_from_a_file_too()
    {
        _workspace.Write("message.eml", Message);
        await using var gateway = await StartAsync(Local());
        var run = await SendAsync(gateway.Endpoints[0], "", ["--to", "b@example.org", "message.eml"]);
        Assert.Equal(0, run.ExitCode);
    }

    [Theory]
    [InlineData("Option '--to' is required.", "--from", "a@example.org")]
    [InlineData("\"b\" is not an address", "--from", "a@example.org", "--to", "b")]
    [InlineData("--via: \"x:y\" is no next hop: write host:port, smtp://host:port or smtps://host:port", "--from", "<>", "--to", "b@c.example", "--via", "x:y")]
    [InlineData("--implicit and --user need --via: MX hosts know neither", "--from", "<>", "--to", "b@c.example", "--implicit")]
    [InlineData("--require-tls and --tls-optional contradict each other", "--from", "<>", "--to", "b@c.example", "--require-tls", "--tls-optional")]
    [InlineData("--user and --password-file belong together", "--from", "<>", "--to", "b@c.example", "--via", "d", "--user", "e")]
    [InlineData("--notify: \"never,delay\" is not understood", "--from", "<>", "--to", "b@c.example", "--notify", "never,delay")]
    [InlineData("--ret: \"all\" is not understood", "--from", "<>", "--to", "b@c.example", "--ret", "all")]
    [InlineData("--envid: \"ü\" is not understood", "--from", "<>", "--to", "b@c.example", "--envid", "ü")]
    [InlineData("the message is empty", "--from", "<>", "--to", "b@c.example", "--via", "127.0.0.1:1")]
    [InlineData("the message cannot be read: Could not find file 'DIR/none'.", "--from", "<>", "--to", "b@c.example", "none")]
    public async Task A_wrong_request_ends_with_2(string expected, params string[] args)
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["send", .. args]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        var said = run.Error.Split('\n')[0].Replace(_workspace.Directory, "DIR", StringComparison.Ordinal);
        Assert.Contains(expected.TrimEnd('.'), said, StringComparison.Ordinal);
    }

    /// <summary>The one message in the Maildir of local mode, once it is there.</summary>
    async Task<string> KeptAsync()
    {
        var directory = Directory.CreateDirectory(Path.Combine(LocalMode.MaildirOf(_workspace.PathOf(LocalMode.DirectoryName)), "new")).FullName;
        string[] files;
        while ((files = Directory.GetFiles(directory)).Length == 0)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return await File.ReadAllTextAsync(Assert.Single(files), TestContext.Current.CancellationToken);
    }

    GatewayConfiguration Local() => LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);

    static Task<Gateway> StartAsync(GatewayConfiguration configuration) =>
        Gateway.StartAsync(configuration, NullLoggerFactory.Instance, TimeProvider.System);

    Task<CommandRun> SendAsync(IPEndPoint via, string message, string[] more) => CommandRun.OfAsync(
        _workspace.Directory, ["send", "--from", "a@example.org", "--via", $"localhost:{via.Port}", .. more], message);
}
