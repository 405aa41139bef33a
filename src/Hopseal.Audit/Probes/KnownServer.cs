using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Probes;

/// <summary>What an address was found to do, under the first name that it was asked by in this run. Under another one it is the same server: a mail server
/// chooses its certificate by the name, and nothing else.</summary>
/// <param name="Name">Null: by its address.</param>
/// <param name="Chains">Of every kind that it showed under that name.</param>
/// <param name="BestOlder">The newest version before TLS 1.3, in which certificates can be seen.</param>
/// <param name="EveryKind">Every kind of certificate was asked for.</param>
/// <param name="CutBy">Less was asked than could be, as other names of that check waited: another check asks anew. Null: it was not.</param>
sealed record KnownServer(
    string? Name, EndpointFacts Facts, ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>> Chains, WireVersion? BestOlder, bool EveryKind, ConnectionBudget? CutBy)
{
    /// <summary>Null where it did not come to an end: nothing stands for another name then.</summary>
    public static KnownServer? Of(EndpointFacts facts, string? name, TlsProbeResult result, bool everyKind, ConnectionBudget? cutBy) =>
        facts is { Handshake: { Works: true, Chain.IsEmpty: false }, Tls.Speaks: true } ? new KnownServer(name, facts, result.Chains, result.BestOlder, everyKind, cutBy) : null;

    /// <param name="first">What the first connection by another name found.</param>
    /// <param name="budget">Of the check that asks.</param>
    public bool StandsFor(EndpointFacts first, ConnectionBudget budget) =>
        (CutBy is null || CutBy == budget)
        && first is { Handshake: { Works: true, Chain.IsEmpty: false } handshake } && (handshake.Version, handshake.Cipher) == (Facts.Handshake!.Version, Facts.Handshake.Cipher);

    /// <summary>Those that it shows under that other name as well; default where it shows others, or nobody asked.</summary>
    public ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>> ChainsFor(EndpointFacts first) =>
        EveryKind && first.Handshake!.Chain[0].Fingerprint == Facts.Handshake!.Chain[0].Fingerprint ? Chains : default;

    public EndpointFacts CarriedOver(EndpointFacts first, string? name) => first with
    {
        Injection = Facts.Injection,
        PlaintextMail = Facts.PlaintextMail,
        Tls = Facts.Tls,
        AskedAs = name == Name ? null : Name ?? Facts.Address,
    };
}
