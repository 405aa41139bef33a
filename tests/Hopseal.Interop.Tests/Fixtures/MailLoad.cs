using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Clients that send <see cref="NumberedMail"/> over STARTTLS connections, several messages each, until they are stopped,
/// and remember what they were told.</summary>
sealed class MailLoad(int port, X509Certificate2 root, string serverName, string recipient)
{
    const int MostPerConnection = 8;

    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    int _next;
    int _broken;

    /// <summary>Answered with 250.</summary>
    public ConcurrentDictionary<int, bool> Promised { get; } = [];

    /// <summary>Refused with this code: they must never arrive.</summary>
    public ConcurrentDictionary<int, int> Refused { get; } = [];

    /// <summary>The whole content was sent and no reply came: they may arrive.</summary>
    public ConcurrentDictionary<int, bool> Unanswered { get; } = [];

    /// <summary>Connections that ended early.</summary>
    public int Broken => _broken;

    /// <summary>One client; ends within its current message once it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop, CancellationToken cancel)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var client = await RawSmtp.OpenTlsAsync(port, root, serverName, cancel);
                for (var sent = 0; sent < MostPerConnection && !stop.IsCancellationRequested; sent++)
                {
                    await SendAsync(client, cancel);
                }

                await client.CommandAsync("QUIT", 221, cancel);
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException or TimeoutException)
            {
                Interlocked.Increment(ref _broken);
                await Task.Delay(s_pause, TimeProvider.System, cancel);
            }
        }
    }

    async Task SendAsync(RawSmtp client, CancellationToken cancel)
    {
        var number = Interlocked.Increment(ref _next);
        foreach (var (line, expected) in new[] { ("MAIL FROM:<a@origin.test>", 250), ($"RCPT TO:<{recipient}>", 250), ("DATA", 354) })
        {
            var reply = await client.CommandAsync(line, cancel);
            if (reply.Code != expected)
            {
                Refused[number] = reply.Code;
                await client.CommandAsync("RSET", 250, cancel);
                await Task.Delay(s_pause, TimeProvider.System, cancel);
                return;
            }
        }

        Unanswered[number] = true;
        await client.SendAsync(DotStuffing.Apply(NumberedMail.Content(number)), cancel);
        var verdict = await client.ReadReplyAsync(cancel) ?? throw new IOException("the connection ended instead of a reply to the content");
        if (verdict.Code == 250)
        {
            Promised[number] = true;
        }
        else
        {
            Refused[number] = verdict.Code;
        }

        Unanswered.TryRemove(number, out _);
    }
}
