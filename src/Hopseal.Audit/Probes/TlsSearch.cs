using System.Collections.Immutable;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Probes;

/// <summary>Finds everything that a server accepts, by leaving out what it has accepted until it refuses.</summary>
sealed class TlsSearch(Func<ClientHello, CancellationToken, Task<(HelloAnswer Answer, ServerFlight? Flight)>> ask, SeenTls seen, string? serverName)
{
    /// <summary>Every suite of one version. The classes take turns, so that when connections run out something is known of each.</summary>
    /// <returns>Whether the search came to its end.</returns>
    public async Task<bool> SuitesAsync(WireVersion version, CancellationToken cancel)
    {
        var classes = version switch
        {
            WireVersion.Tls13 => [CipherSuites.Tls13],
            WireVersion.Tls12 => HelloOffers.Classes(CipherSuites.Tls12),
            _ => HelloOffers.Classes(CipherSuites.Older),
        };
        var turns = new Queue<List<CipherSuite>>(
            classes.Select(suites => suites.Where(suite => !seen.Accepts(version, suite)).ToList()).Where(suites => suites.Count > 0));
        var complete = true;
        while (turns.TryDequeue(out var open))
        {
            ImmutableArray<CipherSuite> offered = [.. open.Take(HelloOffers.MostSuites)];
            var hello = version is WireVersion.Tls13
                ? HelloOffers.Tls13(serverName, offered, NamedGroups.Tls13)
                : HelloOffers.Older12(serverName, version, offered);
            var (answer, flight) = await ask(hello, cancel);
            if (answer is HelloAnswer.NotAsked)
            {
                return false;
            }

            if (flight?.Version == version)
            {
                open.RemoveAll(suite => suite.Value == flight.Suite);
            }
            else
            {
                complete &= answer is HelloAnswer.Refused or HelloAnswer.Closed || flight is not null;
                open.RemoveRange(0, offered.Length);
            }

            if (open.Count > 0)
            {
                turns.Enqueue(open);
            }
        }

        return complete;
    }

    /// <summary>Every group of TLS 1.3: a hello without a share is answered by the group that the server wants.</summary>
    public async Task GroupsAsync(CancellationToken cancel)
    {
        var open = NamedGroups.Tls13.Where(group => !seen.Groups.Contains(group.Value)).ToList();
        while (open.Count > 0)
        {
            var (answer, flight) = await ask(HelloOffers.Tls13(serverName, CipherSuites.Tls13, [.. open]), cancel);
            if (flight is null || open.RemoveAll(group => group.Value == flight.Group) == 0)
            {
                seen.AllGroups = answer is HelloAnswer.Refused or HelloAnswer.Closed;
                return;
            }
        }

        seen.AllGroups = true;
    }

    /// <summary>Every curve of ECDHE. One that a certificate is on stays in the list, as the last one: without it the server cannot show
    /// that certificate (RFC 8422 §5.1.1).</summary>
    public async Task OlderGroupsAsync(WireVersion version, CancellationToken cancel)
    {
        ImmutableArray<CipherSuite> suites =
        [
            .. HelloOffers.StrongFirst.Where(suite => suite.KeyExchange is KeyExchange.Ecdhe && (version is WireVersion.Tls12 || !suite.NeedsTls12)),
        ];
        var needed = seen.Chains.Select(chain => Certificates.CurveOf(chain[0])).OfType<int>().ToHashSet();
        var open = NamedGroups.Curves12.ToList();
        while (open.Count > 0)
        {
            ImmutableArray<int> offered = [.. open.Select(group => group.Value), .. needed.Where(value => open.All(group => group.Value != value))];
            var (answer, flight) = await ask(HelloOffers.Older12(serverName, version, suites) with { Groups = offered }, cancel);
            if (flight is null || open.RemoveAll(group => group.Value == flight.Group) == 0)
            {
                // A server with an order of its own may ask for the certificate's curve again; then what it prefers less stays unseen.
                seen.AllOlderGroups = answer is HelloAnswer.Refused or HelloAnswer.Closed;
                return;
            }
        }

        seen.AllOlderGroups = true;
    }
}
