using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>One MAIL, RCPT…, DATA (RFC 5321 §3.3), and what becomes of each recipient.</summary>
/// <remarks>With PIPELINING the commands go out in groups and DATA with the last group; without, one by one. Either way every reply to a
/// group is read before the next group is written, so that two full send buffers never wait for each other (RFC 2920 §3.1).
/// Content is written only when somebody is to get it.</remarks>
sealed class Transaction(ClientDialogue dialogue, EhloCapabilities capabilities, Envelope envelope, Carriage carriage)
{
    // About 10 KiB of commands and as much of replies: less than any socket buffer.
    const int GroupCommands = 100;

    // RFC 3463 §3.7: other or undefined media error.
    static readonly EnhancedStatus s_mediaError = new(5, 6, 0);

    readonly RecipientResult?[] _results = new RecipientResult?[envelope.Recipients.Length];
    SmtpReply? _mailRefusal;
    bool _goAhead;
    int _accepted;
    ContentTransfer? _transfer;

    /// <summary>False when the peer ended the session, or the content did.</summary>
    public bool SessionGoesOn { get; private set; } = true;

    /// <summary>The content was answered: the peer is ready for the next MAIL without RSET.</summary>
    public bool Finished { get; private set; }

    /// <summary>Recipients for whom the whole message was sent, and who have no result: those of a transaction that was broken off while the
    /// peer owed its answer.</summary>
    public int Unanswered => _transfer is { Completed: true } ? _results.Count(result => result is null) : 0;

    public async ValueTask<ImmutableArray<RecipientResult>> RunAsync(Stream content, long size, CancellationToken cancel)
    {
        try
        {
            await NegotiateAsync();
            if (_accepted > 0 && (_goAhead || carriage.Chunking))
            {
                _transfer = new ContentTransfer(dialogue, content, size);
                Settle(carriage.Chunking
                    ? await _transfer.ByChunksAsync(carriage.Binary, capabilities.Pipelining, cancel)
                    : await _transfer.ByDataAsync(cancel));
            }
            else if (_goAhead)
            {
                await SendNothingAsync();
            }
        }
        catch (SessionBrokenException broken)
        {
            SessionGoesOn = false;
            Open(new RecipientResult.Interrupted(broken.Fault, _transfer is { Completed: true }));
        }

        return [.. _results.Select(result => result ?? throw new InvalidOperationException("a recipient without a result"))];
    }

    async ValueTask NegotiateAsync()
    {
        var data = envelope.Recipients.Length + 1;
        var commands = carriage.Chunking ? data : data + 1;
        var group = capabilities.Pipelining ? GroupCommands : 1;
        var sent = 0;
        while (sent < commands)
        {
            var first = sent;
            while (sent < commands && sent - first < group)
            {
                dialogue.Write(Command(sent++));
            }

            dialogue.Deadline.Arm(dialogue.Options.CommandTimeout);
            await dialogue.FlushAsync(PhaseOf(first));
            for (var i = first; i < sent; i++)
            {
                var phase = PhaseOf(i);
                dialogue.Deadline.Arm(phase is SmtpPhase.Data ? dialogue.Options.DataTimeout : dialogue.Options.CommandTimeout);
                Take(i, phase, await dialogue.ReadAsync(phase));
            }

            if (!dialogue.Stream.Buffered.IsEmpty)
            {
                // Were it taken for the reply to the content, a refused message would count as delivered.
                throw new SessionBrokenException(new SessionFault(
                    PhaseOf(sent - 1), FaultKind.ProtocolError, null, "the server sent more replies than it was given commands"));
            }

            if (_mailRefusal is not null || (sent == data && _accepted == 0))
            {
                return;
            }
        }
    }

    string Command(int index) => PhaseOf(index) switch
    {
        SmtpPhase.MailFrom => carriage.MailCommand,
        SmtpPhase.RcptTo => carriage.RcptCommand(envelope.Recipients[index - 1]),
        _ => "DATA",
    };

