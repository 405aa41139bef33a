using System.Net.Sockets;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>Commands out, replies in, over one stream, each wait with its own time limit. The handshake makes a new stream and so a
/// new dialogue: nothing that was said before TLS is remembered here.</summary>
sealed class ClientDialogue(SmtpStream stream, ClientOptions options, Deadline deadline)
{
    // QUIT is a courtesy: mail is not held up for it.
    static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);

    public SmtpStream Stream => stream;

    public ClientOptions Options => options;

    public Deadline Deadline => deadline;

    /// <summary>Puts a command behind those that wait for <see cref="FlushAsync"/>.</summary>
    /// <param name="shown">What the transcript says instead, where the command holds a secret.</param>
    public void Write(string command, string? shown = null)
    {
        stream.WriteLine(command);
        options.Transcript?.Client(shown ?? command);
    }

    /// <exception cref="SessionBrokenException">The connection broke, or the time that was armed is over.</exception>
    public async ValueTask FlushAsync(SmtpPhase phase)
    {
        try
        {
            await stream.FlushAsync(deadline.Token);
        }
        catch (Exception error) when (IsOfTheConnection(error))
        {
            throw Broken(phase, error);
        }
    }

    /// <summary>Reads one reply within the time that is armed.</summary>
    /// <exception cref="SessionBrokenException">There is none.</exception>
    public async ValueTask<SmtpReply> ReadAsync(SmtpPhase phase)
    {
        try
        {
            switch (await SmtpReplyReader.ReadAsync(stream, deadline.Token))
            {
                case ReplyRead.Whole whole:
                    Show(phase, whole.Reply);
                    return whole.Reply;
                case ReplyRead.Ended ended:
                    var how = ended.End is StreamEnd.Truncated
                        ? "the TLS connection was cut off without close_notify"
                        : "the peer closed the connection";
                    options.Transcript?.Event(how);
                    throw new SessionBrokenException(new SessionFault(phase, FaultKind.ConnectionLost, null, how));
                case ReplyRead.Malformed malformed:
                    options.Transcript?.Event(malformed.Why);
                    throw new SessionBrokenException(new SessionFault(phase, FaultKind.ProtocolError, null, malformed.Why));
                default:
                    throw new InvalidOperationException("unknown result of reading a reply");
            }
        }
        catch (Exception error) when (IsOfTheConnection(error))
        {
            throw Broken(phase, error);
        }
    }

    /// <summary>One command, one reply.</summary>
    public async ValueTask<SmtpReply> AskAsync(SmtpPhase phase, string command, string? shown = null)
    {
        Write(command, shown);
        deadline.Arm(options.CommandTimeout);
        await FlushAsync(phase);
        return await ReadAsync(phase);
    }

    /// <summary>QUIT, close_notify, FIN; never throws, never waits long.</summary>
    public async ValueTask LeaveAsync()
    {
        try
        {
            deadline.Arm(s_farewell);
            Write("QUIT");
            await FlushAsync(SmtpPhase.EndOfData);
            await ReadAsync(SmtpPhase.EndOfData);
            await stream.CloseAsync(deadline.Token);
        }
        catch (Exception error) when (error is SessionBrokenException or OperationCanceledException)
        {
            // The peer is gone already, or too slow for a courtesy.
        }

        await stream.DisposeAsync();
    }

    /// <summary>Closes without a word. Nothing may be under way.</summary>
    public ValueTask BreakAsync() => stream.DisposeAsync();

    /// <summary>Makes everything that is under way on the connection fail; <see cref="BreakAsync"/> comes after.</summary>
    public ValueTask CutAsync() => stream.Transport.DisposeAsync();

    void Show(SmtpPhase phase, SmtpReply reply)
    {
        if (options.Transcript is not { } transcript)
        {
            return;
        }

        if (phase is SmtpPhase.Authentication && reply.Code == 334)
        {
            // Salt and signature of SCRAM are enough to try passwords on.
            transcript.Server("334 (challenge withheld)");
        }
        else
        {
            foreach (var line in reply.WireLines())
            {
                transcript.Server(line);
            }
        }
    }

    static bool IsOfTheConnection(Exception error) =>
        error is IOException or SocketException or ObjectDisposedException or OperationCanceledException;

    SessionBrokenException Broken(SmtpPhase phase, Exception error)
    {
        if (deadline.CallerCancelled)
        {
            throw new OperationCanceledException("the caller ended the session", error);
        }

        var fault = error is OperationCanceledException
            ? new SessionFault(phase, FaultKind.TimedOut, null, "the peer took too long")
            : new SessionFault(phase, FaultKind.ConnectionLost, null, error.GetBaseException().Message);
        options.Transcript?.Event(fault.Detail);
        return new SessionBrokenException(fault, error);
    }
}
