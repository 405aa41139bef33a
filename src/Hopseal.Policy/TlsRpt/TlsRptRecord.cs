using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Hopseal.Policy.TlsRpt;

/// <summary>The TXT record at <c>_smtp._tls</c> by which a domain asks for reports about TLS with it (RFC 8460 §3), for example
/// <c>v=TLSRPTv1; rua=mailto:tls@example.org</c>.</summary>
/// <param name="Targets">At least one. A report counts as delivered when one of them took it.</param>
public sealed record TlsRptRecord(ImmutableArray<ReportTarget> Targets)
{
    internal const string Version = "v=TLSRPTv1";

    const int MaxCharacters = 4096;
    const int MaxTargets = 10;
    const int MaxNameCharacters = 32;

    /// <summary>What stands under <c>rua</c> and cannot be used, each with the reason: other schemes, malformed URIs, more than 10.</summary>
    public ImmutableArray<string> Ignored { get; init; } = [];

    /// <summary>Strict: a record that breaks the grammar of RFC 8460 §3 is none. Fields that are not known are skipped, as the section
    /// asks.</summary>
    /// <param name="text">The strings of one TXT record, put together.</param>
    /// <param name="why">For people, set where it is no record.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out TlsRptRecord? record, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(text);
        (record, why) = Parse(text);
        return record is not null;
    }

    public bool Equals(TlsRptRecord? other) =>
        other is not null && Targets.AsSpan().SequenceEqual(other.Targets.AsSpan()) && Ignored.AsSpan().SequenceEqual(other.Ignored.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Targets.Length, Ignored.Length, Targets.FirstOrDefault());

    /// <summary>As it is published.</summary>
    public override string ToString() => $"{Version}; rua={string.Join(',', Targets)}";

    static (TlsRptRecord? Record, string? Why) Parse(string text)
    {
        if (text.Length > MaxCharacters)
        {
            return (null, $"it is longer than {MaxCharacters} characters");
        }

        var fields = text.Split(';');
        if (fields[0].TrimEnd(' ', '\t') != Version)
        {
            return (null, $"it does not begin with {Version};");
        }

        var uris = ImmutableArray.CreateBuilder<string>();
        for (var i = 1; i < fields.Length; i++)
        {
            var field = fields[i].Trim(' ', '\t');
            if (field.Length == 0 && i == fields.Length - 1)
            {
                break;
            }

            var equals = field.IndexOf('=', StringComparison.Ordinal);
            var value = field[(equals + 1)..];
            if (equals == 3 && field.StartsWith("rua", StringComparison.Ordinal))
            {
                uris.AddRange(value.Split(',').Select(uri => uri.Trim(' ', '\t')));
            }
            else if (equals < 0 || !IsExtensionName(field.AsSpan(0, equals)) || !IsExtensionValue(value))
            {
                return (null, $"field {i + 1} is not a name, an equals sign and a value");
            }
        }

        return uris.Count == 0 ? (null, "it has no rua") : Of(uris);
    }

    static (TlsRptRecord? Record, string? Why) Of(IEnumerable<string> uris)
    {
        var targets = ImmutableArray.CreateBuilder<ReportTarget>();
        var ignored = ImmutableArray.CreateBuilder<string>();
        foreach (var uri in uris)
        {
            if (targets.Count == MaxTargets)
            {
                ignored.Add($"more than {MaxTargets} are not used");
                break;
            }

            if (ReportTarget.TryParse(uri, out var target, out var why))
            {
                targets.Add(target);
            }
            else
            {
                ignored.Add($"{uri}: {why}");
            }
        }

        return targets.Count > 0
            ? (new TlsRptRecord(targets.DrainToImmutable()) { Ignored = ignored.DrainToImmutable() }, null)
            : (null, $"no report can be sent to what it names: {ignored[0]}");
    }

    static bool IsExtensionName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxNameCharacters || !char.IsAsciiLetterOrDigit(name[0]))
        {
            return false;
        }

        foreach (var character in name)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('_' or '-' or '.'))
            {
                return false;
            }
        }

        return true;
    }

    static bool IsExtensionValue(string value) => value.Length > 0 && value.All(character => character is > ' ' and <= '~' and not '=');
}
