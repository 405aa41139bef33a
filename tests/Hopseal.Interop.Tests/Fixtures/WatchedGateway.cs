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

    readonly TestDirectory _directory = new("watched");
    readonly Chromium _browser = new();
    readonly int _smtp = Ports.Next();
    readonly int _http = Ports.Next();
    TestAuthority? _authority;
    GatewayProcess? _process;

    internal Chromium Browser => _browser;

    public Uri Site => new($"http://127.0.0.1:{_http}/");

    public string Output => _process?.Output ?? "";

    public async ValueTask InitializeAsync()
    {
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
                },
                Dashboard = new { Endpoint = $"127.0.0.1:{_http}" },
            },
            _smtp);
        await _process.StartAsync(TestContext.Current.CancellationToken);
        await _browser.StartAsync();
    }

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

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_browser, _process], _authority, _directory);
}
