using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Hopseal.Smtp.Sasl;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Client;

/// <summary>A server that follows a script over a real socket, for one connection.</summary>
/// <remarks><c>S: text</c> sends a line · <c>C: text</c> expects one, a final <c>*</c> stands for anything · <c>!tls</c> handshakes ·
/// <c>!raw text</c> sends octets with C escapes, in one segment · <c>!data</c> reads to CRLF.CRLF · <c>!octets n</c> reads n octets ·
/// <c>!auth MECHANISM</c> runs a SASL exchange · <c>!endless text</c> sends for as long as somebody listens · <c>!close</c>,
/// <c>!cut</c> (no close_notify), <c>!reset</c> · <c>!stall</c> reports <see cref="Stalled"/> and waits for the client to hang up ·
/// <c>!halt</c> reports it too and reads nothing more · <c>!gone</c> waits for that only.</remarks>
sealed partial class ScriptedServer : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ServerCertificates? _certificates;
    readonly Task _run;
    SmtpStream _stream = null!;

    public ScriptedServer(string script, ServerCertificates? certificates = null)
    {
        _certificates = certificates;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1);
        _stop.CancelAfter(s_patience);
        _run = RunAsync(script);
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>What <c>!data</c> and <c>!octets</c> read.</summary>
    public List<byte[]> Content { get; } = [];

    public Hopseal.Smtp.Server.ICredentials? Users { get; init; }

    public TlsOutcome.Encrypted? Tls { get; private set; }

    /// <summary>How the client's side of the connection ended; known after <c>!gone</c>.</summary>
    public StreamEnd ClientEnd { get; private set; }

    public Task Stalled => _stalled.Task;

    /// <summary>The script ran to its end.</summary>
    public Task Done => _run.WaitAsync(s_patience);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _stop.Dispose();
    }

    async Task RunAsync(string script)
    {
        _stream = new SmtpStream(new SocketTransport(await _listener.AcceptAsync(_stop.Token)));
        try
        {
            foreach (var line in script.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                await StepAsync(line);
            }
        }
        finally
        {
            await _stream.DisposeAsync();
        }
    }

    async Task StepAsync(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var (step, text) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
        switch (step)
        {
            case "S:":
                await SendAsync(Encoding.Latin1.GetBytes(text + "\r\n"));
                break;
            case "C:":
                await ExpectAsync(text);
                break;
            case "!raw":
                await SendAsync(Encoding.Latin1.GetBytes(Regex.Unescape(text)));
                break;
            case "!tls":
                await HandshakeAsync();
                break;
            case "!data":
                await ReadDataAsync();
                break;
            case "!octets":
                await ReadOctetsAsync(int.Parse(text, System.Globalization.CultureInfo.InvariantCulture));
                break;
            case "!auth":
                await AuthenticateAsync(text);
                break;
            case "!endless":
                await SendEndlesslyAsync(Encoding.Latin1.GetBytes(Regex.Unescape(text)));
                break;
            case "!stall":
                _stalled.SetResult();
                await UntilGoneAsync();
                break;
            case "!halt":
                _stalled.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, _stop.Token);
                break;
            case "!gone":
                await UntilGoneAsync();
                break;
            case "!close":
                await _stream.CloseAsync(_stop.Token);
                break;
            case "!cut":
                _stream.Transport.Socket.Shutdown(SocketShutdown.Send);
                break;
            case "!reset":
                _stream.Transport.Socket.LingerState = new LingerOption(true, 0);
                _stream.Transport.Socket.Close();
                break;
            default:
                throw new InvalidOperationException($"no such step: {line}");
        }
    }

    async Task SendAsync(byte[] octets)
    {
        _stream.Write(octets);
        await _stream.FlushAsync(_stop.Token);
    }

    async Task<string> LineAsync()
    {
        var line = await _stream.ReadLineAsync(64 * 1024, _stop.Token);
        return line.Status is LineStatus.Line ? Encoding.UTF8.GetString(line.Octets.Span) : $"({line.Status})";
    }

    async Task ExpectAsync(string expected)
    {
        var line = await LineAsync();
        if (expected.EndsWith('*'))
        {
            Assert.StartsWith(expected[..^1], line, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(expected, line);
        }
    }

    async Task HandshakeAsync()
    {
        var result = await TlsUpgrade.AsServerAsync(
            _stream, _certificates!, System.Security.Authentication.SslProtocols.None, true, null, TimeProvider.System, _stop.Token);
        var upgraded = Assert.IsType<UpgradeResult.Upgraded>(result);
        _stream = upgraded.Stream;
        Tls = upgraded.Tls;
    }

    async Task ReadDataAsync()
    {
        using var raw = new MemoryStream();
        while (!raw.GetBuffer().AsSpan(0, (int)raw.Length).EndsWith("\r\n.\r\n"u8) && !(raw.Length == 3 && raw.GetBuffer().AsSpan(0, 3).SequenceEqual(".\r\n"u8)))
        {
            await TakeAsync(raw, 1);
        }

        Content.Add(raw.ToArray());
    }

    async Task ReadOctetsAsync(int count)
    {
        using var raw = new MemoryStream();
        while (raw.Length < count)
        {
            await TakeAsync(raw, (int)(count - raw.Length));
        }

        Content.Add(raw.ToArray());
    }

    async Task TakeAsync(MemoryStream into, int atMost)
    {
        if (_stream.Buffered.IsEmpty && await _stream.FillAsync(_stop.Token) == 0)
        {
            throw new EndOfStreamException("the client hung up");
        }

        var taken = _stream.Buffered[..Math.Min(atMost, _stream.Buffered.Length)];
        into.Write(taken.Span);
        _stream.Consume(taken.Length);
    }

    async Task AuthenticateAsync(string mechanism)
    {
        var command = await LineAsync();
        Assert.StartsWith("AUTH " + mechanism, command, StringComparison.Ordinal);
        var initial = command[("AUTH " + mechanism).Length..].Trim();
        var exchange = SaslServerExchange.Start(mechanism, Users!)!;
        var response = initial.Length > 0 ? Convert.FromBase64String(initial) : default(ReadOnlyMemory<byte>?);
        var step = await exchange.NextAsync(response, _stop.Token);
        while (step is SaslStep.Challenge challenge)
        {
            await SendAsync(Encoding.ASCII.GetBytes($"334 {Convert.ToBase64String(challenge.Octets.Span)}\r\n"));
            step = await exchange.NextAsync(Convert.FromBase64String(await LineAsync()), _stop.Token);
        }

        await SendAsync(step is SaslStep.Succeeded ? "235 2.7.0 ok\r\n"u8.ToArray() : "535 5.7.8 no\r\n"u8.ToArray());
    }

    async Task SendEndlesslyAsync(byte[] octets)
    {
        try
        {
            while (true)
            {
                await SendAsync(octets);
            }
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
        }
    }

    async Task UntilGoneAsync()
    {
        try
        {
            while (await _stream.FillAsync(_stop.Token) > 0)
            {
                _stream.Consume(_stream.Buffered.Length);
            }
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
        }

        ClientEnd = _stream.End;
    }
}
