using System.Net;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A gateway with a dashboard on loopback, and a browser. Mail for <see cref="Kept"/> stays here; mail for <see cref="Stuck"/> waits, because
/// nobody listens where it should go.</summary>
public sealed class WatchedGateway : IAsyncLifetime
{
    public const string Kept = "kept.test";
    public const string Stuck = "stuck.test";

    /// <summary>Its mail passes somebody on the path.</summary>
    public const string Attacked = "attacked.test";

    readonly TestDirectory _directory = new("watched");
    readonly Chromium _browser = new();
    readonly int _smtp = Ports.Next();
    readonly int _http = Ports.Next();
    readonly IPEndPoint _host = new(IPAddress.Parse("127.0.78.2"), Ports.Next());
    TlsHost? _honest;
    OnPathAttacker? _attacker;
    TestAuthority? _authority;
    GatewayProcess? _process;

    internal Chromium Browser => _browser;

    public Uri Site => new($"http://127.0.0.1:{_http}/");

    public int SmtpPort => _smtp;

    internal OnPathAttacker Attacker => _attacker ?? throw new InvalidOperationException("not started");

    public string Output => _process?.Output ?? "";

    public async ValueTask InitializeAsync()
    {
        _honest = new TlsHost(_host, ShownCertificate.Of("mx.attacked.test"));
        var path = new IPEndPoint(IPAddress.Parse("127.0.78.1"), _host.Port);
        _attacker = new OnPathAttacker(path, _host, _host);
        _authority = new TestAuthority(_directory);
        var certificate = _authority.Issue("watched.test");
        _process = new GatewayProcess(
            _directory,
            new
            {
                Hostname = "watched.test",
                DataDirectory = _directory["data"],
                Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{_smtp}", Mode = "StartTls" } },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                Domains = new Dictionary<string, object>
                {
                    [Kept] = new { Maildir = _directory["maildir"] },
                    [Stuck] = new { NextHop = $"127.0.0.1:{Ports.Next()}" },
                    [Attacked] = new { NextHop = $"{path}" },
                },
                Outbound = new { IdleSeconds = 0 },
                Dashboard = new { Endpoint = $"127.0.0.1:{_http}" },
            },
            _smtp);
        await _process.StartAsync(TestContext.Current.CancellationToken);
        await Ports.ListenedOnAsync(new IPEndPoint(IPAddress.Loopback, _http), () => Output, TestContext.Current.CancellationToken);
        await _browser.StartAsync();
    }

    /// <summary>Waits for the log line of an event.</summary>
    public Task LoggedAsync(int eventId, string mark, CancellationToken cancel) =>
        (_process ?? throw new InvalidOperationException("not started")).LoggedAsync(eventId, mark, cancel);

    /// <summary>One message, over TLS.</summary>
    public async Task SendAsync(string recipient, CancellationToken cancel)
    {
        using var client = new SmtpClient();
        client.ServerCertificateValidationCallback = (_, _, _, _) => true;
        await client.ConnectAsync("127.0.0.1", _smtp, SecureSocketOptions.StartTls, cancel);
        var message = new MimeMessage { Subject = "watched", Body = new TextPart { Text = "Nothing to see.\r\n" } };
        message.From.Add(MailboxAddress.Parse("alice@sender.test"));
        message.To.Add(MailboxAddress.Parse(recipient));
        await client.SendAsync(message, cancel);
        await client.DisconnectAsync(quit: true, cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_browser, _process, _attacker, _honest], _authority, _directory);
}
