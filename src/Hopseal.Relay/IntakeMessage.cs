using System.Text;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay;

/// <summary>One message on its way into the queue. A fault on the way does not end the session: the rest of the content is
/// dropped, and the reply to the commit says what happened.</summary>
sealed partial class IntakeMessage(
    QueueId id,
    DateTimeOffset receivedAt,
    Envelope envelope,
    string header,
    SpooledContent content,
    MessageQueue queue,
    int maxReceivedFields,
    Action<Envelope> accepted,
    ILogger log) : IMessageWriter
{
    readonly ContentFacts _facts = new();
    bool _headerWritten;
    SmtpReply? _refusal;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancel)
    {
        if (_refusal is not null)
        {
            return;
        }

        _facts.Look(piece.Span);
        if (_facts.ReceivedFields > maxReceivedFields)
        {
            await RefuseAsync(new SmtpReply(554, new EnhancedStatus(5, 4, 6), "too many hops: this message is in a loop"));
            return;
        }

        try
        {
            await WriteHeaderAsync(cancel);
            await content.WriteAsync(piece, cancel);
        }
        catch (Exception e) when (IsStorageFault(e))
        {
            await RefuseAsync(Describe(e));
        }
    }

    public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
    {
        if (_refusal is not null)
        {
            return _refusal;
        }

        try
        {
            await WriteHeaderAsync(cancel);
            var (inMemory, file) = await content.FinishAsync(cancel);
            var found = EnvelopeAsFound();
            await queue.AddAsync(new StoredMessage(id, receivedAt, found, content.Length, inMemory, file), cancel);
            accepted(found);
        }
        catch (Exception e) when (IsStorageFault(e))
        {
            await RefuseAsync(Describe(e));
            return _refusal!;
        }

        return new SmtpReply(250, new EnhancedStatus(2, 6, 0), $"{id} kept");
    }

    /// <summary>Discards what was not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await content.DisposeAsync();
        }
        catch (Exception e) when (IsStorageFault(e))
        {
            LogNotDiscarded(log, e, id);
        }
    }

    async ValueTask WriteHeaderAsync(CancellationToken cancel)
    {
        if (!_headerWritten)
        {
            _headerWritten = true;
            await content.WriteAsync(Encoding.UTF8.GetBytes(header), cancel);
        }
    }

    /// <summary>A content with octets above 127 that the client declared as seven-bit, or did not declare, is kept as 8BITMIME:
    /// the next hop is told what it really gets (RFC 6152 §3), instead of a promise that we know to be wrong. What the header section says
    /// about TLS counts where the client did not say REQUIRETLS (RFC 8689 §4.1).</summary>
    Envelope EnvelopeAsFound()
    {
        var found = _facts.HasEightBit && envelope.Body == BodyType.SevenBit ? envelope with { Body = BodyType.EightBitMime } : envelope;
        return _facts.WaivesTls && found.Tls is MessageTls.Unspecified ? found with { Tls = MessageTls.Optional } : found;
    }

    async ValueTask RefuseAsync(SmtpReply refusal)
    {
        _refusal = refusal;
        await DisposeAsync();
    }

    /// <summary>The peer learns that it is our fault, and may try again (RFC 3463 §3.4); the operator learns which.</summary>
    SmtpReply Describe(Exception e)
    {
        LogNotKept(log, e, id);
        return IsFull(e)
            ? new SmtpReply(452, new EnhancedStatus(4, 3, 1), "no space for mail, try again later")
            : new SmtpReply(451, new EnhancedStatus(4, 3, 0), "the mail could not be stored, try again later");
    }

    static bool IsStorageFault(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>QueueStoreException says so itself; of a file, .NET hands on ENOSPC or EDQUOT (Linux, then macOS), or
    /// ERROR_DISK_FULL.</summary>
    static bool IsFull(Exception e) =>
        e is QueueStoreException store ? store.IsFull : e.HResult is 28 or 122 or 69 or unchecked((int)0x80070070);

    [LoggerMessage(Level = LogLevel.Error, Message = "Message {Id} could not be kept; its client was told to try again")]
    static partial void LogNotKept(ILogger log, Exception e, QueueId id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What arrived of message {Id} could not be removed; the next start does")]
    static partial void LogNotDiscarded(ILogger log, Exception e, QueueId id);
}
