using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>How the transfer of content ended, short of a broken session.</summary>
abstract record TransferEnd
{
    TransferEnd()
    {
    }

    /// <summary>The peer has the whole message, and this is its answer.</summary>
    public sealed record Answered(SmtpReply Reply) : TransferEnd;

    /// <summary>The peer answered before it had everything; the session is of no further use.</summary>
    public sealed record CutShort(SmtpReply Reply) : TransferEnd;

    /// <summary>The content may not be sent this way; the message was not completed and the session is of no further use.</summary>
    public sealed record Impossible(ContentFault Fault) : TransferEnd;
}

/// <summary>Sends the content of one message, by DATA or by BDAT (RFC 3030 §2). Replies are read while the content is written: a peer
/// that refuses in the middle is heard, and nobody waits for a peer that waits for us. One use.</summary>
sealed class ContentTransfer(ClientDialogue dialogue, Stream content, long size)
{
    const long ChunkOctets = 1024 * 1024;

    // After a failed write: what the peer said before it hung up is in our receive buffer, or about to be.
    static readonly TimeSpan s_lastWord = TimeSpan.FromSeconds(5);

    Task<(SmtpReply Reply, bool IsLast)> _reply = Task.FromCanceled<(SmtpReply, bool)>(new CancellationToken(canceled: true));
    Task _write = Task.CompletedTask;

    /// <summary>True once the octets that end the message may have reached the peer.</summary>
    public bool Completed { get; private set; }

    /// <summary>After 354.</summary>
    public async ValueTask<TransferEnd> ByDataAsync(CancellationToken cancel)
    {
        try
        {
            using var reader = new ContentReader(content, size);
            var writer = new DataWriter();
            var write = dialogue.Stream.Write;
            _reply = ReadAsync(replies: 1);
            do
            {
                var block = await reader.NextAsync(long.MaxValue, cancel);
                if (!writer.TryWrite(block.Span, write) || (reader.Left == 0 && !writer.TryComplete(write)))
                {
                    return new TransferEnd.Impossible(writer.Fault);
                }

                await SendAsync(isEnd: reader.Left == 0);
            }
            while (!Completed && !_reply.IsCompleted);

            return await EndAsync();
        }
        catch (SessionBrokenException broken)
        {
            return await LastWordAsync(broken);
        }
        finally
        {
            await SettleAsync();
        }
    }

    /// <summary>With CHUNKING: nothing is stuffed, the announced length says where the message ends.</summary>
    /// <param name="binary">The content may hold anything.</param>
    /// <param name="pipelining">The next chunk need not wait for the reply to this one.</param>
    public async ValueTask<TransferEnd> ByChunksAsync(bool binary, bool pipelining, CancellationToken cancel)
    {
        try
        {
            using var reader = new ContentReader(content, size);
            var lineEnd = binary ? 0 : await MissingLineEndAsync(cancel);
            var check = new LineBreakCheck();
            var chunks = Math.Max(1, (size + ChunkOctets - 1) / ChunkOctets);
            _reply = ReadAsync(pipelining ? chunks : 1);
            for (var chunk = 1L; chunk <= chunks; chunk++)
            {
                var isLast = chunk == chunks;
                var left = Math.Min(ChunkOctets, reader.Left);
                dialogue.Write($"BDAT {left + (isLast ? lineEnd : 0)}{(isLast ? " LAST" : "")}");
                do
                {
                    var block = await reader.NextAsync(left, cancel);
                    left -= block.Length;
                    if (!binary && !IsText(ref check, block.Span, isEnd: reader.Left == 0))
                    {
                        return new TransferEnd.Impossible(check.Fault);
                    }

                    dialogue.Stream.Write(block.Span);
                    dialogue.Stream.Write("\r\n"u8[..(reader.Left == 0 ? lineEnd : 0)]);
                    await SendAsync(isEnd: reader.Left == 0);
                }
                while (left > 0 && !_reply.IsCompleted);

                if (!isLast && !await MayGoOnAsync(pipelining))
                {
                    break;
                }
            }

            return await EndAsync();
        }
        catch (SessionBrokenException broken)
        {
            return await LastWordAsync(broken);
        }
        finally
        {
            await SettleAsync();
        }
    }

