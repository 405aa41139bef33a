using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Load;

/// <summary>Sessions over many connections at once. A message counts when its final 250 arrived.</summary>
sealed class Client(LoadOptions options)
{
    // A dead server must not be hammered.
    const int MostFailures = 2000;

    // As many as an address has ports would run out in TIME_WAIT, and limits per address are not what is measured.
    const int ClientAddresses = 64;

    static readonly TimeSpan s_longestSession = TimeSpan.FromMinutes(10);

    readonly ConcurrentBag<double> _messageMilliseconds = [];
    readonly byte[] _body = Content.Make(options.Size, options.From, options.Recipient);
    readonly long _start = Stopwatch.GetTimestamp();
    long _started;
    long _sent;
    long _sessions;
    long _messages;
    long _failures;
    string _firstFailure = "";

    bool Measuring => options.Count > 0
        || (Stopwatch.GetElapsedTime(_start) is var elapsed && elapsed >= options.WarmUp && elapsed < options.WarmUp + options.Measured);

    bool Over => options.Count == 0 && Stopwatch.GetElapsedTime(_start) >= options.WarmUp + options.Measured;

    /// <summary>Returns the result as one line of JSON.</summary>
    public async Task<string> RunAsync()
    {
        await Task.WhenAll(Enumerable.Range(0, options.Connections).Select(slot => Task.Run(() => RepeatAsync(slot))));
        var seconds = options.Count > 0 ? Stopwatch.GetElapsedTime(_start).TotalSeconds : options.Measured.TotalSeconds;
        double[] sorted = [.. _messageMilliseconds.Order()];
        var processor = Environment.CpuUsage.TotalTime.TotalSeconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"mode":"{{options.Mode}}","conns":{{options.Connections}},"size":{{options.Size}},"secs":{{seconds:0.000}},"sessions":{{_sessions}},"messages":{{_messages}},"failures":{{_failures}},"sessions_per_s":{{_sessions / seconds:0.0}},"messages_per_s":{{_messages / seconds:0.0}},"gen_cpu_s":{{processor:0.000}},"message_ms":{"p50":{{At(sorted, 0.5):0.000}},"p95":{{At(sorted, 0.95):0.000}},"p99":{{At(sorted, 0.99):0.000}},"max":{{At(sorted, 1):0.000}}},"first_failure":"{{_firstFailure.Replace('"', '\'')}}"}
            """);
    }

    static double At(double[] sorted, double share) => sorted.Length == 0 ? 0 : sorted[(int)(share * (sorted.Length - 1))];

    async Task RepeatAsync(int slot)
    {
        while (!Over && Volatile.Read(ref _failures) < MostFailures && (options.Count == 0 || Interlocked.Increment(ref _started) <= options.Count))
        {
            try
            {
                await SessionAsync(slot++);
                if (Measuring)
                {
                    Interlocked.Increment(ref _sessions);
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
            {
                Interlocked.Increment(ref _failures);
                Interlocked.CompareExchange(ref _firstFailure, e.Message, "");
            }
        }
    }

    async Task SessionAsync(int slot)
    {
        using var deadline = new CancellationTokenSource(s_longestSession);
        var from = new IPAddress([127, 0, (byte)(1 + (slot % ClientAddresses)), 1]);
        await using var line = await Line.ConnectAsync(from, options.Port, deadline.Token);
        if (options.Transport is Transport.Implicit)
        {
            await line.SecureAsClientAsync(options.Protocols, deadline.Token);
        }

        await line.ExpectAsync('2', deadline.Token);
        await SayAsync("EHLO load.example.org\r\n", '2');
        if (options.Transport is Transport.StartTls)
        {
            await SayAsync("STARTTLS\r\n", '2');
            await line.SecureAsClientAsync(options.Protocols, deadline.Token);
            await SayAsync("EHLO load.example.org\r\n", '2');
        }

        for (var message = 0; options.Mode is LoadMode.Message && message < options.PerConnection && !Over; message++)
        {
            var begun = Stopwatch.GetTimestamp();
            await SendAsync(line, deadline.Token);
            if (Measuring)
            {
                Interlocked.Increment(ref _messages);
                _messageMilliseconds.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            }
        }

        await SayAsync("QUIT\r\n", '2');

        async ValueTask SayAsync(string command, char expected)
        {
            await line.WriteAsync(Encoding.ASCII.GetBytes(command), deadline.Token);
            await line.ExpectAsync(expected, deadline.Token);
        }
    }

    async ValueTask SendAsync(Line line, CancellationToken cancel)
    {
        var number = (Interlocked.Increment(ref _sent) - 1) % options.Destinations;
        var recipient = options.Recipient
            .Replace("%", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("#", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        string[] commands = [$"MAIL FROM:<{options.From}>\r\n", $"RCPT TO:<{recipient}>\r\n", "DATA\r\n"];
        if (options.Pipelining)
        {
            await line.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(commands)), cancel);
        }

        for (var command = 0; command < commands.Length; command++)
        {
            if (!options.Pipelining)
            {
                await line.WriteAsync(Encoding.ASCII.GetBytes(commands[command]), cancel);
            }

            await line.ExpectAsync(command == 2 ? '3' : '2', cancel);
        }

        await line.WriteAsync(_body, cancel);
        await line.ExpectAsync('2', cancel);
    }
}
