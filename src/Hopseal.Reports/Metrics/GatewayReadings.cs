using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Relay.Queue;

namespace Hopseal.Reports.Metrics;

/// <summary>What is looked at now and then, and shown to whoever asks in between: so asking costs the gateway nothing, however often.</summary>
/// <param name="Queue">Null when it could not be read.</param>
/// <param name="OldestAge">How long ago the message in the queue was received that waits longest; zero for an empty queue. Null with <paramref name="Queue"/>.</param>
/// <param name="StsPolicies">MTA-STS policies of others that are kept and count.</param>
/// <param name="Resolver">Null before it was looked at, or when it is not looked at.</param>
/// <param name="Certificates">By chain file, how long what is shown of it is still valid; negative once it has expired.</param>
/// <param name="Tlsa">By name of ours.</param>
/// <param name="FanoutDropped">Records that a reader was too slow for, since the start.</param>
/// <param name="DatabaseDropped">Writes to the database of records that were given up, since the start.</param>
/// <param name="StrippingSuspects">Hosts that had TLS and offer none now.</param>
public sealed record GatewayReadings(
    QueueDepth? Queue,
    TimeSpan? OldestAge,
    int StsPolicies,
    ResolverState? Resolver,
    ImmutableArray<(string File, TimeSpan Remaining)> Certificates,
    ImmutableArray<(string Host, TlsaStanding Standing)> Tlsa,
    long FanoutDropped,
    long DatabaseDropped,
    int StrippingSuspects)
{
    /// <summary>Null where no domain is watched, or it could not be read.</summary>
    public MonitorReadings? Monitor { get; init; }
}
