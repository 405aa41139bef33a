using System.Net;
using System.Net.Sockets;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Hopseal.Tests.Commands;

public sealed class ServeCommandTests : IDisposable
{
    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task It_serves_until_a_signal_and_ends_with_0(string signal)
    {
        var port = ProgramRun.FreePort();
        WriteConfiguration(port);
        using var program = ProgramRun.Start(_workspace.Directory, "serve", "--config", "hopseal.json");
        await program.UntilErrorSaysAsync("is in use; valid until");
        using (var client = await ConnectAsync(port))
        {
            var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "This is a test." } };
            message.From.Add(MailboxAddress.Parse("you@example.com"));
            message.To.Add(MailboxAddress.Parse("me@example.org"));
            await client.SendAsync(message, Cancel);
            await client.DisconnectAsync(true, Cancel);
        }

        await program.UntilErrorSaysAsync("kept in a Maildir");
        program.Signal(signal);
        var end = await program.EndAsync();
        Assert.Equal((0, ""), (end.ExitCode, end.Out));
        Assert.Single(Directory.GetFiles(_workspace.PathOf("mail/new")));
    }

    [Fact]
    public async Task SIGHUP_reads_renewed_certificates()
    {
        var port = ProgramRun.FreePort();
        WriteConfiguration(port);
        using var program = ProgramRun.Start(_workspace.Directory, "serve", "--config", "hopseal.json");
        await program.UntilErrorSaysAsync("for mx1.example.org is in use");
        (await ConnectAsync(port)).Dispose();
        _workspace.WriteCertificate("next", "mx2.example.org");
        File.Move(_workspace.PathOf("next.key"), _workspace.PathOf("mx.key"), overwrite: true);
        File.Move(_workspace.PathOf("next.pem"), _workspace.PathOf("mx.pem"), overwrite: true);
        program.Signal("HUP");
        await program.UntilErrorSaysAsync("for mx2.example.org is in use");
        program.Signal("TERM");
        Assert.Equal(0, (await program.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Systemd_is_told_when_it_is_ready_and_when_it_stops()
    {
        WriteConfiguration(ProgramRun.FreePort());
        using var notifications = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notifications.Bind(new UnixDomainSocketEndPoint(_workspace.PathOf("notify")));
        using var program = ProgramRun.Start(
            _workspace.Directory, ["serve", "--config", "hopseal.json"], KeyValuePair.Create("NOTIFY_SOCKET", _workspace.PathOf("notify")));
        Assert.Equal("READY=1", await NextAsync());
        program.Signal("TERM");
        Assert.Equal("STOPPING=1", await NextAsync());
        Assert.Equal(0, (await program.EndAsync()).ExitCode);

        async Task<string> NextAsync()
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            var buffer = new byte[256];
            return System.Text.Encoding.UTF8.GetString(buffer, 0, await notifications.ReceiveAsync(buffer, limit.Token));
        }
    }

    [Fact]
    public async Task A_faulty_configuration_is_named_in_full_and_ends_with_2()
    {
        _workspace.Write("hopseal.json", "{\n\"Hostnam\": \"a.example\" }");
        var run = await CommandRun.OfAsync(_workspace.Directory, ["serve", "--config", "hopseal.json"]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal(
            """
            hopseal.json:1: Hostname: is missing
            hopseal.json:1: DataDirectory: is missing
            hopseal.json:1: Listeners: is missing
            hopseal.json:2: Hostnam: there is no such key; did you mean Hostname?

            """,
            run.Error);
    }

    [Fact]
    public async Task A_file_that_is_not_there_ends_with_2()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["serve", "--config", "hopseal.json"]);
        Assert.Equal((2, "", "hopseal: hopseal.json: there is no such file\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_line_and_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        WriteConfiguration(port);
        var run = await CommandRun.OfAsync(_workspace.Directory, ["serve", "--config", "hopseal.json"]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal($"hopseal: listener mx cannot listen on 127.0.0.1:{port}: another program does already", run.Error.TrimEnd('\n').Split('\n')[^1]);
    }

    [Fact]
    public async Task Local_mode_refuses_variables_that_would_mean_nothing()
    {
        var variables = new Dictionary<string, string> { ["HOPSEAL__Hostname"] = "a.example" };
        var run = await CommandRun.OfAsync(_workspace.Directory, ["serve"], variables: variables);
        Assert.Equal((2, "hopseal: HOPSEAL__… variables change a configuration file: say which with --config\n"), (run.ExitCode, run.Error));
        Assert.Empty(Directory.GetFileSystemEntries(_workspace.Directory));
    }

    void WriteConfiguration(int port)
    {
        _workspace.WriteCertificate("mx");
        _workspace.Write("hopseal.json", $$"""
            {
              "Hostname": "mx1.example.org", "DataDirectory": "data",
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:{{port}}", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
              "Domains": { "example.org": { "Maildir": "mail" } }, "Dns": { "HealthMinutes": 0 }
            }
            """);
    }

    /// <summary>Tries again while the program starts.</summary>
    static async Task<SmtpClient> ConnectAsync(int port)
    {
        while (true)
        {
            var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true };
            try
            {
                await client.ConnectAsync("127.0.0.1", port, SecureSocketOptions.StartTls, Cancel);
                return client;
            }
            catch (SocketException)
            {
                client.Dispose();
                await Task.Yield();
            }
        }
    }
}
