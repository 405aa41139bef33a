using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Alerts;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Looks at everything that may go wrong, again and again, and tells when it begins and when it ends.</summary>
sealed partial class Alerting : IAsyncDisposable
{
    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_slowly = TimeSpan.FromMinutes(1);

    readonly AlertBook _book = new();
    readonly AlertStore _store;
    readonly AlertWatches _watches;
    readonly AlertSettings _settings;
    readonly ImmutableArray<Webhook> _webhooks;
    readonly AlertMail? _mail;
    readonly MessageQueue _queue;
    readonly TimeProvider _clock;
    readonly ILogger _log;

    public Alerting(GatewayConfiguration configuration, AlertStore store, AlertWatches watches, MessageQueue queue, ILoggerFactory logs, TimeProvider clock)
    {
        _settings = configuration.Alerts;
        _store = store;
        _watches = watches;
        _queue = queue;
        _clock = clock;
        _log = logs.CreateLogger<Alerting>();
        var gateway = configuration.Hostname.Ascii;
        _webhooks = [.. _settings.Webhooks.Select(hook => new Webhook(new WebhookOptions(hook.Url, hook.Secret, gateway), clock, logs.CreateLogger<Webhook>()))];
        _mail = _settings.Mail is { } mail ? new AlertMail(gateway, mail.From.ToString(), mail.To, clock) : null;
        try
        {
            var open = store.Open();
            _book.Restore(open, store.LastId());
            watches.Restore(open);
        }
        catch (SqliteException e)
        {
            LogNotRestored(_log, e);
        }
    }

    /// <summary>What is wrong now.</summary>
    public ImmutableArray<Alert> Open => _book.Open;

    public ImmutableArray<Periodic> Work =>
    [
        new(s_soon, stop => LookAsync(_watches.Soon, stop)),
        new(s_slowly, stop => LookAsync(_watches.Slowly, stop), AtOnce: true),
    ];

    /// <summary>Sends a notice through every channel, and says what came of each, and whether it was taken.</summary>
    public async Task<ImmutableArray<(string Words, bool Taken)>> TestAsync(CancellationToken cancel)
    {
        var now = _clock.GetUtcNow();
        var notice = new AlertNotice(
            NoticeKind.Test, new Alert(0, "test", "test", AlertSeverity.Info, "This is a test of Hopseal's alerts", "Nothing has to be done.", now, now, null, null), now);
        Tell(notice);
        var results = ImmutableArray.CreateBuilder<(string, bool)>();
        results.Add(("log: written", true));
        foreach (var (webhook, setting) in _webhooks.Zip(_settings.Webhooks))
        {
            var why = await webhook.TryAsync(notice, cancel);
            results.Add(($"webhook {setting.Url}: {why ?? "taken"}", why is null));
        }

        if (_mail is not null)
        {
            var why = await MailAsync(notice, cancel);
            results.Add(($"mail to {string.Join(", ", _settings.Mail!.To)}: {why ?? "in the queue"}", why is null));
        }

        return results.DrainToImmutable();
    }

    /// <summary>Null when no alert of that id is open.</summary>
    public Alert? Silence(long id, DateTimeOffset until)
    {
        var alert = _book.Silence(id, until);
        if (alert is not null)
        {
            _store.Save(alert);
        }

        return alert;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var webhook in _webhooks)
        {
            await webhook.DisposeAsync();
        }
    }

    async Task LookAsync(ImmutableArray<(string Rule, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>> Look)> rules, CancellationToken stop)
    {
        foreach (var (rule, look) in rules)
        {
            ImmutableArray<Trouble>? seen;
            try
            {
                seen = await look(_clock.GetUtcNow(), stop);
            }
            catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or QueueStoreException)
            {
                LogUnknown(_log, e, rule);
                seen = null;
            }

            foreach (var notice in _book.Look(rule, seen is { } known ? known : null, _clock.GetUtcNow()))
            {
                _store.Save(notice.Alert);
                await TellAsync(notice, stop);
            }
        }

        foreach (var changed in _book.TakeChanged())
        {
            _store.Save(changed);
        }
    }

    async Task TellAsync(AlertNotice notice, CancellationToken stop)
    {
        Tell(notice);
        if (notice.Alert.Severity < _settings.MinimumSeverity || notice.Alert.SilencedUntil > notice.At)
        {
            return;
        }

        foreach (var webhook in _webhooks)
        {
            webhook.Tell(notice);
        }

        if (_mail is not null && await MailAsync(notice, stop) is { } why)
        {
            LogNotMailed(_log, notice.Alert.Rule, notice.Alert.Subject, why);
        }
    }

    async Task<string?> MailAsync(AlertNotice notice, CancellationToken cancel)
    {
        try
        {
            await _queue.AddAsync(await _mail!.WriteAsync(notice, cancel), cancel);
            return null;
        }
        catch (QueueStoreException e)
        {
            return e.Message;
        }
    }

    void Tell(AlertNotice notice)
    {
        var alert = notice.Alert;
        var level = notice.Kind is NoticeKind.Resolved or NoticeKind.Test || alert.Severity is AlertSeverity.Info ? LogLevel.Information
            : alert.Severity is AlertSeverity.Critical ? LogLevel.Error : LogLevel.Warning;
        var (kind, severity, text) = (WebhookBody.Word(notice.Kind), WebhookBody.Word(alert.Severity), Shown.Plain(alert.Text));
        LogNotice(_log, level, kind, alert.Id, alert.Rule, alert.Subject, severity, text, alert.Advice);
    }

    [LoggerMessage(EventId = 3001, Message = "Alert {Kind}: {Alert} {Rule} {Subject}, {Severity}: {Text}. {Advice}")]
    static partial void LogNotice(ILogger log, LogLevel level, string kind, long alert, string rule, string subject, string severity, string text, string advice);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Whether {Rule} is to be told of cannot be found out")]
    static partial void LogUnknown(ILogger log, Exception e, string rule);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Error, Message = "Which alerts were open cannot be read; those that still hold are told again")]
    static partial void LogNotRestored(ILogger log, Exception e);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Error, Message = "The notice on {Rule} {Subject} could not be mailed: {Why}")]
    static partial void LogNotMailed(ILogger log, string rule, string subject, string why);
}