    /// <summary>Between two chunks. Without pipelining the peer's 250 comes first (RFC 2920 §3.1).</summary>
    async ValueTask<bool> MayGoOnAsync(bool pipelining)
    {
        if (pipelining)
        {
            return !_reply.IsCompleted;
        }

        dialogue.Deadline.Arm(dialogue.Options.FinalTimeout);
        if (!(await _reply).Reply.IsPositive)
        {
            return false;
        }

        _reply = ReadAsync(replies: 1);
        return true;
    }

    /// <summary>Hands what was written to the peer, and waits until it is taken, or until the peer has answered instead.</summary>
    async ValueTask SendAsync(bool isEnd)
    {
        if (isEnd)
        {
            dialogue.Options.Transcript?.Event($"({size} octets of message)");
            Completed = true;
        }

        dialogue.Deadline.Arm(dialogue.Options.BlockTimeout);
        _write = dialogue.FlushAsync(SmtpPhase.Content).AsTask();
        if (!_write.IsCompleted && await Task.WhenAny(_write, _reply) == _reply)
        {
            if (!Completed)
            {
                return;
            }

            // Mostly the reply overtook the news that the write is done; but a peer that refuses need not read to the end.
            dialogue.Deadline.Arm(s_lastWord);
        }

        await _write;
    }

    async ValueTask<TransferEnd> EndAsync()
    {
        if (Completed)
        {
            dialogue.Deadline.Arm(dialogue.Options.FinalTimeout);
        }

        var (reply, isLast) = await _reply;
        return Completed && isLast ? new TransferEnd.Answered(reply) : new TransferEnd.CutShort(reply);
    }

    /// <summary>The connection broke; a refusal may have come before that. Reading and writing fail together, so the phase is told from how
    /// far the writing came.</summary>
    async ValueTask<TransferEnd> LastWordAsync(SessionBrokenException broken)
    {
        try
        {
            dialogue.Deadline.Arm(s_lastWord);
            var (reply, _) = await _reply;
            if (!reply.IsPositive)
            {
                return new TransferEnd.CutShort(reply);
            }
        }
        catch (SessionBrokenException)
        {
            // There is nothing to hear; what broke first stands.
        }

        throw new SessionBrokenException(broken.Fault with { Phase = Completed ? SmtpPhase.EndOfData : SmtpPhase.Content }, broken);
    }

    /// <summary>Nothing may be under way when the stream is used again or disposed: what still is, is cut off.</summary>
    async ValueTask SettleAsync()
    {
        if (!_reply.IsCompleted || !_write.IsCompleted)
        {
            await dialogue.CutAsync();
        }

        await ((Task)_reply).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _write.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The first reply that is no success, else the last one.</summary>
    async Task<(SmtpReply Reply, bool IsLast)> ReadAsync(long replies)
    {
        while (true)
        {
            var reply = await dialogue.ReadAsync(SmtpPhase.EndOfData);
            if (--replies == 0 || !reply.IsPositive)
            {
                return (reply, replies == 0);
            }
        }
    }

    static bool IsText(ref LineBreakCheck check, ReadOnlySpan<byte> block, bool isEnd)
    {
        check.Look(block);
        if (isEnd)
        {
            check.Finish();
        }

        return check.Fault is ContentFault.None;
    }

    /// <summary>How many octets of a CRLF to add, so that text ends with a line end however it is sent; known beforehand, because BDAT
    /// announces its length. 0 for a stream that cannot be looked at.</summary>
    async ValueTask<int> MissingLineEndAsync(CancellationToken cancel)
    {
        if (!content.CanSeek || size == 0)
        {
            return 0;
        }

        var start = content.Position;
        var end = new byte[1];
        content.Position = start + size - 1;
        var read = await content.ReadAsync(end, cancel);
        content.Position = start;
        return read == 1 && end[0] != '\n' ? 2 : 0;
    }
}
