using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class DataWriterTests
{
    static (byte[] Wire, ContentFault Fault) Encode(byte[] content, int piece)
    {
        var writer = new DataWriter();
        using var wire = new MemoryStream();
        for (var at = 0; at < content.Length; at += piece)
        {
            if (!writer.TryWrite(content.AsSpan(at, Math.Min(piece, content.Length - at)), wire.Write))
            {
                return (wire.ToArray(), writer.Fault);
            }
        }

        writer.TryComplete(wire.Write);
        return (wire.ToArray(), writer.Fault);
    }

    /// <summary>RFC 5321 §4.5.2, read line by line and slowly.</summary>
    static string Decode(byte[] wire)
    {
        var lines = Encoding.Latin1.GetString(wire).Split("\r\n");
        Assert.Equal("", lines[^1]);
        Assert.Equal(".", lines[^2]);
        Assert.Equal(lines.Length - 2, Array.IndexOf(lines, "."));
        return string.Concat(lines[..^2].Select(line => (line.StartsWith('.') ? line[1..] : line) + "\r\n"));
    }

    [Theory]
    [InlineData("", ".\r\n")]
    [InlineData("a\r\n", "a\r\n.\r\n")]
    [InlineData("a", "a\r\n.\r\n")]
    [InlineData(".", "..\r\n.\r\n")]
    [InlineData(".\r\n", "..\r\n.\r\n")]
    [InlineData("..\r\n.a\r\n", "...\r\n..a\r\n.\r\n")]
    [InlineData("a.b\r\n\r\n.\r\n", "a.b\r\n\r\n..\r\n.\r\n")]
    public void Dots_are_doubled_at_line_starts_only(string content, string wire)
    {
        for (var piece = 1; piece <= content.Length + 1; piece++)
        {
            Assert.Equal(wire, Encoding.Latin1.GetString(Encode(Encoding.Latin1.GetBytes(content), piece).Wire));
        }
    }

    [Theory]
    [InlineData("a\nb", ContentFault.BareLineBreak)]
    [InlineData("a\rb", ContentFault.BareLineBreak)]
    [InlineData("a\r\n.\n", ContentFault.BareLineBreak)]
    [InlineData("a\r\r\n", ContentFault.BareLineBreak)]
    [InlineData("a\r", ContentFault.BareLineBreak)]
    [InlineData("\n", ContentFault.BareLineBreak)]
    [InlineData("a\0b\r\n", ContentFault.Nul)]
    public void What_is_no_text_is_never_completed_and_its_line_breaks_never_leave(string content, ContentFault fault)
    {
        for (var piece = 1; piece <= content.Length; piece++)
        {
            var (wire, found) = Encode(Encoding.Latin1.GetBytes(content), piece);
            Assert.Equal(fault, found);
            var text = Encoding.Latin1.GetString(wire);
            Assert.Equal(text.Count(c => c == '\r'), text.Count(c => c == '\n'));
            Assert.False(text.EndsWith("\r\n.\r\n", StringComparison.Ordinal));
            Assert.DoesNotContain('\0', text);
        }
    }

    /// <summary>Octets among which the ones that matter are frequent.</summary>
    static Arbitrary<byte[]> Octets => Gen.Elements((byte)'.', (byte)'\r', (byte)'\n', (byte)'a', (byte)0xE9).ArrayOf().ToArbitrary();

    static Arbitrary<string[]> Lines => Gen.Elements("", ".", "..", "a", ".a", "a.", new string('x', 300)).ArrayOf().ToArbitrary();

    [Property]
    public Property What_is_written_decodes_to_the_content() => Prop.ForAll(Lines, ArbMap.Default.ArbFor<PositiveInt>(), (lines, piece) =>
    {
        var content = string.Concat(lines.Select(line => line + "\r\n"));
        return Decode(Encode(Encoding.Latin1.GetBytes(content), piece.Get).Wire) == content;
    });

    [Property]
    public Property No_bare_line_break_ever_leaves() => Prop.ForAll(Octets, ArbMap.Default.ArbFor<PositiveInt>(), (content, piece) =>
    {
        var (wire, fault) = Encode(content, piece.Get);
        var text = Encoding.Latin1.GetString(wire).Replace("\r\n", "", StringComparison.Ordinal);
        var pure = Encoding.Latin1.GetString(content).Replace("\r\n", "", StringComparison.Ordinal).IndexOfAny(['\r', '\n']) < 0;
        return text.IndexOfAny(['\r', '\n']) < 0 && pure == (fault is ContentFault.None);
    });
}
