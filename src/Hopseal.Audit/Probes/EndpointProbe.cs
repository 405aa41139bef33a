using System.Collections.Immutable;
using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;
using Hopseal.Policy;
using Hopseal.Policy.Dane;

namespace Hopseal.Audit.Probes;

/// <summary>Asks one address, one connection at a time and never more than allowed.</summary>
#pragma warning disable CA1001 // the semaphore has no handle as long as nobody asks for one
sealed class EndpointProbe(PkixCheck pkix, DaneCheck dane, Manners manners, ProbeOptions options)
#pragma warning restore CA1001
{
    readonly PlatformHandshake _handshake = new(pkix, dane, options);
    readonly SemaphoreSlim _places = new(options.AddressesAtOnce);

    /// <summary>Throws only when cancelled.</summary>
    public async Task<EndpointFacts> ProbeAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, CancellationToken cancel)
    {
        if (!manners.MayAsk(endpoint.Address) || (expected.Name is { } name && !manners.MayAsk(name)))
        {
            return new EndpointFacts(
                endpoint.Address.ToString(), endpoint.Port, protocol.Scheme, 0, new DialogueFacts(Reach.NotAsked, null, null, [], null, null, [], [], []), null);
        }

        // The network first: its queue may be long, and takes no place from those who could go on.
        using var turn = await manners.EnterAsync(endpoint.Address, cancel);
        await _places.WaitAsync(cancel);
        try
        {
            return await AskAsync(endpoint, protocol, expected, cancel);
        }
        finally
        {
            _places.Release();
        }
    }

    async Task<EndpointFacts> AskAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, CancellationToken cancel)
    {
        var budget = new ConnectionBudget(options);
        var facts = await FirstAsync(endpoint, protocol, expected, budget, cancel);
        if (facts is { Handshake.Works: true } && !protocol.ImplicitTls && !IsOurselves(facts.Dialogue) && await budget.TakeAsync(cancel))
        {
            facts = facts with { Injection = await InjectAsync(endpoint, protocol, expected, cancel) };
        }

        if (options.Deep && facts is { Handshake.Works: true })
        {
            facts = await new FurtherTrials(endpoint, protocol, budget, options).TryAsync(
                facts, expected.Name is null ? null : (connection, name) => _handshake.ShakeAsync(connection, expected, cancel, name), cancel);
        }

        if (protocol.ImplicitTls ? facts.Dialogue.Reach is Reach.Talked : facts.Dialogue.StartTls is true)
        {
            facts = await SayHelloAsync(facts, endpoint, protocol, expected, budget, cancel);
        }

        return facts with { Connections = budget.Taken };
    }

    /// <summary>By its name: through NAT our own address tells nothing.</summary>
    bool IsOurselves(DialogueFacts dialogue) =>
        options.OwnName is { } name && dialogue.Banner?.Split(' ', 2)[0].Equals(name, StringComparison.OrdinalIgnoreCase) is true;

    /// <summary>What only hand-made hellos can find out, also where the platform's TLS gets no further.</summary>
    async Task<EndpointFacts> SayHelloAsync(
        EndpointFacts facts, IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        var transport = new HelloTransport(endpoint, protocol, budget, options);

        // Without DANE nobody is kept out by the second certificate: a quick look has better use for the connection.
        var everyCertificate = options.Deep || expected.Dane is not null;
        var result = await new TlsProbe(transport.AskAsync, transport.AskSsl2Async, expected.Name?.Ascii, options.Deep, everyCertificate).RunAsync(() => transport.Exchanges, cancel);
        var shown = facts.Handshake is { Chain: [var leaf, ..] } ? leaf.Fingerprint : null;
        var (others, unmatched) = OtherCertificates.Of(result.Chains, shown, expected, dane);
        return facts with { Tls = result.Facts, OtherCertificates = others, UnmatchedCertificates = unmatched };
    }

    /// <summary>The whole way: greeting, capabilities, STARTTLS, a real handshake, capabilities again.</summary>
    async Task<EndpointFacts> FirstAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        var words = MailDialogue.For(protocol);
        Opening? opening = null;
        string? reply = null;
        HandshakeFacts? handshake = null;
        ImmutableArray<string> inside = [];
        var (reach, why) = (Reach.Talked, (string?)null);
        MailConnection? connection = null;
        ImmutableArray<string> transcript;
        await budget.TakeAsync(cancel);
        try
        {
            connection = await MailConnection.ConnectAsync(endpoint, options, cancel);
            if (protocol.ImplicitTls)
            {
                handshake = await _handshake.ShakeAsync(connection, expected, cancel);
                if (handshake.Works)
                {
                    opening = await words.OpenAsync(connection, options, cancel);
                }
            }
            else
            {
                opening = await words.OpenAsync(connection, options, cancel);
                if (opening.StartTls)
                {
                    (reply, handshake, inside) = await UpgradeAsync(connection, words, expected, cancel);
                }
            }

            transcript = connection.Transcript.Lines;
        }
        catch (ProbeEndedException ended)
        {
            // After the capabilities the server has talked; what came then is the handshake's failure.
            (reach, why) = opening is null && handshake is null ? (ended.Reach, ended.Message) : (Reach.Talked, ended.Message);
            handshake ??= opening is { StartTls: true } ? PlatformHandshake.Failed(ended.Message) : null;
            transcript = ended.Transcript.Lines;
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }

        return new EndpointFacts(
            endpoint.Address.ToString(), endpoint.Port, protocol.Scheme, 0,
            new DialogueFacts(
                reach, why, opening is null ? null : ProbeTranscript.Clean(opening.Banner), Clean(opening?.Capabilities ?? []),
                protocol.ImplicitTls ? null : opening?.StartTls, reply, protocol.ImplicitTls || opening is null ? [] : Masks.Of(opening),
                Clean(inside), transcript),
            handshake);
    }

    async Task<(string Reply, HandshakeFacts Handshake, ImmutableArray<string> Inside)> UpgradeAsync(
        MailConnection connection, MailDialogue words, Expected expected, CancellationToken cancel)
    {
        await connection.SayAsync(words.StartTls, cancel);
        var (reply, yes, forNow) = await words.StartTlsReplyAsync(connection, options, cancel);
        if (!yes)
        {
            throw connection.Ended(forNow ? Reach.TurnedAway : Reach.Refused, $"STARTTLS was offered and refused: {ProbeTranscript.Clean(reply)}");
        }

        var handshake = await _handshake.ShakeAsync(connection, expected, cancel);
        var inside = handshake.Works ? await words.CapabilitiesAsync(connection, options, cancel) : [];
        return (ProbeTranscript.Clean(reply), handshake, inside);
    }

    /// <summary>Sends a command behind STARTTLS in one write, and sees whether it is answered inside TLS.</summary>
    async Task<InjectionFacts> InjectAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, CancellationToken cancel)
    {
        var words = MailDialogue.For(protocol);
        MailConnection? connection = null;
        try
        {
            connection = await MailConnection.ConnectAsync(endpoint, options, cancel);
            await words.OpenAsync(connection, options, cancel);
            connection.Transcript.Client($"{words.StartTls} | {words.Harmless}");
            await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes($"{words.StartTls}\r\n{words.Harmless}\r\n"), cancel);
            var (reply, yes, _) = await words.StartTlsReplyAsync(connection, options, cancel);
            if (!yes)
            {
                return new InjectionFacts(false, $"it refuses: {ProbeTranscript.Clean(reply)}");
            }

            if (await _handshake.ShakeAsync(connection, expected, cancel) is { Works: false } broken)
            {
                return new InjectionFacts(false, $"no TLS comes of it: {broken.Failure}");
            }

            return await AnsweredInsideAsync(connection, protocol, words, cancel);
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
    async Task<InjectionFacts> AnsweredInsideAsync(MailConnection connection, MailProtocol protocol, MailDialogue words, CancellationToken cancel)
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

    static ImmutableArray<string> Clean(ImmutableArray<string> lines) => [.. lines.Take(60).Select(ProbeTranscript.Clean)];
}
