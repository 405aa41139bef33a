using System.Collections.Immutable;
using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;
using Hopseal.Policy;
using Hopseal.Policy.Dane;

namespace Hopseal.Audit.Probes;

/// <summary>Asks one address, one connection at a time and never more than allowed. For one run: what does not depend on the name that an address is asked by
/// is asked once.</summary>
#pragma warning disable CA1001 // the semaphore has no handle as long as nobody asks for one
sealed class EndpointProbe(PkixCheck pkix, DaneCheck dane, Manners manners, ProbeOptions options)
#pragma warning restore CA1001
{
    /// <summary>What is known of one is some tens of kilobytes.</summary>
    const int MostServers = 2000;

    readonly PlatformHandshake _handshake = new(pkix, dane, options);
    readonly SemaphoreSlim _places = new(options.AddressesAtOnce);
    readonly RecentlyUsed<(IPEndPoint Endpoint, MailProtocol Protocol), KnownServer> _servers = new(MostServers);

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="budget">Of the address, for all its names in this check.</param>
    public async Task<EndpointFacts> ProbeAsync(
        IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        if (!manners.MayAsk(endpoint.Address) || (expected.Name is { } name && !manners.MayAsk(name)))
        {
            return NotAsked(endpoint, protocol, Reach.NotAsked, null);
        }

        // The network first: its queue may be long, and takes no place from those who could go on.
        using var turn = await manners.EnterAsync(endpoint.Address, cancel);
        await _places.WaitAsync(cancel);
        try
        {
            budget.Begin(PromisedTo(expected));
            return await AskAsync(endpoint, protocol, expected, budget, cancel) with { Connections = budget.TakenNow };
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Connections that a name needs at an address that another name was asked everything under: for its own certificate, for the one of the other
    /// kind, and in a deep look for those that are shown to clients without a name.</summary>
    public int PromisedTo(Expected expected) => options.Deep ? 4 : expected.Dane is not null ? 2 : 1;

    static EndpointFacts NotAsked(IPEndPoint endpoint, MailProtocol protocol, Reach reach, string? why) =>
        new(endpoint.Address.ToString(), endpoint.Port, protocol.Scheme, 0, new DialogueFacts(reach, why, null, [], null, null, [], [], []), null);

    async Task<EndpointFacts> AskAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        if (!await budget.TakeAsync(cancel, promised: true))
        {
            return NotAsked(endpoint, protocol, Reach.NoneLeft, budget.Exhausted);
        }

        var facts = await FirstAsync(endpoint, protocol, expected, cancel);
        if (_servers.TryGet((endpoint, protocol), out var server) && server.StandsFor(facts, budget))
        {
            return await AskAgainAsync(server, facts, endpoint, protocol, expected, budget, cancel);
        }

        (facts, server) = await AskAllAsync(facts, endpoint, protocol, expected, budget, cancel);
        if (server is not null && !budget.Closed)
        {
            _servers.Set((endpoint, protocol), server);
        }

        return facts;
    }

    async Task<(EndpointFacts Facts, KnownServer? Server)> AskAllAsync(
        EndpointFacts facts, IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        if (facts is { Handshake.Works: true } && !protocol.ImplicitTls && !IsOurselves(facts.Dialogue) && await budget.TakeAsync(cancel))
        {
            facts = facts with { Injection = await new InjectionTrial(endpoint, protocol, options).TryAsync(connection => _handshake.ShakeAsync(connection, expected, cancel), cancel) };
        }

        if (options.Deep && facts is { Handshake.Works: true })
        {
            var further = new FurtherTrials(endpoint, protocol, budget, options);
            facts = facts with { ServerNames = await ServerNamesAsync(further, expected, cancel), PlaintextMail = await further.PlaintextMailAsync(cancel) };
        }

        return (protocol.ImplicitTls ? facts.Dialogue.Reach is Reach.Talked : facts.Dialogue.StartTls is true)
            ? await SayHelloAsync(facts, endpoint, protocol, expected, budget, cancel)
            : (facts, null);
    }

    /// <summary>By another name of an address that was asked everything before in this run: only what may differ.</summary>
    async Task<EndpointFacts> AskAgainAsync(
        KnownServer server, EndpointFacts facts, IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        if (options.Deep)
        {
            facts = facts with { ServerNames = await ServerNamesAsync(new FurtherTrials(endpoint, protocol, budget, options), expected, cancel) };
        }

        var chains = server.ChainsFor(facts);
        if (chains.IsDefault)
        {
            chains = [];
            if (server.BestOlder is { } version && (options.Deep || expected.Dane is not null))
            {
                var transport = new HelloTransport(endpoint, protocol, budget, options) { IsPromised = true };
                chains = await TlsProbe.OtherKindAsync(transport.AskAsync, expected.Name?.Ascii, version, facts.Handshake!.Chain[0], cancel);
            }
        }

        return WithCertificates(server.CarriedOver(facts, expected.Name?.Ascii), chains, expected);
    }

    async Task<ServerNameFacts?> ServerNamesAsync(FurtherTrials trials, Expected expected, CancellationToken cancel) => expected.Name is null
        ? null // None was asked for anyway.
        : await trials.ServerNamesAsync((connection, name) => _handshake.ShakeAsync(connection, expected, cancel, name), cancel);

    EndpointFacts WithCertificates(EndpointFacts facts, ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>> chains, Expected expected)
    {
        var shown = facts.Handshake is { Chain: [var leaf, ..] } ? leaf.Fingerprint : null;
        var (others, unmatched) = OtherCertificates.Of(chains, shown, expected, dane);
        return facts with { OtherCertificates = others, UnmatchedCertificates = unmatched };
    }

    /// <summary>By its name: through NAT our own address tells nothing.</summary>
    bool IsOurselves(DialogueFacts dialogue) =>
        options.OwnName is { } name && dialogue.Banner?.Split(' ', 2)[0].Equals(name, StringComparison.OrdinalIgnoreCase) is true;

    /// <summary>What only hand-made hellos can find out, also where the platform's TLS gets no further.</summary>
    async Task<(EndpointFacts Facts, KnownServer? Server)> SayHelloAsync(
        EndpointFacts facts, IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        var transport = new HelloTransport(endpoint, protocol, budget, options);

        // Without DANE nobody is kept out by the second certificate: a quick look has better use for the connection.
        var everyCertificate = options.Deep || expected.Dane is not null;
        var result = await new TlsProbe(transport.AskAsync, transport.AskSsl2Async, expected.Name?.Ascii, options.Deep, everyCertificate).RunAsync(() => transport.Exchanges, cancel);
        facts = WithCertificates(facts with { Tls = result.Facts }, result.Chains, expected);
        var isCut = transport.Exhausted is not null && budget.HoldsBack;
        return (facts, KnownServer.Of(facts, expected.Name?.Ascii, result, everyCertificate, isCut ? budget : null));
    }

    /// <summary>The whole way: greeting, capabilities, STARTTLS, a real handshake, capabilities again.</summary>
    async Task<EndpointFacts> FirstAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, CancellationToken cancel)
    {
        var words = MailDialogue.For(protocol);
        Opening? opening = null;
        string? reply = null;
        HandshakeFacts? handshake = null;
        ImmutableArray<string> inside = [];
        var (reach, why) = (Reach.Talked, (string?)null);
        MailConnection? connection = null;
        ImmutableArray<string> transcript;
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

    static ImmutableArray<string> Clean(ImmutableArray<string> lines) => [.. lines.Take(60).Select(ProbeTranscript.Clean)];
}
