using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Profiles;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Tests.Commands;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests;

/// <summary>A gateway watches a domain whose server changes, by real connections, and people ask it by command.</summary>
public sealed class MonitorTests : IDisposable
{
    const string Domain = "victim.test";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task STARTTLS_that_a_server_loses_is_shown_told_and_accepted()
    {
        using var certificate = _workspace.WriteCertificate("victim", "mx.victim.test");
        await using var host = new ChangingHost(X509Certificate2.CreateFromPemFile(_workspace.PathOf("victim.pem"), _workspace.PathOf("victim.key")));
        await using (await StartAsync(host.Endpoint))
        {
            Assert.Equal(0, (await CheckUntilKnownAsync()).ExitCode);
            var good = await RunAsync("list");
            Assert.Equal((0, true), (good.ExitCode, good.Out.Contains(Domain, StringComparison.Ordinal)));

            host.OffersTls = false;
            Assert.Contains("the next look has to say the same", (await RunAsync("check", Domain)).Out, StringComparison.Ordinal);
            Assert.Equal(0, (await RunAsync("list")).ExitCode);
            Assert.Contains("for sure", (await RunAsync("check", Domain)).Out, StringComparison.Ordinal);

            var lost = await RunAsync("list");
            Assert.Equal(1, lost.ExitCode);
            Assert.Contains("it lost something that is expected of it", lost.Out, StringComparison.Ordinal);
            using var line = JsonDocument.Parse((await RunAsync("list", "--json", "--verdict", "fail", "--as", "partner")).Out);
            Assert.Equal(("fail", true), (line.RootElement.GetProperty("confidential").GetString(), line.RootElement.GetProperty("lost").GetBoolean()));

            var shown = await RunAsync("show", Domain, "--history");
            Assert.Contains("[starttls.offered]", shown.Out, StringComparison.Ordinal);
            Assert.Contains("critical: ", shown.Out, StringComparison.Ordinal);
            var diff = await RunAsync("diff", Domain);
            Assert.Equal(1, diff.ExitCode);
            Assert.Contains("STARTTLS", diff.Out, StringComparison.Ordinal);
            Assert.Equal(1, (await RunAsync("diff", Domain, "--expected", "--json")).ExitCode);
        }

        // The rules look at everything when the gateway starts.
        await using (await StartAsync(host.Endpoint))
        {
            CommandRun alerts;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(s_limit);
            do
            {
                limit.Token.ThrowIfCancellationRequested();
                alerts = await CommandRun.OfAsync(_workspace.Directory, ["alerts", "list"]);
            }
            while (!alerts.Out.Contains("monitor.starttls", StringComparison.Ordinal));

            Assert.Equal(0, (await RunAsync("accept", Domain)).ExitCode);
            Assert.Equal(0, (await RunAsync("list")).ExitCode);
            Assert.Contains("it is what is expected", (await RunAsync("diff", Domain, "--expected")).Error, StringComparison.Ordinal);
            host.Silent = true;
            var silent = await RunAsync("check", Domain);
            Assert.Equal(3, silent.ExitCode);
            Assert.Contains("421", silent.Out, StringComparison.Ordinal);
            Assert.Contains("mx.victim.test [127.0.0.1]", (await RunAsync("show", Domain)).Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_is_not_watched_is_not_looked_at()
    {
        await using var gateway = await StartAsync(null);

        var none = await RunAsync("check", Domain);
        Assert.Equal(3, none.ExitCode);
        Assert.Contains("no section Monitor", none.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("show", Domain)).ExitCode);
        Assert.Equal(2, (await RunAsync("check")).ExitCode);
        Assert.Equal(2, (await RunAsync("check", Domain, "--all")).ExitCode);
        Assert.Equal((0, ""), ((await RunAsync("list")).ExitCode, (await RunAsync("list")).Out));
    }

    Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.OfAsync(_workspace.Directory, ["monitor", .. arguments]);

    /// <summary>The gateway may not have begun to watch.</summary>
    async Task<CommandRun> CheckUntilKnownAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(s_limit);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            if (await RunAsync("check", Domain) is { ExitCode: not 1 } run)
            {
                return run;
            }
        }
    }

    async Task<Gateway> StartAsync(IPEndPoint? host)
    {
        var local = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        var zone = ZoneResolver.Parse($"{Domain}. MX 10 mx.{Domain}.\nmx.{Domain}. A 127.0.0.1\n");
        return await Gateway.StartAsync(
            local with
            {
                Outbound = local.Outbound with { Port = host?.Port ?? 25 },
                Monitor = host is null ? null : new MonitorSettings
                {
                    Domains = [new WatchedDomain(DomainName.Parse(Domain), WatchedAs.Partner)],
                    Profile = Profile.Named(Profile.Default),
                    Manners = Manners.Everybody,
                    Options = new MonitorOptions(),
                    Connections = 2,
                },
            },
            NullLoggerFactory.Instance, TimeProvider.System, zone);
    }

    /// <summary>An MX host that offers STARTTLS, or does not, or turns everybody away.</summary>
    sealed class ChangingHost : IAsyncDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly SslStreamCertificateContext _certificate;
        readonly X509Certificate2 _owned;
        readonly CancellationTokenSource _stop = new();
        readonly Task _accepting;
        volatile bool _offersTls = true;
        volatile bool _silent;

        public ChangingHost(X509Certificate2 certificate)
        {
            // A key from PEM is not for the platform's TLS everywhere.
            _owned = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
            _certificate = SslStreamCertificateContext.Create(_owned, null, offline: true);
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

        public bool OffersTls
        {
            set => _offersTls = value;
        }

        public bool Silent
        {
            set => _silent = value;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
            _owned.Dispose();
            _stop.Dispose();
        }

        async Task AcceptAsync()
        {
            var sessions = ImmutableArray.CreateBuilder<Task>();
            try
            {
                while (true)
                {
                    sessions.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // Stopped, be it between two connections.
                await Task.WhenAll(sessions);
            }
        }

        async Task ServeAsync(TcpClient client)
        {
            using var owned = client;
            try
            {
                await TalkAsync(client.GetStream());
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
            {
                // The gateway has seen enough, or the test is over.
            }
        }

        async Task TalkAsync(Stream stream)
        {
            if (_silent)
            {
                await SayAsync("421 not now");
                return;
            }

            await SayAsync("220 mx.victim.test");
            while (await ReadLineAsync(stream) is { } line)
            {
                switch (line.ToUpperInvariant().Split(' ')[0])
                {
                    case "EHLO":
                        await SayAsync(_offersTls && stream is not SslStream ? "250-mx.victim.test\r\n250 STARTTLS" : "250 mx.victim.test");
                        break;
                    case "STARTTLS":
                        await SayAsync("220 go ahead");
                        var tls = new SslStream(stream);
                        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate }, _stop.Token);
                        stream = tls;
                        break;
                    case "QUIT":
                        await SayAsync("221 bye");
                        return;
                    default:
                        await SayAsync("250 ok");
                        break;
                }
            }

            async Task SayAsync(string reply) => await stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"), _stop.Token);
        }

        /// <summary>Octet by octet, so that nothing of a handshake is taken for text.</summary>
        async Task<string?> ReadLineAsync(Stream stream)
        {
            var line = new List<byte>();
            var octet = new byte[1];
            while (await stream.ReadAsync(octet, _stop.Token) == 1)
            {
                if (octet[0] == '\n')
                {
                    return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
                }

                line.Add(octet[0]);
            }

            return null;
        }
    }
}
