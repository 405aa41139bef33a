using System.Net;
using System.Text;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Probes;

/// <summary>Sends a command behind STARTTLS in one write, and sees whether it is answered inside TLS (CVE-2011-0411).</summary>
sealed class InjectionTrial(IPEndPoint endpoint, MailProtocol protocol, ProbeOptions options)
{
    /// <summary>Throws only when cancelled.</summary>
    public async Task<InjectionFacts> TryAsync(Func<MailConnection, Task<HandshakeFacts>> handshake, CancellationToken cancel)
    {
        var words = MailDialogue.For(protocol);
        MailConnection? connection = null;
        try
        {
            connection = await MailConnection.ConnectAsync(endpoint, options, cancel);
            await words.OpenAsync(connection, options, cancel);
            connection.Transcript.Client($"{words.StartTls} | {words.Harmless}");
            await connection.SendAsync(Encoding.ASCII.GetBytes($"{words.StartTls}\r\n{words.Harmless}\r\n"), cancel);
            var (reply, yes, _) = await words.StartTlsReplyAsync(connection, options, cancel);
            if (!yes)
            {
                return new InjectionFacts(false, $"it refuses: {ProbeTranscript.Clean(reply)}");
            }

            if (await handshake(connection) is { Works: false } broken)
            {
                return new InjectionFacts(false, $"no TLS comes of it: {broken.Failure}");
            }

            return await AnsweredInsideAsync(connection, words, cancel);
        }
        catch (ProbeEndedException ended)
        {
            // It hung up, or says nothing: what was sent before was not executed, if it came so far at all.
            return new InjectionFacts(ended.Reach is Reach.Unreachable ? null : false, ended.Message);
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    /// <summary>Says something of its own and looks whether one answer comes, or two.</summary>
    async Task<InjectionFacts> AnsweredInsideAsync(MailConnection connection, MailDialogue words, CancellationToken cancel)
    {
        // ManageSieve speaks first after the handshake; the others wait for a command whose reply is known by its shape, or ends the session:
        // nobody then has to wait for an answer that does not come.
        var mark = protocol.Scheme switch { "imap" => "a7 NOOP", "sieve" => null, _ => "QUIT" };
        if (mark is null)
        {
            await words.CapabilitiesAsync(connection, options, cancel);
            await connection.SayAsync("LOGOUT", cancel);
        }
        else
        {
            await connection.SayAsync(mark, cancel);
        }

        var first = (await connection.ReadAsync(_ => true, options.ReplyTimeout, cancel))[0];
        var executed = protocol.Scheme switch
        {
            "imap" => first.StartsWith("a9 ", StringComparison.Ordinal),
            "pop3" or "sieve" => await AnotherAsync(connection, cancel),
            _ => !first.StartsWith("221", StringComparison.Ordinal) && await AnotherAsync(connection, cancel),
        };
        return new InjectionFacts(executed, executed ? $"an answer too many inside TLS: {ProbeTranscript.Clean(first)}" : "no answer inside TLS to what came before");
    }

    /// <summary>Whether a second answer comes to one command.</summary>
    static async Task<bool> AnotherAsync(MailConnection connection, CancellationToken cancel)
    {
        try
        {
            await connection.ReadAsync(_ => true, TimeSpan.FromSeconds(2), cancel);
            return true;
        }
        catch (ProbeEndedException)
        {
            return false;
        }
    }
}
