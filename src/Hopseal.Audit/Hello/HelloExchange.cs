using Hopseal.Smtp.Wire;

namespace Hopseal.Audit.Hello;

/// <summary>One hello, and what comes back.</summary>
static class HelloExchange
{
    /// <summary>An alert of our own, so that the server's log says that somebody left, and not that a connection broke.</summary>
    static readonly byte[] s_goodbye = [ContentTypes.Alert, 3, 1, 0, 2, 1, 0];

    /// <summary>Sends a hello over a connection that is ready for TLS, which is good for nothing afterwards. Throws only when cancelled.</summary>
    /// <param name="patience">For the whole answer.</param>
    public static async Task<HelloAnswer> AskAsync(
        SmtpStream stream, ClientHello hello, TimeSpan patience, TimeProvider clock, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(patience, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        var reader = new FlightReader();
        try
        {
            stream.Write(hello.ToRecord());
            await stream.FlushAsync(both.Token);
            while (reader.Answer is null)
            {
                if (stream.Buffered.IsEmpty && await stream.FillAsync(both.Token) == 0)
                {
                    return reader.Ended();
                }

                reader.Feed(stream.Buffered.Span);
                stream.Consume(stream.Buffered.Length);
            }

            if (reader.Answer is HelloAnswer.Agreed)
            {
                stream.Write(s_goodbye);
                await stream.FlushAsync(both.Token);
            }

            return reader.Answer;
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return reader.TimedOut(patience);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            // A reset is how some servers say no.
            return reader.Ended();
        }
    }

    /// <summary>The same in SSL 2.0.</summary>
    public static async Task<HelloAnswer> AskSsl2Async(SmtpStream stream, TimeSpan patience, TimeProvider clock, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(patience, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            stream.Write(Ssl2Hello.ToRecord());
            await stream.FlushAsync(both.Token);
            while (true)
            {
                if (Ssl2Hello.Read(stream.Buffered.Span) is { } answer)
                {
                    return answer;
                }

                if (stream.Buffered.Length >= Ssl2Hello.MostOctets)
                {
                    return new HelloAnswer.Unreadable("no answer of SSL 2.0 or TLS");
                }

                if (await stream.FillAsync(both.Token) == 0)
                {
                    return new HelloAnswer.Closed();
                }
            }
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return new HelloAnswer.Endless($"no whole answer within {patience.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            // A reset is how some servers say no.
            return new HelloAnswer.Closed();
        }
    }
}
