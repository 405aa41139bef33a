using System.Text;
using System.Text.Json;

namespace Hopseal.Reports.Evidence;

/// <summary>Which entries are wanted. Makes nothing for an entry.</summary>
sealed class EntryFilter(EvidenceQuery query)
{
    readonly byte[] _from = EntryTime.Octets(query.From);
    readonly byte[] _to = EntryTime.Octets(query.To);
    readonly byte[]? _domain = query.Domain is null ? null : Encoding.UTF8.GetBytes(query.Domain);

    public bool Takes(in EntryFrame frame, ReadOnlySpan<byte> line) => TakesTime(frame) && (_domain is null || IsOfDomain(line));

    public bool TakesTime(in EntryFrame frame) => frame.Time.SequenceCompareTo(_from) >= 0 && frame.Time.SequenceCompareTo(_to) < 0;

    bool IsOfDomain(ReadOnlySpan<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            while (json.Read())
            {
                if (json is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && json.ValueTextEquals("domain"u8))
                {
                    return json.Read() && json.TokenType is JsonTokenType.String && json.ValueTextEquals(_domain);
                }
            }
        }
        catch (JsonException)
        {
            // The chain says what is wrong with it.
        }

        return false;
    }
}
