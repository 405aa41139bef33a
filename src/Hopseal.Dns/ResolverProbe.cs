using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Dns;

/// <summary>Asks each resolver for a name that is known to be signed and for one whose signatures are known to be wrong, past every cache of ours.</summary>
/// <param name="options">Of the resolver that is judged; its servers are asked one by one.</param>
/// <param name="signed">It, or the denial that it exists, is signed up to a trust anchor of the resolvers.</param>
/// <param name="bogus">It has an address, and its signatures are wrong. Null: not asked.</param>
public sealed class ResolverProbe(TrustedResolverOptions options, DomainName signed, DomainName? bogus, TimeProvider clock)
{
    readonly ImmutableArray<Server> _servers = [.. ServerExchange.Chosen(options).Select(server => Server.Of(server.EndPoint, server.Trusted, options, clock))];

    /// <summary>Takes no longer than two questions with the options' deadline. Throws only when cancelled.</summary>
    public async ValueTask<ResolverHealth> CheckAsync(CancellationToken cancel)
    {
        var judged = await Task.WhenAll(_servers.Select(server => JudgeAsync(server, cancel)));
        return new ResolverHealth([.. judged], clock.GetUtcNow());
    }

    async Task<ServerHealth> JudgeAsync(Server server, CancellationToken cancel)
    {
        var found = await server.Resolver.Ipv4Async(signed, cancel);
        var forged = bogus is null ? null : await server.Resolver.Ipv4Async(bogus, cancel);
        return ServerHealth.Judge(server.EndPoint, server.Trusted, found, forged);
    }

    sealed record Server(IPEndPoint EndPoint, bool Trusted, TrustedResolver Resolver)
    {
        /// <summary>Its AD bit is looked at whether it is believed or not.</summary>
        public static Server Of(IPEndPoint endpoint, bool trusted, TrustedResolverOptions options, TimeProvider clock)
        {
            var alone = options with { Servers = [endpoint], TrustAuthenticData = true, CacheEntries = 0 };
            return new Server(endpoint, trusted, new TrustedResolver(alone, clock));
        }
    }
}
