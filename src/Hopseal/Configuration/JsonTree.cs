using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;

namespace Hopseal.Configuration;

/// <summary>Reads JSON (RFC 8259) with comments and trailing commas into nodes that know their line. Every key that occurs twice
/// is a fault: with most readers the last one wins in silence.</summary>
static class JsonTree
{
    const int MaxDepth = 32;

    /// <returns>Null when the text is no JSON object; the fault says where.</returns>
    public static ConfigNode.Table? Read(ReadOnlySpan<byte> utf8, string source, FaultList faults)
    {
        if (utf8.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        if (!Utf8.IsValid(utf8))
        {
            faults.Error(new Origin(source, FirstInvalidLine(utf8)), "", "the file is not UTF-8 text");
            return null;
        }

        var cursor = new Cursor(utf8, source, faults);
        try
        {
            return cursor.ReadDocument();
        }
        catch (JsonException e)
        {
            // The reader's own message ends with the position, which the origin says already.
            var message = e.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            faults.Error(new Origin(source, (int)(e.LineNumber ?? 0) + 1), "", $"not valid JSON: {message}");
            return null;
        }
    }

    static int FirstInvalidLine(ReadOnlySpan<byte> utf8)
    {
        var line = 1;
        foreach (var range in utf8.Split((byte)'\n'))
        {
            if (!Utf8.IsValid(utf8[range]))
            {
                break;
            }

            line++;
        }

        return line;
    }

    ref struct Cursor(ReadOnlySpan<byte> utf8, string source, FaultList faults)
    {
        readonly ReadOnlySpan<byte> _utf8 = utf8;
        Utf8JsonReader _reader = new(utf8, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = MaxDepth,
        });

        int _counted;
        int _line = 1;

        public ConfigNode.Table? ReadDocument()
        {
            _reader.Read();
            var root = ReadValue("");
            while (_reader.Read())
            {
                // Only comments may follow; anything else throws.
            }

            if (root is not ConfigNode.Table table)
            {
                faults.Error(root.Origin, "", $"expected an object {{ … }}, found {root.Kind}");
                return null;
            }

            return table;
        }

        ConfigNode ReadValue(string key)
        {
            var origin = Here();
            switch (_reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    return ReadTable(origin, key);
                case JsonTokenType.StartArray:
                    return ReadList(origin, key);
                case JsonTokenType.String:
                    return new ConfigNode.Text(origin, ReadText(origin, key));
                case JsonTokenType.Number:
                    return new ConfigNode.Number(origin, System.Text.Encoding.UTF8.GetString(_reader.ValueSpan));
                case JsonTokenType.True:
                    return new ConfigNode.Flag(origin, true);
                case JsonTokenType.False:
                    return new ConfigNode.Flag(origin, false);
                default:
                    return new ConfigNode.Nothing(origin);
            }
        }

        ConfigNode.Table ReadTable(Origin origin, string key)
        {
            var members = ImmutableArray.CreateBuilder<ConfigMember>();
            var lines = new Dictionary<string, int?>(StringComparer.Ordinal);
            while (_reader.Read() && _reader.TokenType is not JsonTokenType.EndObject)
            {
                var nameOrigin = Here();
                var name = ReadText(nameOrigin, key);
                var memberKey = KeyPath.Member(key, name);
                _reader.Read();
                var value = ReadValue(memberKey);
                if (lines.TryAdd(name, nameOrigin.Line))
                {
                    members.Add(new ConfigMember(name, nameOrigin, value));
                }
                else
                {
                    faults.Error(nameOrigin, memberKey, $"is here a second time; the first is in line {lines[name]}");
                }
            }

            return new ConfigNode.Table(origin, members.ToImmutable());
        }

        ConfigNode.List ReadList(Origin origin, string key)
        {
            var items = ImmutableArray.CreateBuilder<ConfigNode>();
            while (_reader.Read() && _reader.TokenType is not JsonTokenType.EndArray)
            {
                items.Add(ReadValue(KeyPath.Item(key, items.Count)));
            }

            return new ConfigNode.List(origin, items.ToImmutable());
        }

        readonly string ReadText(Origin origin, string key)
        {
            try
            {
                return _reader.GetString() ?? "";
            }
            catch (InvalidOperationException)
            {
                // An escaped lone surrogate: valid by the grammar of JSON, but no text.
                faults.Error(origin, key, "holds an escape that is no character");
                return "";
            }
        }

        Origin Here()
        {
            var start = (int)_reader.TokenStartIndex;
            _line += _utf8[_counted..start].Count((byte)'\n');
            _counted = start;
            return new Origin(source, _line);
        }
    }
}

/// <summary>How a key is written in messages: <c>Domains["example.org"].NextHop</c>, <c>Listeners[1].Mode</c>.</summary>
static class KeyPath
{
    public static string Member(string parent, string name)
    {
        if (name.Length == 0 || !name.All(char.IsAsciiLetterOrDigit))
        {
            return $"{parent}[{Shown.Text(name)}]";
        }

        return parent.Length == 0 ? name : $"{parent}.{name}";
    }

    public static string Item(string parent, int index) => $"{parent}[{index}]";
}
