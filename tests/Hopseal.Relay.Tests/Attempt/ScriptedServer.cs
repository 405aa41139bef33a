using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Relay.Tests.Attempt;

enum Starttls
{
    NotOffered,
    Works,

    /// <summary>220, and then no handshake.</summary>
    Broken,

    /// <summary>220, and behind it in the same packet a reply that was not asked for.</summary>
    Injected,
}

/// <summary>What a scripted server says. What no answer matches gets the reply of a server that takes everything.</summary>
sealed record Script(Starttls StartTls = Starttls.NotOffered)
{
    public string Greeting { get; init; } = "220 scripted.test";

    public string[] Extensions { get; init; } = ["PIPELINING", "8BITMIME"];

    /// <summary>A beginning of a command line, and the reply; <see cref="Close"/> ends the connection instead. <c>.</c> is the end of
    /// the content.</summary>
    public Dictionary<string, string> Answers { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The same, from the second message of a connection on.</summary>
    public Dictionary<string, string> LaterAnswers { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Changes how the server handshakes: versions, a demand for a client certificate.</summary>
    public Action<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>Said unasked behind the answer to a message, once <see cref="ScriptedServer.Speak"/> is called; or
    /// <see cref="Close"/>.</summary>
    public string? WhenIdle { get; init; }

    public const string Close = "close";
}

/// <summary>An SMTP server on loopback that follows a script for each connection, the last one from then on, and keeps what it
/// was told.</summary>
sealed class ScriptedServer : IAsyncDisposable
{
    readonly TcpListener _listener;
    readonly CancellationTokenSource _stop = new();
    readonly Script[] _scripts;
    readonly X509Certificate2? _certificate;
    readonly TaskCompletionSource _speak = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task _accepting;

    public ScriptedServer(X509Certificate2? certificate, params Script[] scripts)
    {
        _certificate = certificate;
        _scripts = scripts;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>In the order of connection.</summary>
    public ConcurrentQueue<ScriptedSession> Sessions { get; } = [];

    /// <summary>Command lines of all sessions; those inside TLS begin with <c>tls:</c>.</summary>
    public IEnumerable<string> Commands => Sessions.SelectMany(session => session.Commands);

    public int MailsBegun => Commands.Count(command => command.Contains("MAIL FROM", StringComparison.OrdinalIgnoreCase));

    /// <summary>See <see cref="Script.WhenIdle"/>.</summary>
    public void Speak() => _speak.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        List<Task> sessions = [];
        try
        {
            for (var i = 0; ; i++)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                client.NoDelay = true; // small writes without a pause between them
                var session = new ScriptedSession(_scripts[Math.Min(i, _scripts.Length - 1)], _certificate, _speak.Task);
                Sessions.Enqueue(session);
                sessions.Add(session.RunAsync(client, _stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(sessions);
        }
    }
}

sealed class ScriptedSession(Script script, X509Certificate2? certificate, Task speak)
{
    Stream _stream = Stream.Null;
    bool _isTls;
    int _messages;

    public ConcurrentQueue<string> Commands { get; } = [];

    public StringBuilder Content { get; } = new();

    /// <summary>The thumbprint of what the client showed; null when it showed nothing.</summary>
    public string? ClientCertificate { get; private set; }

    public async Task RunAsync(TcpClient client, CancellationToken stop)
    {
        using var owned = client;
        try
        {
            _stream = client.GetStream();
            await SayAsync(script.Greeting, stop);
            while (await ReadLineAsync(stop) is { } line)
            {
                Commands.Enqueue(_isTls ? $"tls:{line}" : line);
                if (!await AnswerAsync(line, stop))
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client hung up, or the test is over.
        }
        finally
        {
            await _stream.DisposeAsync();
        }
    }

    async Task<bool> AnswerAsync(string line, CancellationToken stop)
    {
        if (Scripted(line) is { } scripted)
        {
            if (scripted == Script.Close)
            {
                return false;
            }

            await SayAsync(scripted, stop);
            return !scripted.StartsWith("421", StringComparison.Ordinal);
        }

        switch (line.Split(' ')[0].ToUpperInvariant())
        {
            case "EHLO":
                string[] offered = ["scripted.test", .. script.Extensions, .. script.StartTls != Starttls.NotOffered && !_isTls ? ["STARTTLS"] : (string[])[]];
                await SayAsync(string.Join("\r\n", offered.Select((text, i) => $"250{(i == offered.Length - 1 ? ' ' : '-')}{text}")), stop);
                return true;
            case "STARTTLS":
                return await StartTlsAsync(stop);
            case "DATA":
                await SayAsync("354 go on", stop);
                return await ReadContentAsync(stop);
            case "QUIT":
                await SayAsync("221 bye", stop);
                return false;
            default:
                await SayAsync("250 ok", stop);
                return true;
        }
    }

    async Task<bool> StartTlsAsync(CancellationToken stop)
    {
        if (script.StartTls == Starttls.Injected)
        {
            await SayAsync("220 go ahead\r\n250 injected", stop);
            return await ReadLineAsync(stop) is not null;
        }

        await SayAsync("220 go ahead", stop);
        if (script.StartTls == Starttls.Broken)
        {
            return false;
        }

        var tls = new SslStream(_stream);
        _stream = tls;
        var options = new SslServerAuthenticationOptions { ServerCertificate = certificate };
        script.Tls?.Invoke(options);
        await tls.AuthenticateAsServerAsync(options, stop);
        ClientCertificate = tls.RemoteCertificate?.GetCertHashString();
        _isTls = true;
        return true;
    }

    async Task<bool> ReadContentAsync(CancellationToken stop)
    {
        while (await ReadLineAsync(stop) is { } line)
        {
            if (line != ".")
            {
                Content.Append(line).Append("\r\n");
                continue;
            }

            var reply = Scripted(".") ?? "250 2.0.0 taken";
            if (reply == Script.Close)
            {
                return false;
            }

            _messages++;
            await SayAsync(reply, stop);
            return script.WhenIdle is null || await SpeakAsync(script.WhenIdle, stop);
        }

        return false;
    }

    async Task<bool> SpeakAsync(string said, CancellationToken stop)
    {
        await speak.WaitAsync(stop);
        if (said == Script.Close)
        {
            return false;
        }

        await SayAsync(said, stop);
        return true;
    }

    string? Scripted(string line) => (_messages > 0 ? Find(script.LaterAnswers, line) : null) ?? Find(script.Answers, line);

    static string? Find(Dictionary<string, string> answers, string line) =>
        answers.FirstOrDefault(answer => line.StartsWith(answer.Key, StringComparison.OrdinalIgnoreCase)).Value;

    ValueTask SayAsync(string reply, CancellationToken stop) => _stream.SayAsync(reply, stop);

    ValueTask<string?> ReadLineAsync(CancellationToken stop) => _stream.ReadLineAsync(stop);
}
