using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A web server in this process that holds the MTA-STS policies of several domains, at the real port of HTTPS on a loopback address
/// of its own.</summary>
sealed class PolicySite : IAsyncDisposable
{
    const int Https = 443;

    static readonly TimeSpan s_drip = TimeSpan.FromMilliseconds(20);

    readonly TcpListener _listener;
    readonly ConcurrentDictionary<string, (X509Certificate2 Certificate, Func<Stream, CancellationToken, Task> Answer)> _hosts = [];
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    int _dripping;

    public PolicySite()
    {
        // Other runs on this machine do the same.
        Address = new IPAddress([127, (byte)Random.Shared.Next(64, 128), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]);
        _listener = new TcpListener(Address, Https);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Set where this user may not listen on that port.</summary>
    public static string? Unavailable { get; } = FindObstacle();

    public IPAddress Address { get; }

    /// <summary>The policy host of each request that came.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>How many answers of <see cref="Drip"/> are under way.</summary>
    public int Dripping => Volatile.Read(ref _dripping);

    /// <summary>A policy as it should be served.</summary>
    public static Func<Stream, CancellationToken, Task> Policy(string mode, params string[] mx) => Answer(
        "200 OK", "text/plain", $"version: STSv1\r\nmode: {mode}\r\n{string.Concat(mx.Select(host => $"mx: {host}\r\n"))}max_age: 604800\r\n");

    public static Func<Stream, CancellationToken, Task> Answer(string status, string type, string body, string more = "") => async (stream, cancel) =>
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n{more}\r\n{body}"), cancel);

    /// <summary>Octet by octet, for ever: each comes soon enough for whoever only waits for the next one.</summary>
    /// <param name="start">What comes before the part without an end.</param>
    public Func<Stream, CancellationToken, Task> Drip(string start) => async (stream, cancel) =>
    {
        Interlocked.Increment(ref _dripping);
        try
        {
            for (var i = 0; ; i++)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(i < start.Length ? start[i..(i + 1)] : "x"), cancel);
                await Task.Delay(s_drip, TimeProvider.System, cancel);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _dripping);
        }
    };

    /// <param name="certificate">What it shows for <c>mta-sts.</c> and the domain.</param>
    public void Serve(string domain, CertificatePaths certificate, Func<Stream, CancellationToken, Task> answer)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate.Chain, certificate.Key);
        _hosts[$"mta-sts.{domain}"] = (X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), answer);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        foreach (var (certificate, _) in _hosts.Values)
        {
            certificate.Dispose();
        }
    }

    static string? FindObstacle()
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(new IPAddress([127, 63, (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]), Https));
            return null;
        }
        catch (SocketException e)
        {
            return $"port {Https} cannot be listened on: {e.Message}";
        }
    }

    async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(connections);
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using var owned = client;
        var name = "";
        try
        {
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(
                (_, hello, _, _) =>
                {
                    name = hello.ServerName;
                    return ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = _hosts[name].Certificate });
                },
                state: null,
                _stop.Token);
            var request = new byte[4096];
            if (await tls.ReadAsync(request, _stop.Token) > 0)
            {
                Asked.Enqueue(name);
                await _hosts[name].Answer(tls, _stop.Token);
                await tls.ShutdownAsync();
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException or KeyNotFoundException)
        {
            // The gateway went away, the test is over, or the name is not served here.
        }
    }
}
