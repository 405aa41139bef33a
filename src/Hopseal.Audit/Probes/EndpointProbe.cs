using System.Collections.Immutable;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Probes;

/// <summary>What a certificate is held against.</summary>
/// <param name="Name">Of the host: SNI, and what the certificate should be for; null for a bare address.</param>
/// <param name="Dane">Its usable TLSA records; null where there are none.</param>
sealed record Expected(DomainName? Name, TransportPolicy.Dane? Dane);

/// <summary>Asks one address, one connection at a time and never more than allowed.</summary>
#pragma warning disable CA1001 // the semaphore has no handle as long as nobody asks for one
sealed class EndpointProbe(PkixCheck pkix, DaneCheck dane, Manners manners, ProbeOptions options)
#pragma warning restore CA1001
{
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
        if (facts is { Handshake.Works: true } && !protocol.ImplicitTls && await budget.TakeAsync(cancel))
        {
            facts = facts with { Injection = await InjectAsync(endpoint, protocol, expected, cancel) };
        }

        if (options.Deep && facts is { Handshake.Works: true })
        {
            facts = await new FurtherTrials(endpoint, protocol, budget, options).TryAsync(
                facts, expected.Name is null ? null : (connection, name) => HandshakeAsync(connection, expected, cancel, name), cancel);
        }

        if (protocol.ImplicitTls ? facts.Dialogue.Reach is Reach.Talked : facts.Dialogue.StartTls is true)
        {
            facts = await SayHelloAsync(facts, endpoint, protocol, expected, budget, cancel);
        }

        return facts with { Connections = budget.Taken };
    }

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
                handshake = await HandshakeAsync(connection, expected, cancel);
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
            handshake ??= opening is { StartTls: true } ? Failed(ended.Message) : null;
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

        var handshake = await HandshakeAsync(connection, expected, cancel);
        var inside = handshake.Works ? await words.CapabilitiesAsync(connection, options, cancel) : [];
        return (reply, handshake, inside);
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

            if (await HandshakeAsync(connection, expected, cancel) is { Works: false } broken)
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

    /// <param name="serverName">Asked for instead of the host's: empty for none.</param>
    async Task<HandshakeFacts> HandshakeAsync(MailConnection connection, Expected expected, CancellationToken cancel, string? serverName = null)
    {
        HandshakeFacts? seen = null;
        var demand = new TlsDemand(SecurityFloor.Encrypted, serverName ?? expected.Name?.Ascii ?? "", chain =>
        {
            seen = Look(chain, expected);
            return new PeerVerdict(PeerIdentity.Unauthenticated, []);
        });
        using var patience = new Patience(options.ReplyTimeout, options.Clock, cancel);
        UpgradeResult result;
        try
        {
#pragma warning disable CA5398 // what the audit asks for itself; older versions are asked for by hand
            result = await TlsUpgrade.AsClientAsync(connection.Stream, demand, SslProtocols.Tls12 | SslProtocols.Tls13, options.Clock, patience.Token);
#pragma warning restore CA5398
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return Failed($"the handshake did not end within {options.ReplyTimeout.TotalSeconds:0} s");
        }

        switch (result)
        {
            case UpgradeResult.Upgraded upgraded:
                connection.Continue(upgraded.Stream);
                connection.Transcript.Event($"{upgraded.Tls.Version} {upgraded.Tls.CipherSuite}");
                return (seen ?? Failed("it showed no certificate")) with { Works = true, Failure = null, Version = upgraded.Tls.Version, Cipher = upgraded.Tls.CipherSuite };
            case UpgradeResult.Failed failed:
                var why = string.Join("; ", failed.Failures.Select(failure => $"{failure.ReasonCode}: {failure.Detail}"));
                connection.Transcript.Event($"no TLS: {why}");
                return Failed(why);
            default:
                throw new InvalidOperationException("unknown result of an upgrade");
        }
    }

    HandshakeFacts Look(PeerChain chain, Expected expected)
    {
        ImmutableArray<string> names = expected.Name is { } name ? [name.Ascii] : [];
        var verdict = pkix.Judge(chain, names);
        var byDane = expected.Dane is { } policy ? dane.Judge(chain, policy) : null;
        ImmutableArray<CertificateFacts> sent;
        try
        {
            sent = [.. chain.Sent.Take(10).Select(Certificates.Describe)];
        }
        catch (CryptographicException e)
        {
            return Failed($"its certificate cannot be read: {e.Message}");
        }

        return new HandshakeFacts(
            true, null, null, null, sent,
            [.. verdict.Failures.Where(failure => failure.Type is not TlsResultType.CertificateHostMismatch).Select(failure => $"{failure.ReasonCode}: {ProbeTranscript.Clean(failure.Detail ?? "")}")],
            expected.Name is null ? null : verdict.Failures.All(failure => failure.Type is not TlsResultType.CertificateHostMismatch),
            byDane is null ? null : byDane.Identity is PeerIdentity.DaneEe or PeerIdentity.DaneTa,
            byDane is null ? null : byDane.Failures.IsEmpty ? byDane.Identity.ToString() : string.Join("; ", byDane.Failures.Select(failure => failure.Detail)));
    }

    static HandshakeFacts Failed(string why) => new(false, why, null, null, [], [], null, null, null);

    static ImmutableArray<string> Clean(ImmutableArray<string> lines) => [.. lines.Take(60).Select(ProbeTranscript.Clean)];
}
