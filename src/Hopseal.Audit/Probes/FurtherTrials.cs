using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Probes;

/// <summary>What a deep look tries beside the hellos, one connection each: whether mail is taken without TLS, and which certificate is shown to
/// clients that ask for no name, or for one that nobody has.</summary>
sealed class FurtherTrials(IPEndPoint endpoint, MailProtocol protocol, ConnectionBudget budget, ProbeOptions options)
{
    /// <summary>No server has it (RFC 6761 §6.4).</summary>
    const string NobodysName = "nobody.invalid";

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="handshake">Asks for a name, none where it is empty.</param>
    public async Task<ServerNameFacts> ServerNamesAsync(Func<MailConnection, string, Task<HandshakeFacts>> handshake, CancellationToken cancel) =>
        new(await ShownAsync("", handshake, cancel), await ShownAsync(NobodysName, handshake, cancel));

    /// <summary>As far as the sender's address; nobody's mail is sent. Null for what takes none. Throws only when cancelled.</summary>
    public async Task<PlaintextMailFacts?> PlaintextMailAsync(CancellationToken cancel) => protocol == MailProtocol.Smtp ? await MailAsync(cancel) : null;

    async Task<ShownFacts> ShownAsync(string name, Func<MailConnection, string, Task<HandshakeFacts>> handshake, CancellationToken cancel) =>
        await OnAnotherAsync(
            async connection =>
            {
                if (!protocol.ImplicitTls)
                {
                    var words = MailDialogue.For(protocol);
                    await words.OpenAsync(connection, options, cancel);
                    await connection.SayAsync(words.StartTls, cancel);
                    var (reply, yes, _) = await words.StartTlsReplyAsync(connection, options, cancel);
                    if (!yes)
                    {
                        return new ShownFacts(null, null, null, ProbeTranscript.Clean(reply));
                    }
                }

                return await handshake(connection, name) switch
                {
                    { Works: true, Chain: [var leaf, ..] } seen => new ShownFacts(
                        leaf.Fingerprint, seen.PkixProblems.IsEmpty && seen.NameMatches is not false, seen.TlsaMatches, null),
                    var failed => new ShownFacts(null, null, null, $"no TLS: {failed.Failure}") { Refused = true },
                };
            },
            why => new ShownFacts(null, null, null, why),
            promised: true,
            cancel);

    async Task<PlaintextMailFacts> MailAsync(CancellationToken cancel) => await OnAnotherAsync(
        async connection =>
        {
            await MailDialogue.For(protocol).OpenAsync(connection, options, cancel);
            await connection.SayAsync("MAIL FROM:<>", cancel);
            var reply = (await connection.ReadAsync(line => line.Length < 4 || line[3] != '-', options.ReplyTimeout, cancel))[^1];
            return new PlaintextMailFacts(reply switch { ['2', ..] => true, ['5', '3', '0', ..] => false, _ => null }, ProbeTranscript.Clean(reply));
        },
        why => new PlaintextMailFacts(null, why),
        promised: false,
        cancel);

    async Task<T> OnAnotherAsync<T>(Func<MailConnection, Task<T>> talk, Func<string, T> otherwise, bool promised, CancellationToken cancel)
    {
        if (!await budget.TakeAsync(cancel, promised))
        {
            return otherwise(budget.Exhausted);
        }

        MailConnection? connection = null;
        ProbeEndedException turnedAway;
        try
        {
            connection = await MailConnection.ConnectAsync(endpoint, options, cancel);
            return await talk(connection);
        }
        catch (ProbeEndedException ended)
        {
            turnedAway = ended;
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }

        // Whoever goes on turning us away wants no more connections.
        budget.Closed |= turnedAway.Reach is Reach.Unreachable || (turnedAway.Reach is Reach.TurnedAway && !await budget.BackOffAsync(cancel));
        return otherwise(turnedAway.Message);
    }
}
