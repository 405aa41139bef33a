using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Import;

/// <summary>A rule of <c>Outbound.Rules</c> that stands for an entry of the table.</summary>
sealed record ImportedRule(int Line, string Destination, SecurityFloor Tls)
{
    public ImmutableArray<string> Names { get; init; } = [];

    public TlsVersion? MinimumVersion { get; init; }

    public ImmutableArray<CertificatePin> Fingerprints { get; init; } = [];

    /// <summary>Files, as the table names them.</summary>
    public ImmutableArray<string> Roots { get; init; } = [];
}

/// <summary>Something to know of a line of the table.</summary>
/// <param name="IsLoss">The rules do not say what the line says. Else nothing is lost.</param>
readonly record struct ImportNote(int Line, bool IsLoss, string Words);

/// <summary>What became of a table.</summary>
sealed record ImportedPolicy(ImmutableArray<ImportedRule> Rules, ImmutableArray<ImportNote> Notes);

/// <summary>Turns a Postfix <c>smtp_tls_policy_maps</c> table (postconf(5)) into rules. Two things differ and are said where they matter: of
/// Postfix's entries the most specific one counts alone, while rules add up; and a Postfix entry may lower, while here only an exception does, which
/// needs an end, a reason and an owner that no table has.</summary>
static class PostfixTlsPolicy
{
    const int MostEntries = 100_000;
    const int MostNotes = 10_000;

    /// <exception cref="InvalidDataException">It is no such table.</exception>
    public static ImportedPolicy Read(byte[] content)
    {
        var rules = new List<ImportedRule>();
        var notes = new List<ImportNote>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        var entries = 0;
        foreach (var entry in PostfixTable.Read(content))
        {
            if (++entries > MostEntries || notes.Count > MostNotes)
            {
                throw new InvalidDataException($"line {entry.Line}: has more than {MostEntries} entries, or too many that cannot be carried over");
            }

            var reading = new PostfixTlsEntry(entry, (isLoss, words) => notes.Add(new ImportNote(entry.Line, isLoss, words)));
            if (!seen.TryAdd(entry.Key, entry.Line))
            {
                notes.Add(new ImportNote(entry.Line, true, $"left out: line {seen[entry.Key]} is for {Shown.Text(entry.Key)} already"));
            }
            else if (reading.Rule() is { } rule)
            {
                rules.Add(rule);
            }
        }

        ImmutableArray<ImportedRule> kept = [.. WithoutTwins(rules, notes)];
        return new ImportedPolicy([.. kept.OrderBy(rule => rule.Line)], [.. notes.OrderBy(note => note.Line)]);
    }

    /// <summary>Two entries that differ in brackets and port only are for one destination; and one that asks for less than another that is for more
    /// would have to be an exception.</summary>
    static IEnumerable<ImportedRule> WithoutTwins(List<ImportedRule> rules, List<ImportNote> notes)
    {
        var first = new Dictionary<string, ImportedRule>(StringComparer.Ordinal);
        foreach (var rule in rules)
        {
            if (!first.TryAdd(rule.Destination, rule))
            {
                Leave(rule, $"for {rule.Destination} as line {first[rule.Destination].Line} is; a rule knows no port");
            }
        }

        foreach (var rule in first.Values)
        {
            if (Wider(rule.Destination).Select(wide => first.GetValueOrDefault(wide)).FirstOrDefault(other => other is not null && Lowers(rule, other)) is { } wider)
            {
                Leave(rule, $"asks for less than line {wider.Line} for {wider.Destination}, which holds here as well; write an exception, with Until, Reason and Owner");
            }
            else
            {
                yield return rule;
            }
        }

        void Leave(ImportedRule rule, string why) => notes.Add(new ImportNote(rule.Line, IsLoss: true, $"left out: {why}"));
    }

    static IEnumerable<string> Wider(string destination)
    {
        if (destination[0] is '[')
        {
            yield break;
        }

        var start = destination[0] is '*' ? 2 : 0;
        for (var dot = destination.IndexOf('.', start); dot >= 0; dot = destination.IndexOf('.', dot + 1))
        {
            yield return "*" + destination[dot..];
        }
    }

    static bool Lowers(ImportedRule rule, ImportedRule other) =>
        other.Tls > rule.Tls || (other.MinimumVersion ?? TlsVersion.Tls12) > (rule.MinimumVersion ?? TlsVersion.Tls12);
}
