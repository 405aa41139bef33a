using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Probes;

/// <summary>What a server said before TLS.</summary>
/// <param name="Capabilities">One a line, without the reply code.</param>
/// <param name="StartTls">Whether TLS is offered.</param>
sealed record Opening(string Banner, ImmutableArray<string> Capabilities, bool StartTls);

/// <summary>The words of one protocol, up to the first octet of TLS and after the last of the handshake.</summary>
abstract class MailDialogue
{
    public static MailDialogue For(MailProtocol protocol) => protocol.Scheme switch
    {
        "imap" or "imaps" => new ImapDialogue(),
        "pop3" or "pop3s" => new Pop3Dialogue(),
        "sieve" => new SieveDialogue(),
        _ => new SmtpDialogue(),
    };

    /// <summary>From the greeting to the list of capabilities.</summary>
    public abstract Task<Opening> OpenAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel);

    /// <summary>The command that asks for TLS.</summary>
    public abstract string StartTls { get; }

    /// <summary>A command whose answer after the upgrade would show that it was kept from before.</summary>
    public abstract string Harmless { get; }

    /// <summary>The reply to <see cref="StartTls"/>, whether it says yes, and whether a no is only for now.</summary>
    public abstract Task<(string Reply, bool Yes, bool ForNow)> StartTlsReplyAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel);

    /// <summary>The list of capabilities again, inside TLS.</summary>
    public abstract Task<ImmutableArray<string>> CapabilitiesAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel);

    /// <summary>Whether a line is a reply of the protocol; what else is no mail server.</summary>
    protected static ProbeEndedException NoMail(MailConnection connection, string line) =>
        connection.Ended(Reach.Unreadable, $"no mail server: {ProbeTranscript.Clean(line)}");

    sealed class SmtpDialogue : MailDialogue
    {
        public override string StartTls => "STARTTLS";

        public override string Harmless => "NOOP";

        public override async Task<Opening> OpenAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var greeting = await ReplyAsync(connection, options.GreetingTimeout, cancel);
            Demand(connection, greeting, "220");
            await connection.SayAsync($"EHLO {options.EhloName}", cancel);
            var hello = await ReplyAsync(connection, options.ReplyTimeout, cancel);
            if (hello[0].StartsWith('5'))
            {
                await connection.SayAsync($"HELO {options.EhloName}", cancel);
                Demand(connection, await ReplyAsync(connection, options.ReplyTimeout, cancel), "250");
                return new Opening(Text(greeting[0]), [], false);
            }

            Demand(connection, hello, "250");
            ImmutableArray<string> capabilities = [.. hello.Skip(1).Select(Text)];
            return new Opening(Text(greeting[0]), capabilities, Has(capabilities, "STARTTLS"));
        }

        public override async Task<(string Reply, bool Yes, bool ForNow)> StartTlsReplyAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var reply = await ReplyAsync(connection, options.ReplyTimeout, cancel);
            return (reply[^1], reply[0].StartsWith("220", StringComparison.Ordinal), reply[0].StartsWith('4'));
        }

        public override async Task<ImmutableArray<string>> CapabilitiesAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            await connection.SayAsync($"EHLO {options.EhloName}", cancel);
            var hello = await ReplyAsync(connection, options.ReplyTimeout, cancel);
            return [.. hello.Skip(1).Select(Text)];
        }

        static async Task<ImmutableArray<string>> ReplyAsync(MailConnection connection, TimeSpan timeout, CancellationToken cancel)
        {
            var lines = await connection.ReadAsync(line => line.Length < 4 || line[3] != '-', timeout, cancel);
            var wrong = lines.FirstOrDefault(line => line.Length < 3 || line[0] is < '2' or > '5' || !char.IsAsciiDigit(line[1]) || !char.IsAsciiDigit(line[2]));
            return wrong is null ? lines : throw NoMail(connection, wrong);
        }

        static void Demand(MailConnection connection, ImmutableArray<string> reply, string code)
        {
            var last = reply[^1];
            if (!last.StartsWith(code, StringComparison.Ordinal))
            {
                throw connection.Ended(
                    last[0] switch { '4' => Reach.TurnedAway, '5' => Reach.Refused, _ => Reach.Unreadable }, ProbeTranscript.Clean(last));
            }
        }

        static string Text(string line) => line.Length > 4 ? line[4..].Trim() : "";
    }

    sealed class ImapDialogue : MailDialogue
    {
        public override string StartTls => "a2 STARTTLS";

        public override string Harmless => "a9 NOOP";

        public override async Task<Opening> OpenAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var greeting = (await connection.ReadAsync(_ => true, options.GreetingTimeout, cancel))[0];
            if (greeting.StartsWith("* BYE", StringComparison.OrdinalIgnoreCase))
            {
                throw connection.Ended(Reach.TurnedAway, ProbeTranscript.Clean(greeting));
            }

            if (!greeting.StartsWith("* OK", StringComparison.OrdinalIgnoreCase) && !greeting.StartsWith("* PREAUTH", StringComparison.OrdinalIgnoreCase))
            {
                throw NoMail(connection, greeting);
            }

            var capabilities = await AskAsync(connection, "a1", options, cancel);
            return new Opening(greeting, capabilities, Has(capabilities, "STARTTLS"));
        }

        public override async Task<(string Reply, bool Yes, bool ForNow)> StartTlsReplyAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var reply = (await connection.ReadAsync(line => line.StartsWith("a2 ", StringComparison.Ordinal), options.ReplyTimeout, cancel))[^1];
            return (reply, reply.StartsWith("a2 OK", StringComparison.OrdinalIgnoreCase), false);
        }

        public override Task<ImmutableArray<string>> CapabilitiesAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel) =>
            AskAsync(connection, "a3", options, cancel);

        static async Task<ImmutableArray<string>> AskAsync(MailConnection connection, string tag, ProbeOptions options, CancellationToken cancel)
        {
            await connection.SayAsync($"{tag} CAPABILITY", cancel);
            var lines = await connection.ReadAsync(line => line.StartsWith($"{tag} ", StringComparison.Ordinal), options.ReplyTimeout, cancel);
            return
            [
                .. lines.Where(line => line.StartsWith("* CAPABILITY", StringComparison.OrdinalIgnoreCase))
                    .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(2))
            ];
        }
    }

    sealed class Pop3Dialogue : MailDialogue
    {
        public override string StartTls => "STLS";

        public override string Harmless => "CAPA";

        public override async Task<Opening> OpenAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var greeting = (await connection.ReadAsync(_ => true, options.GreetingTimeout, cancel))[0];
            if (greeting.StartsWith("-ERR", StringComparison.Ordinal))
            {
                throw connection.Ended(Reach.TurnedAway, ProbeTranscript.Clean(greeting));
            }

            if (!greeting.StartsWith("+OK", StringComparison.Ordinal))
            {
                throw NoMail(connection, greeting);
            }

            var capabilities = await CapabilitiesAsync(connection, options, cancel);
            return new Opening(greeting, capabilities, Has(capabilities, "STLS"));
        }

        public override async Task<(string Reply, bool Yes, bool ForNow)> StartTlsReplyAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var reply = (await connection.ReadAsync(_ => true, options.ReplyTimeout, cancel))[0];
            return (reply, reply.StartsWith("+OK", StringComparison.Ordinal), false);
        }

        public override async Task<ImmutableArray<string>> CapabilitiesAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            await connection.SayAsync("CAPA", cancel);
            var lines = await connection.ReadAsync(line => line == "." || line.StartsWith("-ERR", StringComparison.Ordinal), options.ReplyTimeout, cancel);
            return [.. lines.Where(line => line != "." && line[0] is not ('+' or '-'))];
        }
    }

    sealed class SieveDialogue : MailDialogue
    {
        public override string StartTls => "STARTTLS";

        public override string Harmless => "NOOP";

        public override async Task<Opening> OpenAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var lines = await connection.ReadAsync(IsStatus, options.GreetingTimeout, cancel);
            var capabilities = Names(lines);
            return lines[^1].StartsWith("OK", StringComparison.OrdinalIgnoreCase)
                ? new Opening(capabilities.FirstOrDefault() ?? "", capabilities, Has(capabilities, "STARTTLS"))
                : throw connection.Ended(Reach.TurnedAway, ProbeTranscript.Clean(lines[^1]));
        }

        public override async Task<(string Reply, bool Yes, bool ForNow)> StartTlsReplyAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel)
        {
            var reply = (await connection.ReadAsync(IsStatus, options.ReplyTimeout, cancel))[^1];
            return (reply, reply.StartsWith("OK", StringComparison.OrdinalIgnoreCase), false);
        }

        /// <summary>The server says them by itself after the handshake (RFC 5804 §2.2).</summary>
        public override async Task<ImmutableArray<string>> CapabilitiesAsync(MailConnection connection, ProbeOptions options, CancellationToken cancel) =>
            Names(await connection.ReadAsync(IsStatus, options.ReplyTimeout, cancel));

        static bool IsStatus(string line) => line.Length > 0 && line[0] != '"';

        static ImmutableArray<string> Names(ImmutableArray<string> lines) => [.. lines.Where(line => !IsStatus(line)).Select(line => line.Replace("\"", "", StringComparison.Ordinal).Trim())];
    }

    static bool Has(ImmutableArray<string> capabilities, string keyword) =>
        capabilities.Any(line => line.Equals(keyword, StringComparison.OrdinalIgnoreCase) || line.StartsWith($"{keyword} ", StringComparison.OrdinalIgnoreCase));
}
