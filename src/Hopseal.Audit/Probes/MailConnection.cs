using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hopseal.Audit.Facts;
using Hopseal.Smtp.Wire;

namespace Hopseal.Audit.Probes;

/// <summary>A connection to a server that may say anything, at any speed: every reply is bounded in lines, octets and time.</summary>
sealed class MailConnection : IAsyncDisposable
{
    const int MostLineOctets = 4096;
    const int MostLines = 128;

    readonly ProbeOptions _options;
    SmtpStream _stream;

    MailConnection(SmtpStream stream, ProbeOptions options, ProbeTranscript transcript)
    {
        _stream = stream;
        _options = options;
        Transcript = transcript;
    }

    public ProbeTranscript Transcript { get; }

    public SmtpStream Stream => _stream;

    /// <exception cref="ProbeEndedException">No connection.</exception>
    public static async Task<MailConnection> ConnectAsync(IPEndPoint endpoint, ProbeOptions options, CancellationToken cancel)
    {
        var transcript = new ProbeTranscript();
        using var patience = new Patience(options.ConnectTimeout, options.Clock, cancel);
        Socket? socket = null;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endpoint, patience.Token);
            return new MailConnection(new SmtpStream(new SocketTransport(socket)), options, transcript);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            cancel.ThrowIfCancellationRequested();
            var why = e is SocketException refused ? $"no connection to {endpoint}: {refused.Message}" : $"no connection to {endpoint} within {options.ConnectTimeout.TotalSeconds:0} s";
            throw new ProbeEndedException(Reach.Unreachable, why, transcript);
        }
    }

    /// <summary>After an upgrade: what follows is said over this.</summary>
    public void Continue(SmtpStream stream) => _stream = stream;

    public async Task SayAsync(string line, CancellationToken cancel)
    {
        Transcript.Client(line);
        await SendAsync(Encoding.ASCII.GetBytes($"{line}\r\n"), cancel);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel)
    {
        using var patience = new Patience(_options.ReplyTimeout, _options.Clock, cancel);
        try
        {
            _stream.Write(octets.Span);
            await _stream.FlushAsync(patience.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            throw Ended(Reach.Unreadable, e is IOException ? "the connection broke" : "it takes nothing any more");
        }
    }

    /// <summary>Reads lines until one is the last.</summary>
    /// <param name="timeout">For all of them together.</param>
    /// <exception cref="ProbeEndedException">It ended, or it is no reply.</exception>
    public async Task<ImmutableArray<string>> ReadAsync(Func<string, bool> isLast, TimeSpan timeout, CancellationToken cancel)
    {
        using var patience = new Patience(timeout, _options.Clock, cancel);
        var lines = ImmutableArray.CreateBuilder<string>();
        try
        {
            while (lines.Count < MostLines)
            {
                var line = await LineAsync(patience.Token);
                Transcript.Server(line);
                lines.Add(line);
                if (isLast(line))
                {
                    return lines.ToImmutable();
                }
            }
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            throw Ended(Reach.Unreadable, $"no whole reply within {timeout.TotalSeconds:0} s");
        }
        catch (IOException)
        {
            throw Ended(lines.Count == 0 ? Reach.TurnedAway : Reach.Unreadable, "the connection broke");
        }

        throw Ended(Reach.Unreadable, $"a reply of more than {MostLines} lines");
    }

    public ProbeEndedException Ended(Reach reach, string why)
    {
        Transcript.Event(why);
        return new ProbeEndedException(reach, why, Transcript);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    async Task<string> LineAsync(CancellationToken cancel)
    {
        int end;
        while ((end = _stream.Buffered.Span.IndexOf((byte)'\n')) < 0)
        {
            if (_stream.Buffered.Length >= MostLineOctets)
            {
                throw Ended(Reach.Unreadable, $"a line of more than {MostLineOctets} octets");
            }

            if (await _stream.FillAsync(cancel) == 0)
            {
                throw Ended(Reach.TurnedAway, "it closed the connection");
            }
        }

        var line = Encoding.Latin1.GetString(_stream.Buffered.Span[..end]).TrimEnd('\r');
        _stream.Consume(end + 1);
        return line;
    }
}

/// <summary>A probe that came to its end before it was done.</summary>
sealed class ProbeEndedException(Reach reach, string why, ProbeTranscript transcript) : Exception(why)
{
    public Reach Reach => reach;

    public ProbeTranscript Transcript => transcript;
}
