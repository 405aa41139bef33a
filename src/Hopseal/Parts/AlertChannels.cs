using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Whom notices go to: the log always, webhooks and mail as the configuration says, now or after the quiet hours; and one mail a day.</summary>
sealed partial class AlertChannels : IAsyncDisposable
{
    const int MostInDigest = 1000;

    static readonly TimeSpan s_digestMemory = TimeSpan.FromDays(7);

    /// <summary>By which a clock may be set back just after a daily mail without a second one.</summary>
    static readonly TimeSpan s_clockStep = TimeSpan.FromHours(1);

    readonly AlertSettings _settings;
    readonly AlertStore _store;
    readonly Func<ImmutableArray<Alert>> _open;
    readonly ImmutableArray<Webhook> _webhooks;
    readonly AlertMail? _mail;
    readonly MailedNotices _mailed;
    readonly HeldNotices _held;
    readonly MessageQueue _queue;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    DateTimeOffset _digestAt;
    bool _digestFailed;

    /// <param name="open">Alerts as they are now.</param>
    public AlertChannels(
        GatewayConfiguration configuration, RecordsDatabase database, Func<ImmutableArray<Alert>> open, MessageQueue queue, ILoggerFactory logs, TimeProvider clock)
    {
        _settings = configuration.Alerts;
        _store = new AlertStore(database);
        _open = open;
        _queue = queue;
        _clock = clock;
        _log = logs.CreateLogger<AlertChannels>();
        var gateway = configuration.Hostname.Ascii;
        var outbox = OpenOutbox(database);
        _webhooks = [.. _settings.Webhooks.Select(hook => new Webhook(new WebhookOptions(hook.Url, hook.Secret, gateway), outbox, clock, logs.CreateLogger<Webhook>()))];
        _held = new HeldNotices(outbox);
        _mail = _settings.Mail is { } mail ? new AlertMail(gateway, mail.From.ToString(), mail.To, clock) : null;
        _mailed = new MailedNotices(outbox, notice => MailAsync(mail => mail.WriteAsync(notice, CancellationToken.None), CancellationToken.None), clock, logs.CreateLogger<MailedNotices>());
        _digestAt = _settings.Digest is null ? default : LastDigest();
    }

    public ImmutableArray<Periodic> Work =>
    [
        new(TimeSpan.FromSeconds(15), _ => ReleaseAsync()),
        .. _settings.Digest is null ? ImmutableArray<Periodic>.Empty : [new(TimeSpan.FromSeconds(30), _ => DigestAsync())],
    ];

    /// <summary>Of a change: at once, or when the quiet hours are over. No stop interrupts it: whoever saw the change does not see it again.</summary>
    public async Task TellAsync(AlertNotice notice)
    {
        Log(notice);
        if (notice.Alert.Severity < _settings.MinimumSeverity)
        {
            return;
        }

        if (notice.Alert.Severity < AlertSeverity.Critical && IsQuiet)
        {
            _held.Hold(notice);
        }
        else if (_held.Overtake(notice) is { } now)
        {
            await SendAsync(now);
        }
    }

    /// <summary>Through every channel, now, and says what came of each, and whether it was taken.</summary>
    public async Task<ImmutableArray<(string Words, bool Taken)>> TestAsync(AlertNotice notice, CancellationToken cancel)
    {
        Log(notice);
        var results = ImmutableArray.CreateBuilder<(string, bool)>();
        results.Add(("log: written", true));
        foreach (var (webhook, setting) in _webhooks.Zip(_settings.Webhooks))
        {
            var why = await webhook.TryAsync(notice, cancel);
            results.Add(($"webhook {setting.Url}: {why ?? "taken"}", why is null));
        }

        if (_mail is not null)
        {
            var why = await MailAsync(mail => mail.WriteAsync(notice, cancel), cancel);
            results.Add(($"mail to {string.Join(", ", _settings.Mail!.To)}: {why ?? "in the queue"}", why is null));
        }

        return results.DrainToImmutable();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var webhook in _webhooks)
        {
            await webhook.DisposeAsync();
        }

