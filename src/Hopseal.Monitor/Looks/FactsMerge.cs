using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Looks;

/// <summary>Puts what was known before in the place of what a look could not find out: that somebody did not answer does not change what they
/// are.</summary>
/// <param name="Facts">With what was known before.</param>
/// <param name="Unanswered">What the look could not find out, whether it was known before or not.</param>
public sealed record FactsMerge(AuditFacts Facts, ImmutableArray<UnansweredPart> Unanswered)
{
    /// <summary>For so long what was known before stands; after that it is not known.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromDays(14);

    /// <param name="before">Null: nothing is known.</param>
    /// <param name="unanswered">Of the look before.</param>
    public static FactsMerge Of(AuditFacts now, AuditFacts? before, ImmutableArray<UnansweredPart> unanswered)
    {
        ArgumentNullException.ThrowIfNull(now);
        var asking = new Asking(now.At, unanswered);
        var domain = now.Domain is { } asked ? DomainPart(asked, before?.Domain, asking) : null;

        // Which hosts there are follows from the MX records.
        var hosts = now.Domain is { Mx.State: MxState.NotKnown } && domain is { Mx.State: not MxState.NotKnown } && before is not null
            ? before.Hosts
            : now.Hosts.Select(host => HostMerge.Of(host, Same(host, before), asking)).ToImmutableArray();
        return new FactsMerge(now with { Domain = domain, Hosts = hosts }, asking.Parts);
    }

    static HostFacts? Same(HostFacts host, AuditFacts? before) => before?.Hosts.FirstOrDefault(known => known.Name == host.Name);

    static DomainFacts DomainPart(DomainFacts now, DomainFacts? before, Asking asking) => now with
    {
        Mx = now.Mx.State is not MxState.NotKnown || !asking.Stands($"MX {now.Name}", now.Mx.Detail) ? now.Mx
            : before is { Mx: { State: not MxState.NotKnown } mx } ? mx : now.Mx,
        Sts = now.Sts.RecordKnown || !asking.Stands($"_mta-sts.{now.Name}", now.Sts.RecordProblem) ? now.Sts
            : before is { Sts: { RecordKnown: true } sts } ? sts : now.Sts,
        TlsRpt = now.TlsRpt.Known || !asking.Stands($"_smtp._tls.{now.Name}", now.TlsRpt.Problem) ? now.TlsRpt
            : before is { TlsRpt: { Known: true } reports } ? reports : now.TlsRpt,
    };
}

/// <summary>Notes what was not answered, and says whether what was known before still stands in its place.</summary>
sealed class Asking(DateTimeOffset now, ImmutableArray<UnansweredPart> before)
{
    const int MostParts = 100;
    const int MostCharacters = 300;

    readonly ImmutableArray<UnansweredPart>.Builder _parts = ImmutableArray.CreateBuilder<UnansweredPart>();

    public ImmutableArray<UnansweredPart> Parts => _parts.ToImmutable();

    public bool Stands(string part, string? why)
    {
        var since = before.FirstOrDefault(known => known.Part == part)?.Since ?? now;
        if (_parts.Count < MostParts)
        {
            _parts.Add(new UnansweredPart(part, why is { Length: > MostCharacters } ? $"{why[..MostCharacters]}…" : why ?? "", since));
        }

        return now - since < FactsMerge.Patience;
    }

    public static string NameOf(HostFacts host, EndpointFacts endpoint) =>
        string.Create(CultureInfo.InvariantCulture, $"{host.Name} [{endpoint.Address}]:{endpoint.Port}").TrimStart();
}
