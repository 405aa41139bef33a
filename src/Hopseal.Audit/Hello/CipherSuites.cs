using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace Hopseal.Audit.Hello;

/// <summary>Every suite that a mail server could accept: those of IANA's registry, the exports that were never registered, and the drafts of
/// ChaCha20 that were deployed. Those that need a secret shared beforehand (PSK, SRP, Kerberos) are left out: there is none.</summary>
public static class CipherSuites
{
    public static ImmutableArray<CipherSuite> All { get; } = [.. Load()];

    public static ImmutableArray<CipherSuite> Tls13 { get; } = [.. All.Where(suite => suite.IsTls13)];

    /// <summary>For TLS 1.2.</summary>
    public static ImmutableArray<CipherSuite> Tls12 { get; } = [.. All.Where(suite => !suite.IsTls13)];

    /// <summary>For SSL 3.0 to TLS 1.1.</summary>
    public static ImmutableArray<CipherSuite> Older { get; } = [.. Tls12.Where(suite => !suite.NeedsTls12)];

    static readonly FrozenDictionary<int, CipherSuite> s_byValue = All.ToFrozenDictionary(suite => suite.Value);

    public static CipherSuite? Find(int value) => s_byValue.GetValueOrDefault(value);

    /// <summary>The name at IANA; of an unknown one its number.</summary>
    public static string NameOf(int value) => Find(value)?.Name ?? $"0x{value.ToString("X4", CultureInfo.InvariantCulture)}";

    static IEnumerable<CipherSuite> Load()
    {
        using var stream = typeof(CipherSuites).Assembly.GetManifestResourceStream("Hopseal.Audit.Hello.suites.tsv")!;
        using var reader = new StreamReader(stream);
        foreach (var line in reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var columns = line.Split('\t');
            yield return CipherSuite.FromName(
                int.Parse(columns[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), columns[1], columns[2] == "-" ? null : columns[2]);
        }
    }
}
