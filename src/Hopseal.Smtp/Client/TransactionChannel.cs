using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>Step 9: a connection cleared for mail; one transaction at a time (RFC 5321 §3.3, pipelined per RFC 2920).</summary>
public sealed class TransactionChannel : IAsyncDisposable
{
    static readonly SessionFault s_over = new(SmtpPhase.MailFrom, FaultKind.ConnectionLost, null, "the session ended with an earlier transaction");

    readonly ClientDialogue _dialogue;
    bool _needsReset;
    bool _disposed;

    internal TransactionChannel(ClientDialogue dialogue, EhloCapabilities capabilities)
    {
        _dialogue = dialogue;
        Capabilities = capabilities;
        Usable = dialogue.Stream.Buffered.IsEmpty;
    }

    /// <summary>From the last EHLO, inside TLS where there is TLS.</summary>
    public EhloCapabilities Capabilities { get; }

    /// <summary>False once the session broke or the peer said 421: no further transaction is possible.</summary>
    public bool Usable { get; private set; }

    /// <summary>After a <see cref="SendAsync"/> that was cancelled: the recipients for whom the peer may have the message all the same
    /// (RFC 5321 §6.1).</summary>
    public int Unanswered { get; private set; }

    /// <summary>False when the peer has said something since the last transaction, or hung up: there is nothing that it could have to
    /// say, and it must not be taken for the answer to the next command. Does not wait.</summary>
    public bool IsQuiet => Usable && !_dialogue.Stream.ArrivalAsync().IsCompleted && !_dialogue.Stream.Transport.IsReadable;

    /// <summary>Completes, or fails, when the peer breaks the silence between two transactions; and also when the next one is
    /// answered.</summary>
    public Task WatchAsync() => Usable ? _dialogue.Stream.ArrivalAsync() : Task.CompletedTask;

    /// <summary>Sends one message. One result per recipient of the envelope, in order. Throws only when cancelled, or when
    /// reading <paramref name="content"/> fails; both end the session without a final dot.</summary>
    /// <param name="content">Octets with CRLF line ends, no dot-stuffing; read from its position to its end.</param>
    /// <param name="size">Octets in <paramref name="content"/>.</param>
    /// <exception cref="InvalidDataException">The content is shorter or longer than <paramref name="size"/>.</exception>
    public async ValueTask<ImmutableArray<RecipientResult>> SendAsync(Envelope envelope, Stream content, long size, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentOutOfRangeException.ThrowIfZero(envelope.Recipients.Length, nameof(envelope));
        if (!Usable)
        {
            return All(envelope, new RecipientResult.Interrupted(s_over, MayBeDelivered: false));
        }

        var whole = false;
        Transaction? transaction = null;
        try
        {
            _dialogue.Deadline.Follow(cancel);
            var (carriage, why) = await Carriage.ChooseAsync(Capabilities, _dialogue.Stream.IsTls, envelope, content, size, cancel);
            if (carriage is null)
            {
                whole = true;
                return All(envelope, why!);
            }

            if (await ResetAsync() is { } fault)
            {
                return All(envelope, new RecipientResult.Interrupted(fault, MayBeDelivered: false));
            }

            transaction = new Transaction(_dialogue, Capabilities, envelope, carriage);
            var results = await transaction.RunAsync(content, size, cancel);
            _needsReset = !transaction.Finished;

            // More than was asked for: from here on nobody knows which reply belongs to which command.
            whole = transaction.SessionGoesOn && _dialogue.Stream.Buffered.IsEmpty;
            return results;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Unanswered = transaction?.Unanswered ?? 0;
            throw new OperationCanceledException(cancel);
        }
        finally
        {
            _dialogue.Deadline.Rest();
            if (!whole)
            {
                Usable = false;
                await _dialogue.BreakAsync();
            }
        }
    }

    /// <summary>Closes without a word; what the peer may have said is never read.</summary>
    public ValueTask DiscardAsync()
    {
        Usable = false;
        return DisposeAsync();
    }

    /// <summary>QUIT, close_notify, FIN; never waits long and never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (Usable)
        {
            Usable = false;
            await _dialogue.LeaveAsync();
        }
        else
        {
            await _dialogue.BreakAsync();
        }

        _dialogue.Deadline.Dispose();
    }

    /// <summary>RSET, where the transaction before did not end by itself (RFC 5321 §4.1.1.5).</summary>
    async ValueTask<SessionFault?> ResetAsync()
    {
        if (!_needsReset)
        {
            return null;
        }

        try
        {
            var reply = await _dialogue.AskAsync(SmtpPhase.MailFrom, "RSET");
            _needsReset = false;
            return reply.IsPositive ? null : SessionBrokenException.Refused(SmtpPhase.MailFrom, reply).Fault;
        }
        catch (SessionBrokenException broken)
        {
            return broken.Fault;
        }
    }

    static ImmutableArray<RecipientResult> All(Envelope envelope, RecipientResult result) =>
        [.. Enumerable.Repeat(result, envelope.Recipients.Length)];
}
