using System.Text;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>The lines of one session: commands in, replies out, the transcript of both, and the one deadline that holds for
/// whatever the session is waiting for.</summary>
/// <remarks>Replies are collected and sent when the session is about to wait, so that a pipelined group of commands is answered
/// in one segment (RFC 2920 §3.2).</remarks>
sealed class CommandChannel : IAsyncDisposable
{
    const int MaxUnflushedOctets = 16 * 1024;

    readonly CancellationTokenSource _deadline;
    readonly CancellationTokenRegistration _abort;
    bool _writing;

    /// <param name="abort">Ends whatever is being waited for, at once.</param>
    public CommandChannel(SmtpStream stream, Transcript? transcript, TimeProvider clock, CancellationToken abort)
    {
        Stream = stream;
        Transcript = transcript;
        _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        _abort = abort.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _deadline);
    }

    public SmtpStream Stream { get; private set; }

    public Transcript? Transcript { get; }

    /// <summary>Cancelled when the armed time is over, by <see cref="Expire"/>, and with the session.</summary>
    public CancellationToken Deadline => _deadline.Token;

    /// <summary>False when a write was cut off in the middle: what came next would be read as part of it.</summary>
    public bool CanSpeak => !_writing;

    /// <summary>From now on, <see cref="Deadline"/> is this far away. One timer serves the whole session.</summary>
    public void Arm(TimeSpan time) => _deadline.CancelAfter(time > TimeSpan.Zero ? time : TimeSpan.Zero);

    /// <summary>While we are the ones that take the time.</summary>
    public void Disarm() => _deadline.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Ends a pending wait; may be called by any thread.</summary>
    public void Expire() => _ = _deadline.CancelAsync();

    public void Say(SmtpReply reply)
    {
        Stream.WriteReply(reply);
        if (Transcript is { } transcript)
        {
            foreach (var line in reply.WireLines())
            {
                transcript.Server(line);
            }
        }
    }

    /// <summary>Says something that the transcript may not show.</summary>
    public void Say(SmtpReply reply, string shown)
    {
        Stream.WriteReply(reply);
        Transcript?.Server(shown);
    }

    /// <summary>The next line. Sends what is pending first, unless the client has already sent the line.</summary>
    /// <exception cref="OperationCanceledException">The deadline passed.</exception>
    public async ValueTask<SmtpLine> ReadLineAsync(int maxOctets)
    {
        if (Stream.Unflushed > MaxUnflushedOctets || !Stream.Buffered.Span.Contains((byte)'\n'))
        {
            await FlushAsync();
        }

        return await Stream.ReadLineAsync(maxOctets, Deadline);
    }

    /// <summary>More octets into the buffer; 0 at the end of the stream.</summary>
    public async ValueTask<int> FillAsync()
    {
        await FlushAsync();
        return await Stream.FillAsync(Deadline);
    }

    public ValueTask FlushAsync() => Stream.Unflushed == 0 ? ValueTask.CompletedTask : SendAsync();

    /// <summary>From here on the session speaks over <paramref name="stream"/>; the old one belongs to it.</summary>
    public void Upgrade(SmtpStream stream) => Stream = stream;

    /// <summary>What the client wrote, for the transcript: printable.</summary>
    public void Show(ReadOnlySpan<byte> line)
    {
        if (Transcript is not null)
        {
            var text = Encoding.UTF8.GetString(line);
            Transcript.Client(string.Create(text.Length, text, static (to, from) =>
            {
                for (var i = 0; i < to.Length; i++)
                {
                    to[i] = char.IsControl(from[i]) ? '?' : from[i];
                }
            }));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _abort.DisposeAsync();
        _deadline.Dispose();
        await Stream.DisposeAsync();
    }

    async ValueTask SendAsync()
    {
        _writing = true;
        await Stream.FlushAsync(Deadline);
        _writing = false;
    }
}
