using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class WebhookTests
{
    static readonly byte[] s_secret = "geheim"u8.ToArray();
    // Of now: what is a day old is given up.
    static readonly AlertNotice s_notice = new(
        NoticeKind.Opened, new Alert(7, "stripping.host", "mx.bank.example:25", AlertSeverity.Critical, "no TLS", "look", Records.Noon, Records.Noon, null, null),
        TimeProvider.System.GetUtcNow());

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_receiver_can_check_who_wrote_what_it_got()
    {
        await using var receiver = new Receiver("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
        await using var webhook = Webhook(receiver.Url);

        Assert.Null(await webhook.TryAsync(s_notice, Cancel));

        var (head, body) = receiver.Requests.Single();
        var signature = head.Split("\r\n").Single(line => line.StartsWith("Hopseal-Signature: ", StringComparison.Ordinal)).Split(' ')[1];
        var time = signature.Split(',')[0][2..];
        Assert.Equal(Convert.ToHexStringLower(HMACSHA256.HashData(s_secret, Encoding.UTF8.GetBytes($"{time}.{body}"))), signature.Split("v1=")[1]);
        var json = JsonDocument.Parse(body).RootElement;
        Assert.Equal(
            ("opened", "stripping.host", "mx.bank.example:25", "critical", 7),
            (json.GetProperty("event").GetString(), json.GetProperty("rule").GetString(), json.GetProperty("subject").GetString(), json.GetProperty("severity").GetString(), json.GetProperty("id").GetInt32()));
    }

    [Theory]
    [InlineData("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "it answered 500")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "it answered 302")]
    [InlineData("what is this\r\n\r\n", null)]
    [InlineData("", null)]
    public async Task What_is_not_taken_is_said(string answer, string? why)
    {
        await using var receiver = new Receiver(answer);
        await using var webhook = Webhook(receiver.Url);

        var said = await webhook.TryAsync(s_notice, Cancel);

        Assert.NotNull(said);
        Assert.True(why is null || said == why, said);
    }

    [Fact]
    public async Task An_answer_without_an_end_is_not_read()
    {
        await using var receiver = new Receiver($"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{new string('x', 1_000_000)}");
        await using var webhook = Webhook(receiver.Url);
        Assert.Null(await webhook.TryAsync(s_notice, Cancel));

        await using var flood = new Receiver($"HTTP/1.1 200 OK\r\nX: {new string('x', 1_000_000)}\r\n\r\n");
        await using var flooded = Webhook(flood.Url);
        Assert.NotNull(await flooded.TryAsync(s_notice, Cancel));
    }

    [Fact]
    public async Task Who_cannot_prove_his_name_gets_nothing()
    {
        await using var receiver = new TlsReceiver();
        await using var webhook = Webhook(receiver.Url);

        Assert.NotNull(await webhook.TryAsync(s_notice, Cancel));
        Assert.Equal(0, receiver.Read);
    }

    [Fact]
    public async Task It_goes_on_until_it_is_taken()
    {
        await using var receiver = new Receiver("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var webhook = Webhook(receiver.Url);

        webhook.Tell(s_notice);

        await receiver.GotAsync(3, Cancel);
    }

    [Fact]
    public async Task What_was_not_taken_before_a_restart_is_posted_after_it()
    {
        var directory = Directory.CreateTempSubdirectory("hopseal-webhook-").FullName;
        try
        {
            const string Taken = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
            await using var receiver = new Receiver("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Taken);
            await using (var database = Open())
            await using (var webhook = Webhook(receiver.Url, new NoticeOutbox(database), TimeSpan.FromHours(1)))
            {
                webhook.Tell(s_notice);
                webhook.Tell(s_notice with { Kind = NoticeKind.Resolved });
                await receiver.GotAsync(1, Cancel);
            }

            await using (var database = Open())
            await using (var webhook = Webhook(receiver.Url, new NoticeOutbox(database)))
            {
                await receiver.GotAsync(2, Cancel);
                Assert.Equal(["opened", "opened", "resolved"], receiver.Requests.Select(post => JsonDocument.Parse(post.Body).RootElement.GetProperty("event").GetString()));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        RecordsDatabase Open() => RecordsDatabase.Open(directory, [AlertStore.Tables], NullLogger<RecordsDatabase>.Instance);
    }

    [Fact]
    public async Task A_receiver_that_stalls_holds_nobody_up_and_the_end_comes_at_once()
    {
        await using var receiver = new Receiver(stall: true);
        var webhook = Webhook(receiver.Url);
        for (var i = 0; i < 10_000; i++)
        {
            webhook.Tell(s_notice);
        }

        await receiver.GotAsync(1, Cancel);
        await webhook.DisposeAsync();
    }

    static Webhook Webhook(Uri url, NoticeOutbox? outbox = null, TimeSpan? firstPause = null) => new(
        new WebhookOptions(url, s_secret, "mx1.example.org") { Timeout = TimeSpan.FromSeconds(2), FirstPause = firstPause ?? TimeSpan.FromMilliseconds(1) }, outbox, TimeProvider.System,
        NullLogger<Webhook>.Instance);

    /// <summary>Shows a certificate that nobody vouches for.</summary>
    sealed class TlsReceiver : IAsyncDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly Task _serving;

        public TlsReceiver()
        {
            _listener.Start();
            _serving = ServeAsync();
        }

        public Uri Url => new($"https://{_listener.LocalEndpoint}/hook");

        /// <summary>Octets of requests.</summary>
        public int Read { get; private set; }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        async Task ServeAsync()
        {
            try
            {
                using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                using var made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
                    .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddHours(1));
                using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
                using var client = await _listener.AcceptTcpClientAsync(Cancel);
                await using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancel);
                Read = await tls.ReadAsync(new byte[8192], Cancel);
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException or InvalidOperationException)
            {
                // The webhook went away, or the test is over.
            }
        }
    }

    /// <summary>Takes one request for each connection, and gives the next answer.</summary>
    sealed class Receiver : IAsyncDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource _stop = new();
        readonly SemaphoreSlim _got = new(0);
        readonly Queue<string> _answers;
        readonly bool _stall;
        readonly Task _accepting;

        public Receiver(params string[] answers)
        {
            _answers = new Queue<string>(answers);
            _listener.Start();
            _accepting = Task.Run(AcceptAsync);
        }

        public Receiver(bool stall)
            : this() => _stall = stall;

        public Uri Url => new($"http://{_listener.LocalEndpoint}/hook");

        public List<(string Head, string Body)> Requests { get; } = [];

        public async Task GotAsync(int count, CancellationToken cancel)
        {
            for (var i = 0; i < count; i++)
            {
                await _got.WaitAsync(cancel);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
        }

        async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                    await AnswerAsync(client.GetStream());
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or InvalidOperationException)
            {
                // Stopped, be it between two connections.
            }
        }

        async Task AnswerAsync(NetworkStream stream)
        {
            var text = "";
            var buffer = new byte[8192];
            while (!text.Contains("\r\n\r\n", StringComparison.Ordinal) || !text.EndsWith('}'))
            {
                var read = await stream.ReadAsync(buffer, _stop.Token);
                if (read == 0)
                {
                    return;
                }

                text += Encoding.UTF8.GetString(buffer, 0, read);
            }

            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            Requests.Add((text[..end], text[(end + 4)..]));
            _got.Release();
            if (_stall)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _stop.Token);
            }

            var answer = _answers.Count > 1 ? _answers.Dequeue() : _answers.Peek();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal)), _stop.Token);
        }
    }
}