        _mailed.Dispose();
    }

    bool IsQuiet => _settings.QuietHours?.Hold(TimeOnly.FromDateTime(_clock.GetLocalNow().DateTime)) is true;

    NoticeOutbox? OpenOutbox(RecordsDatabase database)
    {
        try
        {
            var outbox = new NoticeOutbox(database);
            outbox.Keep([HeldNotices.Receiver, .. _settings.Mail is null ? ImmutableArray<string>.Empty : [MailedNotices.Receiver], .. _settings.Webhooks.Select(hook => Webhook.ReceiverOf(hook.Url))]);
            return outbox;
        }
        catch (SqliteException e)
        {
            LogNoOutbox(_log, e);
            return null;
        }
    }

    /// <summary>The first mail is about the time from now on; so is one after long without.</summary>
    DateTimeOffset LastDigest()
    {
        var now = _clock.GetUtcNow();
        try
        {
            if (_store.LastDigest() is { } last && last <= now && now - last < s_digestMemory)
            {
                return last;
            }

            _store.SaveDigest(now);
        }
        catch (SqliteException e)
        {
            LogNoDigest(_log, e.Message);
        }

        return now;
    }

    async Task ReleaseAsync()
    {
        if (_mail is not null)
        {
            await _mailed.RetryAsync();
        }

        if (!_held.IsEmpty && !IsQuiet)
        {
            await _held.ReleaseAsync(_open(), SendAsync);
        }
    }

    async Task SendAsync(AlertNotice notice)
    {
        if (notice.Alert.SilencedUntil > _clock.GetUtcNow())
        {
            return;
        }

        foreach (var webhook in _webhooks)
        {
            webhook.Tell(notice);
        }

        if (_mail is not null)
        {
            await _mailed.TellAsync(notice);
        }
    }

    /// <summary>Once a day, later where the gateway did not run at that time or the queue did not take it.</summary>
    async Task DigestAsync()
    {
        var now = _clock.GetUtcNow();
        if (_digestAt - now > s_clockStep)
        {
            // The clock ran ahead: without this there would be no mail until it is there again.
            _digestAt = now;
            _store.SaveDigest(now);
        }

        if (_digestAt >= DailyTime.LastBefore(now, _settings.Digest!.Value, _clock.LocalTimeZone))
        {
            return;
        }

        try
        {
            var digest = new AlertDigest(_digestAt, _open(), [.. _store.ChangedSince(_digestAt, MostInDigest).Where(alert => !alert.IsOpen)]);
            if (!digest.IsEmpty && await MailAsync(mail => mail.WriteAsync(digest, CancellationToken.None), CancellationToken.None) is { } why)
            {
                DigestFailed(why);
                return;
            }

            _digestAt = now;
            _digestFailed = false;
            _store.SaveDigest(now);
        }
        catch (SqliteException e)
        {
            DigestFailed(e.Message);
        }
    }

    /// <summary>It is tried again until it can be made; one word is enough.</summary>
    void DigestFailed(string why)
    {
        if (!_digestFailed)
        {
            LogNoDigest(_log, why);
        }

        _digestFailed = true;
    }

    /// <returns>Null, or why it is not in the queue.</returns>
    async Task<string?> MailAsync(Func<AlertMail, Task<StoredMessage>> write, CancellationToken cancel)
    {
        try
        {
            await _queue.AddAsync(await write(_mail!), cancel);
            return null;
        }
        catch (QueueStoreException e)
        {
            return e.Message;
        }
    }

    void Log(AlertNotice notice)
    {
        var alert = notice.Alert;
        var level = notice.Kind is NoticeKind.Resolved or NoticeKind.Test || alert.Severity is AlertSeverity.Info ? LogLevel.Information
            : alert.Severity is AlertSeverity.Critical ? LogLevel.Error : LogLevel.Warning;
        var (kind, severity, text) = (WebhookBody.Word(notice.Kind), WebhookBody.Word(alert.Severity), Shown.Plain(alert.Text));
        LogNotice(_log, level, kind, alert.Id, alert.Rule, alert.Subject, severity, text, alert.Advice);
    }

    [LoggerMessage(EventId = 3001, Message = "Alert {Kind}: {Alert} {Rule} {Subject}, {Severity}: {Text}. {Advice}")]
    static partial void LogNotice(ILogger log, LogLevel level, string kind, long alert, string rule, string subject, string severity, string text, string advice);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Error, Message = "Notices that were still to be sent cannot be read, and none is kept over the next restart")]
    static partial void LogNoOutbox(ILogger log, Exception e);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Error, Message = "The daily mail on alerts cannot be made now, and is tried again: {Why}")]
    static partial void LogNoDigest(ILogger log, string why);
}