    SmtpPhase PhaseOf(int index) =>
        index == 0 ? SmtpPhase.MailFrom : index <= envelope.Recipients.Length ? SmtpPhase.RcptTo : SmtpPhase.Data;

    /// <exception cref="SessionBrokenException">421, or a reply without meaning here.</exception>
    void Take(int index, SmtpPhase phase, SmtpReply reply)
    {
        var refused = reply.IsTransient || reply.IsPermanent;
        switch (phase)
        {
            case SmtpPhase.MailFrom when refused:
                _mailRefusal = reply;
                Open(new RecipientResult.Rejected(phase, reply));
                break;
            case SmtpPhase.RcptTo when _mailRefusal is not null:
                break; // 503, or whatever it says to a RCPT without a MAIL
            case SmtpPhase.RcptTo when refused:
                _results[index - 1] = new RecipientResult.Rejected(phase, reply);
                break;
            case SmtpPhase.RcptTo when reply.IsPositive:
                _accepted++;
                break;
            case SmtpPhase.Data when refused:
                Open(new RecipientResult.Rejected(phase, reply));
                _accepted = 0;
                break;
            case SmtpPhase.Data when reply.Code == 354:
                _goAhead = true;
                break;
            case SmtpPhase.MailFrom when reply.IsPositive:
                break;
            default:
                throw SessionBrokenException.Unexpected(phase, reply);
        }

        if (reply.Code == 421)
        {
            throw SessionBrokenException.Refused(phase, reply);
        }
    }

    /// <summary>The server said 354 although it took no recipient: a lone dot brings it back (RFC 2920 §3.1). Whatever it answers is about
    /// no message.</summary>
    async ValueTask SendNothingAsync()
    {
        dialogue.Write(".");
        dialogue.Deadline.Arm(dialogue.Options.CommandTimeout);
        await dialogue.FlushAsync(SmtpPhase.EndOfData);
        dialogue.Deadline.Arm(dialogue.Options.FinalTimeout);
        SessionGoesOn = (await dialogue.ReadAsync(SmtpPhase.EndOfData)).Code != 421;
    }

    void Settle(TransferEnd end)
    {
        switch (end)
        {
            case TransferEnd.Answered { Reply: { IsPositive: true } reply }:
                Finished = true;
                Open(new RecipientResult.Accepted(reply, carriage.Dsn));
                break;
            case TransferEnd.Answered { Reply: { IsTransient: true } or { IsPermanent: true } } answered:
                Finished = true;
                SessionGoesOn = answered.Reply.Code != 421;
                Open(new RecipientResult.Rejected(SmtpPhase.EndOfData, answered.Reply));
                break;
            case TransferEnd.CutShort { Reply: { IsTransient: true } or { IsPermanent: true } } cut:
                SessionGoesOn = false;
                Open(new RecipientResult.Rejected(SmtpPhase.Content, cut.Reply));
                break;
            case TransferEnd.Answered answered:
                throw SessionBrokenException.Unexpected(SmtpPhase.EndOfData, answered.Reply);
            case TransferEnd.CutShort cut:
                throw SessionBrokenException.Unexpected(SmtpPhase.Content, cut.Reply);
            case TransferEnd.Impossible impossible:
                SessionGoesOn = false;
                Open(new RecipientResult.Unsupported(s_mediaError, Explain(impossible.Fault)));
                break;
        }
    }

    static string Explain(ContentFault fault) => fault switch
    {
        ContentFault.Nul => "the content holds a NUL octet, which may only travel as BINARYMIME",
        ContentFault.BareLineBreak or ContentFault.None => "the content holds a bare CR or LF, which may only travel as BINARYMIME",
    };

    /// <summary>For every recipient that has no result yet.</summary>
    void Open(RecipientResult result)
    {
        for (var i = 0; i < _results.Length; i++)
        {
            _results[i] ??= result;
        }
    }
}
