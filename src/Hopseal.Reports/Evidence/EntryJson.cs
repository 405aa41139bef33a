using System.Text.Json;

namespace Hopseal.Reports.Evidence;

/// <summary>Members of an entry that are written in more than one place.</summary>
static class EntryJson
{
    public static void Point(this Utf8JsonWriter json, string name, LedgerPoint? point)
    {
        if (point is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("seq", point.Seq);
        json.WriteString("hash", point.Hash);
        json.WriteEndObject();
    }

    public static void Text(this Utf8JsonWriter json, string name, string? text)
    {
        if (text is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, LineWriter.Clip(text));
        }
    }

    public static void Time(this Utf8JsonWriter json, string name, DateTimeOffset time)
    {
        Span<byte> room = stackalloc byte[EntryTime.Room];
        json.WriteString(name, EntryTime.Write(time, room));
    }

    public static void NumberOrNull(this Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    public static void List(this Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(LineWriter.Clip(text));
        }

        json.WriteEndArray();
    }
}
