using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Load;

/// <summary>Accepts every message and throws it away. With a count it ends when it has so many. A message for an address that
/// begins with <c>probe</c> does not count: its arrival is written to <paramref name="output"/>, with the time of Unix in milliseconds.</summary>
sealed class Sink(LoadOptions options, TextWriter output)
{
    static readonly byte[] s_greeting = "220 sink\r\n"u8.ToArray();
    static readonly byte[] s_capabilities = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n"u8.ToArray();
    static readonly byte[] s_capabilitiesBeforeTls = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 SIZE 0\r\n"u8.ToArray();
    static readonly byte[] s_ok = "250 ok\r\n"u8.ToArray();
    static readonly byte[] s_go = "354 go\r\n"u8.ToArray();
    static readonly byte[] s_ready = "220 go\r\n"u8.ToArray();
    static readonly byte[] s_bye = "221 bye\r\n"u8.ToArray();

    readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly SslStreamCertificateContext? _certificate = Load(options);
    long _messages;
    long _connections;
    long _firstAt;

    public async Task RunAsync(CancellationToken stop)
    {
        var listeners = Listening.Open(options);
        foreach (var listener in listeners)
        {
            _ = Task.Run(() => AcceptAsync(listener), CancellationToken.None);
        }

        await using (stop.Register(() => _enough.TrySetResult()))
        {
            await _enough.Task;
        }

        var seconds = _firstAt == 0 ? 0 : Stopwatch.GetElapsedTime(_firstAt).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"messages {_messages} connections {_connections} seconds {seconds:0.000}"));
    }

    static SslStreamCertificateContext? Load(LoadOptions options)
    {
        if (options.Certificate is null)
        {
            return null;
        }

        using var pem = X509Certificate2.CreateFromPemFile(options.Certificate, options.Key);
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), null, offline: true);
    }

    async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            Interlocked.Increment(ref _connections);
            _ = Task.Run(() => ServeAsync(socket));
        }
    }

    async Task ServeAsync(Socket socket)
    {
        await using var line = new Line(socket);
        try
        {
            await TalkAsync(line);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // The client left; what it finished is counted.
        }
    }

    async Task TalkAsync(Line line)
    {
        var cancel = CancellationToken.None;
        string? probe = null;
        var secure = options.Transport is Transport.Implicit;
        if (secure)
        {
            await line.SecureAsServerAsync(_certificate!, cancel);
        }

        await line.WriteAsync(s_greeting, cancel);
        while (await line.ReadLineAsync(cancel) is { } command)
        {
            switch (Verb(command.Span))
            {
                case "EHLO":
                    await line.WriteAsync(secure || _certificate is null ? s_capabilities : s_capabilitiesBeforeTls, cancel);
                    break;
                case "STAR" when _certificate is not null && !secure:
                    await line.WriteAsync(s_ready, cancel);
                    await line.SecureAsServerAsync(_certificate, cancel);
                    secure = true;
                    break;
                case "RCPT":
                    probe = command.Span.IndexOf("<probe"u8) is >= 0 and var at ? Encoding.ASCII.GetString(command.Span[at..]).TrimEnd() : null;
                    await line.WriteAsync(s_ok, cancel);
                    break;
                case "DATA":
                    await line.WriteAsync(s_go, cancel);
                    if (!await line.SkipContentAsync(cancel))
                    {
                        return;
                    }

                    await line.WriteAsync(s_ok, cancel);
                    Count(probe);
                    break;
                case "QUIT":
                    await line.WriteAsync(s_bye, cancel);
                    return;
                default:
                    await line.WriteAsync(s_ok, cancel);
                    break;
            }
        }
    }

    void Count(string? probe)
    {
        if (probe is not null)
        {
            lock (output)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{probe} {DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}"));
                output.Flush();
            }

            return;
        }

        Interlocked.CompareExchange(ref _firstAt, Stopwatch.GetTimestamp(), 0);
        if (Interlocked.Increment(ref _messages) == options.Count)
        {
            _enough.TrySetResult();
        }
    }

    static string Verb(ReadOnlySpan<byte> command) =>
        command.Length < 4 ? "" : command[..4] switch
        {
            var verb when Ascii.EqualsIgnoreCase(verb, "EHLO"u8) => "EHLO",
            var verb when Ascii.EqualsIgnoreCase(verb, "STAR"u8) => "STAR",
            var verb when Ascii.EqualsIgnoreCase(verb, "RCPT"u8) => "RCPT",
            var verb when Ascii.EqualsIgnoreCase(verb, "DATA"u8) => "DATA",
            var verb when Ascii.EqualsIgnoreCase(verb, "QUIT"u8) => "QUIT",
            _ => "",
        };
}
