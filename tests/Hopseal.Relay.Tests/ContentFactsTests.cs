using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Hopseal.Relay.Tests;

public sealed class ContentFactsTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("Received: a\r\n\r\n", 1)]
    [InlineData("RECEIVED: a\r\nreceived : b\r\nReceived\t:c\r\n\r\n", 3)]
    [InlineData("Received: a\r\n\tReceived: folded\r\n Received: too\r\n\r\n", 1)]
    [InlineData("X-Received: a\r\nReceived-SPF: b\r\nReceive: c\r\nReceived\r\n\r\n", 0)]
    [InlineData("Subject: x\r\nReceived: a\r\n\r\nReceived: body\r\n", 1)]
    [InlineData("\r\nReceived: body\r\n", 0)]
    [InlineData("Received: a\n\nReceived: body\n", 1)]
    [InlineData("Received", 0)]
    [InlineData("\r\rReceived: x\r\nReceived: a\r\n", 2)]
    public void Trace_fields_are_counted_in_the_header_only_whatever_the_pieces(string content, int count)
    {
        var octets = Encoding.ASCII.GetBytes(content);
        for (var size = 1; size <= octets.Length + 1; size++)
        {
            var facts = new ContentFacts();
            foreach (var piece in octets.Chunk(size))
            {
                facts.Look(piece);
            }

            Assert.Equal(count, facts.ReceivedFields);
            Assert.False(facts.HasEightBit);
        }
    }

    [Theory]
    [InlineData("TLS-Required: No\r\n\r\n", true)]
    [InlineData("TLS-Required: No", true)]
    [InlineData("Subject: x\r\ntls-required:nO\r\nTo: y\r\n\r\nbody", true)]
    [InlineData("TLS-REQUIRED:\r\n No\r\n\r\n", true)]
    [InlineData("TLS-Required: \t\r\n\t \r\n No \r\n \r\n\r\n", true)]
    [InlineData("TLS-Required : No\n\n", true)]
    [InlineData("TLS-Required: Yes\r\n\r\n", false)]
    [InlineData("TLS-Required:\r\n\r\nNo\r\n", false)]
    [InlineData("TLS-Required: N\r\n o\r\n\r\n", false)]
    [InlineData("TLS-Required: N o\r\n\r\n", false)]
    [InlineData("TLS-Required: No\r\n thanks\r\n\r\n", false)]
    [InlineData("TLS-Required: No (really)\r\n\r\n", false)]
    [InlineData("TLS-Required: \"No\"\r\n\r\n", false)]
    [InlineData("TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false)]
    [InlineData("TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", false)]
    [InlineData("Subject: x\r\n TLS-Required: No\r\n\r\n", false)]
    [InlineData("Subject: x\r\n\r\nTLS-Required: No\r\n", false)]
    [InlineData("\r\nTLS-Required: No\r\n", false)]
    [InlineData("X-TLS-Required: No\r\n\r\n", false)]
    [InlineData("TLS-Required-By: No\r\n\r\n", false)]
    [InlineData("TLS Required: No\r\n\r\n", false)]
    [InlineData("TLS\rRequired: No\r\n\r\n", false)]
    [InlineData("TLS-Require: No\r\n\r\n", false)]
    [InlineData("TLS-Required\r\n : No\r\n\r\n", false)]
    public void Who_waives_tls_says_so_once_in_the_header_whatever_the_pieces(string content, bool waives)
    {
        var octets = Encoding.ASCII.GetBytes(content);
        Assert.Equal(waives, Oracle(octets));
        for (var size = 1; size <= octets.Length; size++)
        {
            Assert.Equal(waives, Waives(octets.Chunk(size)));
        }
    }

    /// <summary>Pieces of such fields, in any order and cut anywhere.</summary>
    [Property(MaxTest = 2000)]
    public Property What_is_read_octet_by_octet_is_what_is_there()
    {
        var words = Gen.Elements(
            "TLS-Required", "tls-required", "TLS", "-", "Required", "Received", ":", " ", "\t", "\r\n", "\n", "\r", "\r\n ", "No", "n", "O", "Yes", "\0", "\u00ff");
        return Prop.ForAll(words.ArrayOf().ToArbitrary(), Gen.Choose(1, 7).ToArbitrary(), (parts, size) =>
        {
            var octets = Encoding.Latin1.GetBytes(string.Concat(parts));
            return Waives(octets.Chunk(size)) == Oracle(octets);
        });
    }

    [Property]
    public bool Arbitrary_octets_are_survived(byte[] octets, PositiveInt size) =>
        Waives((octets ?? []).Chunk(size.Get)) == Oracle(octets ?? []);

    static bool Waives(IEnumerable<byte[]> pieces)
    {
        var facts = new ContentFacts();
        foreach (var piece in pieces)
        {
            facts.Look(piece);
        }

        return facts.WaivesTls;
    }

    /// <summary>The same with the whole content at hand: lines, unfolded, split at the colon.</summary>
    static bool Oracle(byte[] octets)
    {
        var fields = new List<string>();
        foreach (var line in Encoding.Latin1.GetString(octets).Split('\n').Select(line => line.TrimStart('\r')))
        {
            if (line.Length == 0)
            {
                break;
            }

            if (line[0] is ' ' or '\t' && fields.Count > 0)
            {
                fields[^1] += line;
            }
            else
            {
                fields.Add(line);
            }
        }

        var values = fields.Select(field => field.Split(':', 2))
            .Where(parts => parts.Length == 2 && parts[0].TrimEnd(' ', '\t').Equals("tls-required", StringComparison.OrdinalIgnoreCase))
            .Select(parts => parts[1].Trim(' ', '\t', '\r'))
            .ToList();
        return values.Count == 1 && values[0].Equals("no", StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void An_octet_above_127_is_found_wherever_it_is()
    {
        var facts = new ContentFacts();
        facts.Look("Subject: x\r\n\r\nplain\r\n"u8);
        Assert.False(facts.HasEightBit);
        facts.Look("gr\u00FC\u00DFe\r\n"u8);
        facts.Look("plain\r\n"u8);
        Assert.True(facts.HasEightBit);
    }
}
