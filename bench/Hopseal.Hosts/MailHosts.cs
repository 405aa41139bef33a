using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Hopseal.Hosts;

/// <summary>Mail hosts that answer after a round trip, each in its own temper. They take no mail.</summary>
sealed class MailHosts(HostsOptions options, Authority authority, Tally tally)
{
    const int Backlog = 16;

    public void Listen(Host host)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(host.Address, options.MailPort));
        listener.Listen(Backlog);
        _ = AcceptAsync(listener, host);
    }

    async Task AcceptAsync(Socket listener, Host host)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            tally.Opened(host.Address, socket);
            _ = Task.Run(() => ServeAsync(socket, host));
        }
    }

    async Task ServeAsync(Socket socket, Host host)
    {
        try
        {
            // TCP's own round trip.
            await Task.Delay(host.RoundTrip);
            await using var stream = new DistantStream(new NetworkStream(socket), host.RoundTrip);
            await TalkAsync(stream, host);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException)
        {
            // The client left, or wanted only to see what we say.
        }
        finally
        {
            tally.Closed(host.Address, socket);
        }
    }

    async Task TalkAsync(Stream stream, Host host)
    {
        switch (host.Temper)
        {
            case Temper.Silent:
                await stream.CopyToAsync(Stream.Null);
                return;
            case Temper.Busy:
                await SayAsync(stream, $"421 4.3.2 {host.Name} too many connections");
                return;
            case Temper.Greylisting:
                await SayAsync(stream, $"450 4.7.1 {host.Name} come again in five minutes");
                return;
            case Temper.Slow:
                await Task.Delay(options.Slowness);
                break;
            case Temper.Good or Temper.Old or Temper.Plain or Temper.Absent:
                break;
        }

        await SayAsync(stream, $"220 {host.Name} ESMTP");
        if (await CommandsAsync(stream, host, offerTls: host.Temper is not Temper.Plain))
        {
            await using var tls = new SslStream(stream, leaveInnerStreamOpen: true);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = authority.For(host.Name),
#pragma warning disable CA5398 // what is simulated has old versions only
                EnabledSslProtocols = host.Temper is Temper.Old ? SslProtocols.Tls12 : SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
            });
            await CommandsAsync(tls, host, offerTls: false);
        }
    }

    /// <summary>True after STARTTLS: what came with it is thrown away.</summary>
    static async Task<bool> CommandsAsync(Stream stream, Host host, bool offerTls)
    {
        var line = new StringBuilder();
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer) is > 0 and var read)
        {
            foreach (var octet in buffer[..read])
            {
                if (octet != '\n')
                {
                    line.Append(line.Length < buffer.Length ? (char)octet : "");
                    continue;
                }

                var verb = line.ToString().TrimEnd('\r').Split(' ')[0].ToUpperInvariant();
                line.Clear();
                await SayAsync(stream, AnswerTo(verb, host, offerTls));
                if (verb == "QUIT" || (verb == "STARTTLS" && offerTls))
                {
                    return verb == "STARTTLS";
                }
            }
        }

        return false;
    }

    static string AnswerTo(string verb, Host host, bool offerTls) => verb switch
    {
        "EHLO" => $"250-{host.Name}\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n{(offerTls ? "250-STARTTLS\r\n" : "")}250-ENHANCEDSTATUSCODES\r\n250 8BITMIME",
        "HELO" => $"250 {host.Name}",
        "STARTTLS" => offerTls ? "220 2.0.0 go ahead" : "502 5.5.1 not here",
        "NOOP" or "RSET" => "250 2.0.0 ok",
        "QUIT" => "221 2.0.0 bye",
        _ => "502 5.5.2 not known",
    };

    static async Task SayAsync(Stream stream, string reply) => await stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"));
}

/// <summary>What is written after something was read leaves a round trip later: as it would from far away, seen from the client.</summary>
sealed class DistantStream(Stream inner, TimeSpan roundTrip) : Stream
{
    bool _answering = true;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        _answering = true;
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_answering)
        {
            _answering = false;
            await Task.Delay(roundTrip, cancellationToken);
        }

        await inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
