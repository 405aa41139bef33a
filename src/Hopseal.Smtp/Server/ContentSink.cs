using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Passes the content of one message to its writer, as long as there is hope for the message. Afterwards it only
/// counts: what a client sends must be read to its end before it can be told that it was in vain.</summary>
sealed class ContentSink(IMessageWriter? writer, long maxOctets) : IAsyncDisposable
{
    IMessageWriter? _writer = writer;

    /// <summary>Received so far, kept or not.</summary>
    public long Octets { get; private set; }

    /// <summary>Why the message will be refused; null as long as it need not be.</summary>
    public SmtpReply? Refusal { get; private set; }

    /// <summary>What the handler threw.</summary>
    public Exception? HandlerFault { get; private set; }

    /// <summary>As much again as a message may have was read for nothing. Enough.</summary>
    public bool IsExhausted => Octets - maxOctets > maxOctets;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        Octets += content.Length;
        if (Octets > maxOctets)
        {
            Refuse(ServerReplies.TooLarge);
        }

        if (Refusal is null)
        {
            try
            {
                await _writer!.WriteAsync(content, cancel);
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                Fail(error);
            }
        }
    }

    public void Refuse(ContentFault fault)
    {
        if (fault is not ContentFault.None)
        {
            Refuse(fault is ContentFault.Nul ? ServerReplies.NulInContent : ServerReplies.BareLineBreakInContent);
        }
    }

    /// <summary>The handler's fault is not the client's: 451 (RFC 5321 §4.2.2).</summary>
    public void Fail(Exception error)
    {
        HandlerFault ??= error;
        Refuse(ServerReplies.LocalFault);
    }

    /// <summary>The content is whole: the handler's word on it, or the reason why it was not even asked.</summary>
    /// <param name="cancel">Ends the session; nothing else may interrupt a commit.</param>
    public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
    {
        if (Refusal is null)
        {
            try
            {
                return await _writer!.CommitAsync(cancel);
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                Fail(error);
            }
        }

        return Refusal!;
    }

    /// <summary>Without a commit before, the message is discarded. Keeps what the handler throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writer is { } writer)
        {
            _writer = null;
            try
            {
                await writer.DisposeAsync();
            }
            catch (Exception error)
            {
                HandlerFault ??= error;
            }
        }
    }

    void Refuse(SmtpReply reply) => Refusal ??= reply;
}
