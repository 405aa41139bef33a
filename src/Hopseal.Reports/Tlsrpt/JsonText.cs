using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>JSON from anybody, made safe to walk through: bounded, and with texts that can be read.</summary>
static class JsonText
{
    // Deeper than allowed, to tell depth from what is no JSON.
    static readonly JsonReaderOptions s_reading = new() { MaxDepth = ReportLimits.MostDepth + 1 };

    // JSON without doubtful members first: the one who wrote a name twice may have meant either.
    static readonly JsonDocumentOptions s_strict = new() { MaxDepth = ReportLimits.MostDepth, AllowDuplicateProperties = false };
    static readonly JsonDocumentOptions s_lenient = s_strict with { AllowDuplicateProperties = true };

    /// <summary>Null, with the reason in <paramref name="fault"/>, where it is none.</summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> text, Action<string> warn, out string? fault)
    {
        text = Utf8Of(text, warn);
        fault = text.Length > ReportLimits.MostJsonOctets ? $"it is larger than {ReportLimits.MostJsonOctets} octets" : Check(text.Span);
        if (fault is not null)
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(text, s_strict);
        }
        catch (JsonException)
        {
            // It was checked, so this can only be a name that stands twice in one object.
            warn("a member stands twice; the last one counts");
            return JsonDocument.Parse(text, s_lenient);
        }
    }

    /// <summary>Without a byte order mark, and with every octet that is no UTF-8 replaced.</summary>
    static ReadOnlyMemory<byte> Utf8Of(ReadOnlyMemory<byte> text, Action<string> warn)
    {
        if (text.Span.StartsWith(Encoding.UTF8.Preamble))
        {
            warn("it begins with a byte order mark");
            text = text[Encoding.UTF8.Preamble.Length..];
        }

        if (Utf8.IsValid(text.Span))
        {
            return text;
        }

        warn("it is not UTF-8 throughout; what is not was replaced");
        return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text.Span));
    }

    /// <summary>One pass that keeps nothing.</summary>
    static string? Check(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, s_reading);
        var tokens = 0;
        try
        {
            while (reader.Read())
            {
                if (++tokens > ReportLimits.MostTokens)
                {
                    return $"it has more than {ReportLimits.MostTokens} members and values";
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= ReportLimits.MostDepth)
                {
                    return $"it is nested more than {ReportLimits.MostDepth} deep";
                }

                if (reader.ValueIsEscaped && !IsText(reader))
                {
                    return "it holds half of a surrogate pair, which is no text";
                }
            }

            return null;
        }
        catch (JsonException e)
        {
            return $"it is no JSON from line {e.LineNumber + 1}, octet {e.BytePositionInLine + 1} on";
        }
    }

    static bool IsText(in Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
