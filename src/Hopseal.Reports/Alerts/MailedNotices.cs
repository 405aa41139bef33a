using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Alerts;

/// <summary>Notices on their way into the queue, in order: one that is refused, as by a full disk, is tried again until a day is over, also after a restart. Bounded:
/// the oldest are given up with a word in the log. Any thread may call any member.</summary>
public sealed partial class MailedNotices : IDisposable
{
    /// <summary>In the outbox.</summary>
    public const string Receiver = "mail";

    static readonly TimeSpan s_givesUp = TimeSpan.FromDays(1);

    readonly NoticeOutbox? _outbox;
    readonly Func<AlertNotice, Task<string?>> _mail;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly SemaphoreSlim _turn = new(1);
    readonly Queue<WaitingNotice> _waiting;
    bool _refused;

    /// <param name="outbox">Keeps them over restarts; null: nobody does.</param>
    /// <param name="mail">Puts the mail of one into the queue: null, or why it is not there.</param>
    public MailedNotices(NoticeOutbox? outbox, Func<AlertNotice, Task<string?>> mail, TimeProvider clock, ILogger<MailedNotices> log)
    {
        _outbox = outbox;
        _mail = mail;
        _clock = clock;
        _log = log;
        _waiting = new Queue<WaitingNotice>(outbox?.Waiting(Receiver) ?? []);
    }

    /// <summary>After those that wait.</summary>
    public async Task TellAsync(AlertNotice notice)
    {
        await _turn.WaitAsync();
        try
        {
            if (_waiting.Count == NoticeOutbox.MostWaiting)
            {
                GiveUp(_waiting.Dequeue(), "too many wait");
            }

            _waiting.Enqueue(_outbox?.Add(Receiver, notice) ?? new WaitingNotice(0, notice));
            await MailAllAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Those that wait, until one is refused.</summary>
    public async Task RetryAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await MailAllAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    async Task MailAllAsync()
    {
        while (_waiting.TryPeek(out var first))
        {
            var why = await _mail(first.Notice);
            if (why is null)
            {
                _waiting.Dequeue();
                _outbox?.Remove(first.Id);
                _refused = false;
            }
            else if (_clock.GetUtcNow() - first.Notice.At > s_givesUp)
            {
                GiveUp(_waiting.Dequeue(), why);
            }
            else
            {
                if (!_refused)
                {
                    LogRefused(_log, first.Notice.Alert.Rule, first.Notice.Alert.Subject, why);
                }

                _refused = true;
                return;
            }
        }
    }

    void GiveUp(WaitingNotice waiting, string why)
    {
        _outbox?.Remove(waiting.Id);
        LogGivenUp(_log, waiting.Notice.Alert.Rule, waiting.Notice.Alert.Subject, why);
    }

    [LoggerMessage(EventId = 3003, Level = LogLevel.Error, Message = "The notice on {Rule} {Subject} cannot be mailed now: {Why}; it is tried again, with those after it")]
    static partial void LogRefused(ILogger log, string rule, string subject, string why);

    [LoggerMessage(EventId = 3013, Level = LogLevel.Error, Message = "The notice on {Rule} {Subject} is not mailed: {Why}")]
    static partial void LogGivenUp(ILogger log, string rule, string subject, string why);
}
