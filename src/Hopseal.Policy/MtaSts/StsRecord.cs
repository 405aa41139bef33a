using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Hopseal.Dns;

namespace Hopseal.Policy.MtaSts;

/// <summary>The TXT record that announces a policy (RFC 8461 §3.1), for example <c>v=STSv1; id=20160831085700Z;</c>.</summary>
/// <param name="Id">1 to 32 ASCII letters and digits. Another id is another policy; there is no order among them.</param>
public sealed record StsRecord(string Id)
{
    const string Version = "v=STSv1";
    const int MostIdCharacters = 32;
    const int MostNameCharacters = 32;

    /// <summary>The name that holds the record of this domain; null where the name would be too long to exist.</summary>
    public static DomainName? NameFor(DomainName domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return DomainName.TryParse($"_mta-sts.{domain}", out var name) ? name : null;
    }

    /// <summary>The one record that counts: what does not begin with the version is no record, and of two records neither is.</summary>
    /// <param name="why">For people: why there is none.</param>
    public static StsRecord? Choose(ImmutableArray<string> texts, out string why)
    {
        ImmutableArray<string> candidates = [.. texts.Where(IsCandidate)];
        (var found, why) = candidates switch
        {
            [] => ((StsRecord?)null, "no record begins with v=STSv1;"),
            [var only] when TryParse(only, out var record) => (record, ""),
            [_] => (null, "the record is malformed"),
            _ => (null, $"there are {candidates.Length} records, and none counts"),
        };
        return found;
    }

    /// <summary>Unknown fields are passed over; of a field that is there twice, the first counts (RFC 8461 §3.2).</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out StsRecord? record)
    {
        ArgumentNullException.ThrowIfNull(text);
        record = null;
        if (!IsCandidate(text))
        {
            return false;
        }

        string? id = null;
        var fields = text.Split(';');
        for (var i = 1; i < fields.Length; i++)
        {
            var field = fields[i].AsSpan().Trim(" \t");
            if (field.IsEmpty && i == fields.Length - 1)
            {
                break;
            }

            var equals = field.IndexOf('=');
            if (equals < 0 || !IsField(field[..equals], field[(equals + 1)..]))
            {
                return false;
            }

            if (field[..equals] is "id" && id is null)
            {
                id = field[(equals + 1)..].ToString();
            }
        }

        if (id is null || !IsId(id))
        {
            return false;
        }

        record = new StsRecord(id);
        return true;
    }

    /// <summary>As it is published.</summary>
    public override string ToString() => $"{Version}; id={Id};";

    static bool IsCandidate(string text) =>
        text.StartsWith(Version, StringComparison.Ordinal) && text.AsSpan(Version.Length).TrimStart(" \t").StartsWith(';');

    static bool IsId(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c))
            {
                return false;
            }
        }

        return text.Length is > 0 and <= MostIdCharacters;
    }

    static bool IsField(ReadOnlySpan<char> name, ReadOnlySpan<char> value) =>
        name.Length is > 0 and <= MostNameCharacters
        && char.IsAsciiLetterOrDigit(name[0])
        && !name.ContainsAnyExcept(s_nameCharacters)
        && !value.IsEmpty
        && !value.ContainsAnyExceptInRange('\x21', '\x7e')
        && !value.Contains('=');

    static readonly System.Buffers.SearchValues<char> s_nameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
}
