using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Alerts;

/// <summary>Where notices are posted.</summary>
/// <param name="Secret">Signs the body.</param>
public sealed record WebhookOptions(Uri Url, ReadOnlyMemory<byte> Secret, string Gateway)
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After the first failure; it doubles up to an hour, for a day.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Posts notices to one address, one after the other, each until it is taken or a day is over. Bounded: when the receiver is slow or gone,
/// the newest notices are kept waiting, also over a restart, and the oldest given up with a word in the log. Nothing else ever waits for it.</summary>
public sealed partial class Webhook : IAsyncDisposable
{
    static readonly TimeSpan s_longestPause = TimeSpan.FromHours(1);
    static readonly TimeSpan s_givesUp = TimeSpan.FromDays(1);

    readonly WebhookOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly HttpClient _client;
    readonly NoticeOutbox? _outbox;
    readonly string _receiver;
    readonly Channel<WaitingNotice> _waiting;
    readonly CancellationTokenSource _stop = new();
    readonly Task _posting;

    /// <param name="outbox">Keeps what waits over a restart; null: nobody does.</param>
    public Webhook(WebhookOptions options, NoticeOutbox? outbox, TimeProvider clock, ILogger<Webhook> log)
    {
        ArgumentNullException.ThrowIfNull(options);
        _outbox = outbox;
        _receiver = ReceiverOf(options.Url);
        _options = options;
        _clock = clock;
        _log = log;
        _waiting = Channel.CreateBounded<WaitingNotice>(
            new BoundedChannelOptions(NoticeOutbox.MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            given => GiveUp(given, "too many wait"));
        foreach (var waiting in outbox?.Waiting(_receiver) ?? [])
        {
            _waiting.Writer.TryWrite(waiting);
        }

        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = options.Timeout,
            SslOptions = new SslClientAuthenticationOptions
            {
                // A certificate must not make us fetch what it names.
                CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
            },
        })
        {
            Timeout = options.Timeout,
        };
        _posting = Task.Run(PostAllAsync);
    }

    /// <summary>Never waits.</summary>
    public void Tell(AlertNotice notice) => _waiting.Writer.TryWrite(_outbox?.Add(_receiver, notice) ?? new WaitingNotice(0, notice));

    /// <summary>The name in the outbox: an address may have a secret in its path.</summary>
    public static string ReceiverOf(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return $"webhook {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url.AbsoluteUri)))}";
    }

    /// <summary>Once, now; what came of it, for people. Null: it was taken.</summary>
    public async Task<string?> TryAsync(AlertNotice notice, CancellationToken cancel)
    {
        try
        {
            var body = WebhookBody.Write(notice, _options.Gateway);
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, _options.Url) { Content = content };
            request.Headers.Add(WebhookBody.SignatureHeader, WebhookBody.Sign(body, _options.Secret.Span, _clock.GetUtcNow()));
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            return (int)response.StatusCode is >= 200 and < 300 ? null : $"it answered {(int)response.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return e is OperationCanceledException ? $"no answer within {_options.Timeout.TotalSeconds:0} s" : e.Message;
        }
    }

    /// <summary>What waits is posted after the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _waiting.Writer.TryComplete();
        await _posting;
        _client.Dispose();
        _stop.Dispose();
    }

    async Task PostAllAsync()
    {
        try
        {
            await foreach (var waiting in _waiting.Reader.ReadAllAsync(_stop.Token))
            {
                await PostAsync(waiting, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    async Task PostAsync(WaitingNotice waiting, CancellationToken stop)
    {
        var notice = waiting.Notice;
        for (var pause = _options.FirstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            if (await TryAsync(notice, stop) is not { } why)
            {
                _outbox?.Remove(waiting.Id);
                return;
            }

            if (_clock.GetUtcNow() - notice.At > s_givesUp)
            {
                GiveUp(waiting, why);
                return;
            }

            LogFailed(_log, _options.Url.Host, notice.Alert.Rule, notice.Alert.Subject, why, pause.TotalSeconds);
            await Task.Delay(pause, _clock, stop);
        }
    }

    void GiveUp(WaitingNotice waiting, string why)
    {
        _outbox?.Remove(waiting.Id);
        LogGivenUp(_log, _options.Url.Host, waiting.Notice.Alert.Rule, waiting.Notice.Alert.Subject, why);
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Warning, Message = "Webhook at {Host} did not take the notice on {Rule} {Subject}: {Why}; again in {PauseSeconds} seconds")]
    static partial void LogFailed(ILogger log, string host, string rule, string subject, string why, double pauseSeconds);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Error, Message = "Webhook at {Host} gets no notice on {Rule} {Subject}: {Why}")]
    static partial void LogGivenUp(ILogger log, string host, string rule, string subject, string why);
}
