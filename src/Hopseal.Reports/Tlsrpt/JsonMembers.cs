using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Whether the absence of a member is worth a word.</summary>
enum Presence
{
    Optional,
    Expected,
}

/// <summary>The members of one JSON object, each as the type it should have, or as near to it as it comes.</summary>
/// <param name="path">Where the object stands; empty for the whole.</param>
readonly struct JsonMembers(JsonElement element, string path, ReportNotes notes)
{
    public string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public bool Has(string name) => Find(name) is not null;

    /// <summary>Null, and the report rejected, where it is missing or something else.</summary>
    public JsonMembers? Object(string name)
    {
        switch (Find(name))
        {
            case { ValueKind: JsonValueKind.Object } found:
                return new JsonMembers(found, PathOf(name), notes);
            case null:
                notes.Reject(PathOf(name), "is missing");
                return null;
            default:
                notes.Reject(PathOf(name), "is no object");
                return null;
        }
    }

    /// <summary>A single object is taken for an array of one. Null where it is missing; the report is rejected where it is something
    /// else.</summary>
    public IReadOnlyList<JsonMembers>? Objects(string name, int most)
    {
        var at = PathOf(name);
        switch (Find(name))
        {
            case null:
                return null;
            case { ValueKind: JsonValueKind.Object } single:
                notes.Warn(at, "is one object; taken for a list of one");
                return [new JsonMembers(single, $"{at}[0]", notes)];
            case { ValueKind: JsonValueKind.Array } array when array.GetArrayLength() > most:
                notes.Reject(at, $"has more than {most} entries");
                return [];
            case { ValueKind: JsonValueKind.Array } array:
                return Objects(array, at);
            default:
                notes.Reject(at, "is no list");
                return [];
        }
    }

    /// <summary>Bounded, without control characters. A number is taken as it is written.</summary>
    public string? Text(string name, Presence presence)
    {
        switch (Find(name))
        {
            case null:
                if (presence is Presence.Expected)
                {
                    notes.Warn(PathOf(name), "is missing");
                }

                return null;
            case { ValueKind: JsonValueKind.String } text:
                return Clean(text.GetString()!, PathOf(name)) is { Length: > 0 } clean ? clean : Empty(PathOf(name), presence);
            case { ValueKind: JsonValueKind.Number } number:
                notes.Warn(PathOf(name), "is a number, and should be a text");
                return Clean(number.GetRawText(), PathOf(name));
            case { } other:
                notes.Warn(PathOf(name), $"is no text but {Kind(other)}, and was left out");
                return null;
        }
    }

    /// <summary>Texts of a list; one text is taken for a list of one. What is no text is left out.</summary>
    public ImmutableArray<string> Texts(string name)
    {
        var at = PathOf(name);
        switch (Find(name))
        {
            case null:
                return [];
            case { ValueKind: JsonValueKind.String } single:
                notes.Warn(at, "is one text, and should be a list");
                return Clean(single.GetString()!, at) is { Length: > 0 } only ? [only] : [];
            case { ValueKind: JsonValueKind.Array } array:
                return Texts(array, at);
            case { } other:
                notes.Warn(at, $"is no list but {Kind(other)}, and was left out");
                return [];
        }
    }

    /// <summary>Null where it is missing or makes no sense; said either way.</summary>
    /// <param name="instead">What is taken then, for people.</param>
    public long? Count(string name, string instead)
    {
        var at = PathOf(name);
        if (Find(name) is not { } found)
        {
            notes.Warn(at, $"is missing; {instead}");
            return null;
        }

        var text = found.ValueKind is JsonValueKind.String ? found.GetString()! : found.GetRawText();
        if (found.ValueKind is not (JsonValueKind.Number or JsonValueKind.String)
            || !decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
            || number != decimal.Truncate(number))
        {
            notes.Warn(at, $"is no count; {instead}");
            return null;
        }

        if (found.ValueKind is JsonValueKind.String)
        {
            notes.Warn(at, "is a text, and should be a number");
        }

        if (number > ReportLimits.MostSessions)
        {
            notes.Warn(at, $"is more than anybody can have counted; {ReportLimits.MostSessions} was taken");
            return ReportLimits.MostSessions;
        }

        return (long)number;
    }

    List<JsonMembers> Objects(JsonElement array, string at)
    {
        var objects = new List<JsonMembers>(array.GetArrayLength());
        foreach (var entry in array.EnumerateArray())
        {
            var where = $"{at}[{objects.Count}]";
            if (entry.ValueKind is not JsonValueKind.Object)
            {
                notes.Reject(where, "is no object");
                return [];
            }

            objects.Add(new JsonMembers(entry, where, notes));
        }

        return objects;
    }

    ImmutableArray<string> Texts(JsonElement array, string at)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        var index = -1;
        foreach (var entry in array.EnumerateArray())
        {
            index++;
            if (texts.Count == ReportLimits.MostLines)
            {
                notes.Warn(at, $"has more than {ReportLimits.MostLines} entries; the others were left out");
                break;
            }

            if (entry.ValueKind is not JsonValueKind.String)
            {
                notes.Warn($"{at}[{index}]", $"is no text but {Kind(entry)}, and was left out");
            }
            else if (Clean(entry.GetString()!, at) is { Length: > 0 } text)
            {
                texts.Add(text);
            }
        }

        return texts.DrainToImmutable();
    }

    /// <summary>A member that is null is none.</summary>
    JsonElement? Find(string name) =>
        element.TryGetProperty(name, out var found) && found.ValueKind is not JsonValueKind.Null ? found : null;

    string? Empty(string at, Presence presence)
    {
        if (presence is Presence.Expected)
        {
            notes.Warn(at, "is empty");
        }

        return null;
    }

    string Clean(string text, string at)
    {
        var clean = ReportText.Clean(text, out var cut);
        if (cut)
        {
            notes.Warn(at, $"is longer than {ReportLimits.MostCharacters} characters, and was cut");
        }

        return clean;
    }

    static string Kind(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Number => "a number",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };
}
