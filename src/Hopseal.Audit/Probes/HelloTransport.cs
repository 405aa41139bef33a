using System.Collections.Immutable;
using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;
using Hopseal.Audit.Targets;
using Hopseal.Smtp.Wire;

namespace Hopseal.Audit.Probes;

/// <summary>Whoever answers hellos, one connection for each.</summary>
/// <remarks>A server that turns us away closes the budget: it wishes to be left alone, and what was not asked stays unknown.</remarks>
sealed class HelloTransport(IPEndPoint endpoint, MailProtocol protocol, ConnectionBudget budget, ProbeOptions options)
{
    /// <summary>Of more than that, none is kept: the list is proof, not a log.</summary>
    const int MostExchanges = 400;

    readonly ImmutableArray<HelloFact>.Builder _exchanges = ImmutableArray.CreateBuilder<HelloFact>();

    /// <summary>What was asked and answered, in order.</summary>
    public ImmutableArray<HelloFact> Exchanges => _exchanges.ToImmutable();

    /// <summary>Its connections are among those that were held back for this name.</summary>
    public bool IsPromised { get; init; }

    /// <summary>Why nothing more can be asked; null while it can.</summary>
    public string? Exhausted { get; private set; }

    /// <summary>Throws only when cancelled.</summary>
    public Task<HelloAnswer> AskAsync(ClientHello hello, CancellationToken cancel) =>
        AskAsync(hello.ToString(), stream => HelloExchange.AskAsync(stream, hello, options.ReplyTimeout, options.Clock, cancel), cancel);

    /// <summary>The same in SSL 2.0.</summary>
    public Task<HelloAnswer> AskSsl2Async(CancellationToken cancel) =>
        AskAsync("SSL 2.0", stream => HelloExchange.AskSsl2Async(stream, options.ReplyTimeout, options.Clock, cancel), cancel);

    async Task<HelloAnswer> AskAsync(string what, Func<SmtpStream, Task<HelloAnswer>> exchange, CancellationToken cancel)
    {
        if (Exhausted is { } why)
        {
            return new HelloAnswer.NotAsked(why);
        }

        while (await budget.TakeAsync(cancel, IsPromised))
        {
            var (answer, ended) = await ExchangeAsync(exchange, cancel);
            if (answer is not null)
            {
                if (_exchanges.Count < MostExchanges)
                {
                    _exchanges.Add(new HelloFact(what, ProbeTranscript.Clean(answer.ToString())));
                }

                return answer;
            }

            if (ended is not { Reach: Reach.TurnedAway } || !await budget.BackOffAsync(cancel))
            {
                budget.Closed = true;
                Exhausted = $"after {Output.Words.Count(budget.Taken, "connection")}: {ended?.Message}";
                return new HelloAnswer.NotAsked(Exhausted);
            }
        }

        Exhausted = budget.Exhausted;
        return new HelloAnswer.NotAsked(Exhausted);
    }

    /// <summary>The answer, or why the hello could not be sent.</summary>
    async Task<(HelloAnswer? Answer, ProbeEndedException? Ended)> ExchangeAsync(Func<SmtpStream, Task<HelloAnswer>> exchange, CancellationToken cancel)
    {
        MailConnection? connection = null;
        try
        {
            connection = await MailConnection.ConnectAsync(endpoint, options, cancel);
            if (!protocol.ImplicitTls)
            {
                await AskForTlsAsync(connection, cancel);
            }

            return (await exchange(connection.Stream), null);
        }
        catch (ProbeEndedException ended)
        {
            return (null, ended);
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    async Task AskForTlsAsync(MailConnection connection, CancellationToken cancel)
    {
        var words = MailDialogue.For(protocol);
        var opening = await words.OpenAsync(connection, options, cancel);
        if (!opening.StartTls)
        {
            throw connection.Ended(Reach.Refused, "STARTTLS is not offered any more");
        }

        await connection.SayAsync(words.StartTls, cancel);
        var (reply, yes, forNow) = await words.StartTlsReplyAsync(connection, options, cancel);
        if (!yes)
        {
            throw connection.Ended(forNow ? Reach.TurnedAway : Reach.Refused, ProbeTranscript.Clean(reply));
        }
    }
}
