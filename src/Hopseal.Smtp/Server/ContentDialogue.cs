using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>What became of the octets after DATA or BDAT.</summary>
abstract record ContentOutcome
{
    ContentOutcome()
    {
    }

    /// <param name="Octets">Of content, for the transcript.</param>
    /// <param name="HandlerFault">What the handler threw, if it did.</param>
    public sealed record Answered(SmtpReply Reply, long Octets, Exception? HandlerFault = null) : ContentOutcome;

    public sealed record Over(Ending Ending) : ContentOutcome;
}

/// <summary>Receives the content of messages, by DATA (RFC 5321 §4.1.1.4) or by BDAT (RFC 3030 §2). A message is whole only at
/// CRLF.CRLF or at the last octet of BDAT LAST; whatever else ends the content ends the session with nothing kept.</summary>
sealed class ContentDialogue(CommandChannel channel, ServerOptions options, TimeProvider clock) : IAsyncDisposable
{
    // Of one message, after one of them was refused.
    const int MaxDroppedChunks = 10_000;

    ContentSink? _chunks; // between the first BDAT and the last
    LineBreakCheck _check;
    long _startedAt;
    long _droppedOctets;
    int _droppedChunks;

    /// <summary>How long the message between its chunks may still take.</summary>
    public TimeSpan Remaining => options.MessageTimeout - clock.GetElapsedTime(_startedAt);

    /// <summary>Says 354 and reads to CRLF.CRLF.</summary>
    public async ValueTask<ContentOutcome> ReceiveDataAsync(Func<IMessageWriter> begin, CancellationToken abort)
    {
        IMessageWriter writer;
        try
        {
            writer = begin();
        }
        catch (Exception error) when (!abort.IsCancellationRequested)
        {
            return new ContentOutcome.Answered(ServerReplies.LocalFault, 0, error);
        }

        await using var sink = new ContentSink(writer, options.MaxMessageOctets);
        channel.Arm(options.MessageTimeout);
        channel.Say(ServerReplies.SendData);
        return await ReadDataAsync(sink) is { } ending ? new ContentOutcome.Over(ending) : await SettleAsync(sink, abort);
    }

    /// <summary>Reads one chunk. After an outcome other than 250 the message is discarded.</summary>
    public async ValueTask<ContentOutcome> ReceiveChunkAsync(ServerAction.ReceiveChunk chunk, Func<IMessageWriter> begin, CancellationToken abort)
    {
        if (chunk.First)
        {
            Begin(begin, abort);
        }

        var sink = _chunks ?? throw new InvalidOperationException("a chunk without a message");
        channel.Arm(Remaining);
        if (await ReadChunkAsync(sink, chunk.Size, isText: chunk.Envelope.Body is not BodyType.BinaryMime) is { } ending)
        {
            return new ContentOutcome.Over(ending);
        }

        if (chunk.Last)
        {
            _check.Finish();
        }

        if (chunk.Envelope.Body is not BodyType.BinaryMime)
        {
            sink.Refuse(_check.Fault);
        }

        if (!chunk.Last && sink.Refusal is null)
        {
            channel.Disarm();
            return new ContentOutcome.Answered(ServerReplies.ChunkOk(chunk.Size), chunk.Size);
        }

        var outcome = await SettleAsync(sink, abort);
        await DiscardAsync();
        return outcome;
    }

    /// <summary>Reads a chunk that is refused whatever it holds. Null when the session can go on.</summary>
    public async ValueTask<Ending?> DropChunkAsync(long octets)
    {
        // As much again as a message may have, like DATA: a client that writes before it reads should come to read the reply.
        if (octets > (2 * options.MaxMessageOctets) - _droppedOctets || ++_droppedChunks > MaxDroppedChunks)
        {
            return new Ending(SessionEnd.MessageTooLarge, ServerReplies.TooLarge, $"a chunk of {octets} octets after a refusal");
        }

        _droppedOctets += octets;

        channel.Arm(options.MessageTimeout);
        await using var nowhere = new ContentSink(null, long.MaxValue);
        nowhere.Refuse(ContentFault.BareLineBreak);
        return await ReadChunkAsync(nowhere, octets, isText: false);
    }

    /// <summary>Forgets a message whose last chunk did not come.</summary>
    public async ValueTask DiscardAsync()
    {
        if (_chunks is { } chunks)
        {
            _chunks = null;
            await chunks.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => DiscardAsync();

    void Begin(Func<IMessageWriter> begin, CancellationToken abort)
    {
        _startedAt = clock.GetTimestamp();
        _droppedOctets = _droppedChunks = 0;
        _check = new LineBreakCheck();
        try
        {
            _chunks = new ContentSink(begin(), options.MaxMessageOctets);
        }
        catch (Exception error) when (!abort.IsCancellationRequested)
        {
            _chunks = new ContentSink(null, options.MaxMessageOctets);
            _chunks.Fail(error);
        }
    }

    async ValueTask<ContentOutcome> SettleAsync(ContentSink sink, CancellationToken abort)
    {
        channel.Disarm();
        var reply = await sink.CommitAsync(abort);
        await sink.DisposeAsync();
        return new ContentOutcome.Answered(reply, sink.Octets, sink.HandlerFault);
    }

    async ValueTask<Ending?> ReadDataAsync(ContentSink sink)
    {
        var decoder = new DataDecoder();
        while (true)
        {
            var buffered = channel.Stream.Buffered;
            var piece = decoder.Scan(buffered.Span);
            sink.Refuse(decoder.Fault);
            if (piece.ContentLength > 0)
            {
                await sink.WriteAsync(buffered.Slice(piece.ContentStart, piece.ContentLength), channel.Deadline);
            }

            channel.Stream.Consume(piece.Consumed);
            if (piece.IsEnd)
            {
                return null;
            }

            if (sink.IsExhausted)
            {
                return new Ending(SessionEnd.MessageTooLarge, sink.Refusal, $"more than {sink.Octets} octets of a refused message");
            }

            if (piece.Consumed == 0 && await channel.FillAsync() == 0)
            {
                return CutOff(sink.Octets);
            }
        }
    }

    async ValueTask<Ending?> ReadChunkAsync(ContentSink sink, long octets, bool isText)
    {
        while (octets > 0)
        {
            var buffered = channel.Stream.Buffered;
            if (buffered.IsEmpty)
            {
                if (await channel.FillAsync() == 0)
                {
                    return CutOff(sink.Octets);
                }

                continue;
            }

            var piece = buffered.Length <= octets ? buffered : buffered[..(int)octets];
            if (isText)
            {
                _check.Look(piece.Span);
            }

            await sink.WriteAsync(piece, channel.Deadline);
            channel.Stream.Consume(piece.Length);
            octets -= piece.Length;
        }

        return null;
    }

    Ending CutOff(long octets) => new(
        channel.Stream.End is StreamEnd.Truncated ? SessionEnd.Truncated : SessionEnd.ClientClosed,
        Detail: $"after {octets} octets of a message that was not complete");
}
