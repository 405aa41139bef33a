using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Hopseal.Tests.Commands;

public sealed class SinkCommandTests : IDisposable
{
    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("starttls", SecureSocketOptions.StartTls)]
    [InlineData("implicit", SecureSocketOptions.SslOnConnect)]
    [InlineData("none", SecureSocketOptions.None)]
    public async Task It_counts_what_it_takes_and_stops_after_as_many(string tls, SecureSocketOptions security)
    {
        var (run, port) = Start("--tls", tls, "--count", "2");
        using (var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true })
        {
            await client.ConnectAsync("127.0.0.1", await port, security, Cancel);
            await client.SendAsync(Message("a@example.org"), Cancel);
            await client.SendAsync(Message("a@example.org", "b@example.org"), Cancel);
            await client.DisconnectAsync(true, Cancel);
        }

        var end = await run;
        Assert.Equal(0, end.ExitCode);
        Assert.Matches("^messages 2 recipients 3 octets [0-9]+ sessions 1 failed 0 seconds [0-9.]+\n$", end.Out);
    }

    [Fact]
    public async Task It_keeps_messages_in_a_Maildir_when_told_so()
    {
        var (run, port) = Start("--maildir", "kept", "-n", "1");
        using (var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true })
        {
            await client.ConnectAsync("127.0.0.1", await port, SecureSocketOptions.StartTls, Cancel);
            await client.SendAsync(Message("a@example.org"), Cancel);
        }

        Assert.Equal(0, (await run).ExitCode);
        var kept = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(_workspace.PathOf("kept/new"))), Cancel);
        Assert.StartsWith("Return-Path: <you@example.com>\r\nDelivered-To: a@example.org\r\n", kept, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--port", "65536", "--port is not between 0 and 65535")]
    [InlineData("--address", "localhost", "--address is not an IP address")]
    [InlineData("--cert", "x.pem", "--cert and --key belong together")]
    [InlineData("--address", "192.0.2.1", "cannot listen on 192.0.2.1:2525: this machine does not have that address")]
    public async Task A_wrong_option_ends_with_2(string option, string value, string expected)
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["sink", option, value]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal("hopseal: " + expected, run.Error.Split('\n')[0]);
    }

    (Task<CommandRun> Run, Task<int> Port) Start(params string[] args)
    {
        var said = new LineWaiter("listening on 127.0.0.1:");
        var run = CommandRun.OfAsync(_workspace.Directory, ["sink", "--port", "0", .. args], error: said);
        return (run, said.RestOfLineAsync(Cancel));
    }

    static MimeMessage Message(params string[] recipients)
    {
        var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "This is a test." } };
        message.From.Add(MailboxAddress.Parse("you@example.com"));
        message.To.AddRange(recipients.Select(MailboxAddress.Parse));
        return message;
    }
}
