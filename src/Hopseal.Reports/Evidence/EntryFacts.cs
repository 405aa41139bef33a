using System.Globalization;
using System.Text.Json;

namespace Hopseal.Reports.Evidence;

/// <summary>Members of an entry. Whatever is not as it should be is an exception that makes the entry unreadable: <see cref="KeyNotFoundException"/>,
/// <see cref="InvalidOperationException"/> or <see cref="FormatException"/>.</summary>
readonly struct EntryFacts(JsonElement entry)
{
    public string Text(string name) => entry.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    public string TextOr(string name, string otherwise) => entry.TryGetProperty(name, out var value) ? value.GetString() ?? otherwise : otherwise;

    public long Number(string name) => entry.GetProperty(name).GetInt64() is >= 0 and var number ? number : throw new FormatException($"{name} is negative");

    public string? NumberOrNull(string name) => entry.GetProperty(name) is { ValueKind: not JsonValueKind.Null } value
        ? value.GetInt64().ToString(CultureInfo.InvariantCulture)
        : null;

    public bool Flag(string name) => entry.GetProperty(name).GetBoolean();

    public IEnumerable<string> Texts(string name) => entry.GetProperty(name).EnumerateArray().Select(item => item.GetString() ?? "");

    public IEnumerable<EntryFacts> Items(string name) => entry.GetProperty(name).EnumerateArray().Select(item => new EntryFacts(item));
}
