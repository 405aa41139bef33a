using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Mail;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Our own queue, as far as reports need it.</summary>
public sealed record ReportQueue
{
    /// <summary>Completes when the message is kept (<see cref="MessageQueue.AddAsync"/>).</summary>
    public required Func<StoredMessage, CancellationToken, ValueTask> AddAsync { get; init; }

    public required Func<QueueId, CancellationToken, ValueTask<bool>> HoldsAsync { get; init; }

    /// <summary>Takes it out; false while an attempt is under way.</summary>
    public required Func<QueueId, CancellationToken, ValueTask<bool>> RemoveAsync { get; init; }
}

/// <summary>A target that is due.</summary>
sealed record DueTarget(long Id, string Uri, TargetState State, int Tries, string? Message, DateOnly Day, string Domain, DateTimeOffset GivesUpAt, byte[] Content);

/// <summary>Brings reports to their targets, each once, and again while it fails, for a day (RFC 8460 §5.5).</summary>
sealed partial class ReportDelivery(
    RecordsDatabase database, ReportPost post, ReportQueue queue, OwnReportMail own, SendingOptions options, TimeProvider clock, ILogger log)
{
    readonly Lock _signing = new();

    /// <exception cref="SqliteException">What became of it could not be written down.</exception>
    /// <exception cref="QueueStoreException">The queue could not be asked.</exception>
    public Task TryAsync(DueTarget target, CancellationToken cancel) => target.State switch
    {
        TargetState.Queued => LookInQueueAsync(target, cancel),
        _ when clock.GetUtcNow() >= target.GivesUpAt => FailAsync(target, "it could not be delivered for a day", tries: 0),
        _ => ReportTarget.TryParse(target.Uri, out var parsed, out var why)
            ? parsed switch
            {
                ReportTarget.Https https => PostAsync(target, https.Address, cancel),
                ReportTarget.Mail mail => MailAsync(target, mail.Address, cancel),
                _ => throw new ArgumentException($"unknown target {parsed}", nameof(target)),
            }
            : FailAsync(target, why, tries: 0),
    };

    async Task PostAsync(DueTarget target, Uri address, CancellationToken cancel)
    {
        switch (await post.PostAsync(address, target.Content, cancel))
        {
            case ReportPostResult.Taken taken:
                await WriteAsync(connection => SentRows.Settle(connection, target.Id, TargetState.Sent, 1, null, clock.GetUtcNow()));
                LogPosted(log, target.Domain, target.Day, target.Uri, taken.Status);
                break;
            case ReportPostResult.Failed failed:
                await RetryAsync(target, failed.Why);
                break;
        }
    }

    /// <summary>Its id is written down before it is in the queue: what a crash leaves of the two is mended by <see cref="LookInQueueAsync"/>.</summary>
    async Task MailAsync(DueTarget target, Mailbox to, CancellationToken cancel)
    {
        if (options.Signer is null)
        {
            await FailAsync(target, "reports by mail need a signature, and TlsReports.Send.Dkim is not configured", tries: 0);
            return;
        }

        if (Message(target, to, out var why) is not { } message)
        {
            await FailAsync(target, why, tries: 0);
            return;
        }

        own.Add(message.Id);
        await WriteAsync(connection => SentRows.Queue(connection, target.Id, message.Id.Text, clock.GetUtcNow()));
        try
        {
            await queue.AddAsync(message, cancel);
            LogQueued(log, target.Domain, target.Day, to.ToString(), message.Id);
        }
        catch (QueueStoreException e)
        {
            await RetryAsync(target, e.Message, tries: 0);
        }
    }

    StoredMessage? Message(DueTarget target, Mailbox to, out string why)
    {
        why = "what is stored of the report is damaged";
        var now = clock.GetUtcNow();
        if (!DomainName.TryParse(target.Domain, out var domain) || PackedReport.Read(target.Content, new ReportNotes()) is not ReadReport.Accepted { Report: var report })
        {
            return null;
        }

        byte[] content;
        try
        {
            lock (_signing)
            {
                content = ReportMessage.Create(report, domain, to, now, options.Signer);
            }
        }
        catch (ArgumentException)
        {
            return null;
        }

        // The database knows what becomes of it: nobody needs a notice. The message says TLS-Required: No, and the queue goes by the envelope.
        var envelope = new Envelope(options.Contact, [new Recipient(to, DsnNotify.Never)], Tls: MessageTls.Optional);
        return new StoredMessage(QueueId.Next(clock), now, envelope, content.Length, content, null);
    }

    /// <summary>Mail that is not settled: still in the queue, past its time, or, after a crash, never there.</summary>
    async Task LookInQueueAsync(DueTarget target, CancellationToken cancel)
    {
        if (!QueueId.TryParse(target.Message, out var message))
        {
            await FailAsync(target, "what is stored of its message is damaged", tries: 0);
        }
        else if (!await queue.HoldsAsync(message, cancel))
        {
            await RetryAsync(target, "its message was not in the queue any more, and nothing was heard of it", tries: 0);
        }
        else if (clock.GetUtcNow() >= target.GivesUpAt && await queue.RemoveAsync(message, cancel))
        {
            await FailAsync(target, "the mail could not be delivered for a day", tries: 0);
        }
        else
        {
            await WriteAsync(connection => SentRows.Seen(connection, target.Id, clock.GetUtcNow()));
        }
    }

    async Task RetryAsync(DueTarget target, string why, int tries = 1)
    {
        var due = clock.GetUtcNow() + ReportSchedule.DelayAfter(target.Tries + 1);
        if (due >= target.GivesUpAt)
        {
            await FailAsync(target, $"it was given up after a day: {why}", tries);
            return;
        }

        await WriteAsync(connection => SentRows.Retry(connection, target.Id, tries, why, due));
        LogRetry(log, target.Domain, target.Day, target.Uri, due, why);
    }

    async Task FailAsync(DueTarget target, string why, int tries)
    {
        await WriteAsync(connection => SentRows.Settle(connection, target.Id, TargetState.Failed, tries, why, clock.GetUtcNow()));
        LogFailed(log, target.Domain, target.Day, target.Uri, why);
    }

    /// <summary>Not cancelled: what was done outside is to be known.</summary>
    Task WriteAsync(Action<SqliteConnection> work) => database.WriteAsync(work, CancellationToken.None);

    [LoggerMessage(2805, LogLevel.Information, "The TLS report for {Domain} about {Day} was taken by {Uri} ({Status})")]
    static partial void LogPosted(ILogger log, string domain, LogTime day, string uri, int status);

    [LoggerMessage(2806, LogLevel.Information, "The TLS report for {Domain} about {Day} goes to {Address} as message {Id}")]
    static partial void LogQueued(ILogger log, string domain, LogTime day, string address, QueueId id);

    [LoggerMessage(2807, LogLevel.Information, "The TLS report for {Domain} about {Day} is tried again at {Due} at {Uri}: {Why}")]
    static partial void LogRetry(ILogger log, string domain, LogTime day, string uri, LogTime due, string why);

    [LoggerMessage(2808, LogLevel.Warning, "The TLS report for {Domain} about {Day} was not delivered to {Uri}: {Why}")]
    static partial void LogFailed(ILogger log, string domain, LogTime day, string uri, string why);
}
