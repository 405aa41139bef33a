using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands;

/// <summary><c>hopseal sink</c>: a server that takes every message and counts it, for tests and benchmarks.</summary>
static class SinkCommand
{
    const int Connections = 100_000;

    public static Command Create(Terminal terminal)
    {
        var port = new Option<int>("--port", "-p") { Description = "0 lets the system choose.", DefaultValueFactory = _ => 2525, HelpName = "PORT" };
        port.MustBeWithin(0, IPEndPoint.MaxPort);
        var address = new Option<string>("--address") { Description = "Where to listen.", DefaultValueFactory = _ => "127.0.0.1", HelpName = "ADDRESS" };
        var tls = new Option<string>("--tls") { Description = "How connections become TLS.", DefaultValueFactory = _ => "starttls", HelpName = "starttls|implicit|none" };
        tls.AcceptOnlyFromAmong("starttls", "implicit", "none");
        var certificate = new Option<string?>("--cert") { Description = "PEM file of the chain; without it, a certificate is made up.", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "PEM file of its private key.", HelpName = "FILE" };
        var maildir = new Option<string?>("--maildir") { Description = "Keep the messages here; without it they are discarded.", HelpName = "DIR" };
        var count = new Option<long>("--count", "-n") { Description = "Stop after this many messages; 0 for no end.", HelpName = "N" };

        var command = new Command("sink", "A server that accepts every message, and counts or keeps it.") { port, address, tls, certificate, key, maildir, count };
        command.SetAction(async (parsed, cancel) =>
        {
            if (!IPAddress.TryParse(parsed.GetRequiredValue(address), out var listen))
            {
                throw new UsageException("--address is not an IP address");
            }

            var mode = parsed.GetRequiredValue(tls);
            var certificates = mode == "none" ? null : Certificates(parsed.GetValue(certificate), parsed.GetValue(key), terminal);
            var directory = parsed.GetValue(maildir) is { } text ? Path.GetFullPath(text, terminal.Directory) : null;
            var handler = new SinkHandler("localhost", directory, parsed.GetValue(count), terminal.Clock);
            var options = new ListenerOptions
            {
                Name = "sink",
                Endpoint = new IPEndPoint(listen, parsed.GetValue(port)),
                Server = new ServerOptions
                {
                    Hostname = "localhost",
                    Mode = mode == "implicit" ? ListenerMode.ImplicitTls : ListenerMode.StartTls,
                    Certificates = certificates,
                },
            };
            return await RunAsync(options, handler, terminal, cancel);
        });
        return command;
    }

    static async Task<int> RunAsync(ListenerOptions options, SinkHandler handler, Terminal terminal, CancellationToken cancel)
    {
        var sessions = 0L;
        var failed = 0L;
        await using var listener = new SmtpListener(options, new ConnectionLimits(Connections, Connections), handler, Count, terminal.Clock);
        try
        {
            await listener.StartAsync();
        }
        catch (SocketException e)
        {
            throw new UsageException($"cannot listen on {options.Endpoint}: {ListenFault.Describe(e)}");
        }

        await terminal.Error.WriteLineAsync($"listening on {listener.Endpoint}");
        var started = terminal.Clock.GetTimestamp();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = cancel.Register(() => stopped.TrySetResult());
        await Task.WhenAny(stopped.Task, handler.Enough);
        var elapsed = terminal.Clock.GetElapsedTime(started);
        await listener.StopAsync(TimeSpan.FromSeconds(5));

        await terminal.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"messages {handler.Messages} recipients {handler.Recipients} octets {handler.Octets} sessions {sessions} failed {failed} seconds {elapsed.TotalSeconds:0.000}"));
        return ExitCode.Done;

        void Count(ServerSessionSummary summary)
        {
            Interlocked.Increment(ref sessions);
            if (summary.End is not (SessionEnd.Quit or SessionEnd.ClientClosed or SessionEnd.ShuttingDown))
            {
                Interlocked.Increment(ref failed);
            }
        }
    }

    static ServerCertificates Certificates(string? chain, string? key, Terminal terminal)
    {
        if (chain is null != key is null)
        {
            throw new UsageException("--cert and --key belong together");
        }

        if (chain is null || key is null)
        {
            using var authority = LocalAuthority.Create("Hopseal sink", terminal.Clock);
            return ServerCertificates.FromCertificates(new X509Certificate2Collection(authority.Issue("localhost", "127.0.0.1", "::1")));
        }

        var files = new CertificateFiles(Path.GetFullPath(chain, terminal.Directory), Path.GetFullPath(key, terminal.Directory));
        var certificates = ServerCertificates.Load([files], terminal.Clock);
        return certificates.AtStart is [CertificateReload.Kept kept]
            ? throw new UsageException($"--cert: {kept.Why}")
            : certificates;
    }
}
