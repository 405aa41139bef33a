using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class DataDecoderTests
{
    [Theory]
    [InlineData(".\r\n", "")]
    [InlineData("a\r\n.\r\n", "a\r\n")]
    [InlineData("..\r\n.\r\n", ".\r\n")]
    [InlineData("...\r\n.\r\n", "..\r\n")]
    [InlineData(".a\r\n.\r\n", "a\r\n")]
    [InlineData("a.\r\n.\r\n", "a.\r\n")]
    [InlineData("a\r\n\r\n.\r\n", "a\r\n\r\n")]
    [InlineData("a\r\n..\r\nb\r\n.c\r\n.\r\n", "a\r\n.\r\nb\r\nc\r\n")]
    [InlineData("\u00e9\r\n.\r\n", "\u00e9\r\n")]
    public void What_was_stuffed_comes_out_as_it_was_written(string wire, string content)
    {
        var decoded = Decode([Encoding.UTF8.GetBytes(wire + "QUIT\r\n")]);

        Assert.Equal(content, Encoding.UTF8.GetString(decoded.Content));
        Assert.Equal(ContentFault.None, decoded.Fault);
        Assert.Equal("QUIT\r\n", Encoding.UTF8.GetString(decoded.Rest!));
    }

    /// <summary>The variants that were published as SMTP smuggling: each was an end of data to some server.</summary>
    [Theory]
    [InlineData("\n.\n")]
    [InlineData("\n.\r\n")]
    [InlineData("\r.\r")]
    [InlineData("\r.\r\n")]
    [InlineData("\r\n.\n")]
    [InlineData("\r\n.\r")]
    [InlineData("\n.\r")]
    [InlineData("\r.\n")]
    [InlineData("\r\n\0.\r\n")]
    [InlineData("\r\n.\0\r\n")]
    [InlineData("\r\n.\r\0\n")]
    [InlineData("\r\r\n.\n")]
    [InlineData("\n\n.\r\n")]
    [InlineData("\r\n.\r\r\n")]
    [InlineData("\r.\r\r\n")]
    [InlineData("\r\n.\n\r\n")]
    public void A_smuggled_end_of_data_ends_nothing_and_spoils_the_message(string smuggled)
    {
        const string injected = "MAIL FROM:<admin@victim.test>\r\n";
        var wire = Encoding.ASCII.GetBytes("body" + smuggled + injected);

        var open = Decode([wire]);
        var closed = Decode([[.. wire, .. "\r\n.\r\n"u8]]);

        Assert.Null(open.Rest);
        Assert.Equal([], closed.Rest!);
        Assert.NotEqual(ContentFault.None, closed.Fault);
    }

    [Theory]
    [InlineData("a\nb\r\n.\r\n", ContentFault.BareLineBreak)]
    [InlineData("a\rb\r\n.\r\n", ContentFault.BareLineBreak)]
    [InlineData("a\0b\r\n.\r\n", ContentFault.Nul)]
    [InlineData("a\0\n\r\n.\r\n", ContentFault.Nul)]
    [InlineData("\r\r\n.\r\n", ContentFault.BareLineBreak)]
    public void The_first_fault_is_named(string wire, ContentFault fault) =>
        Assert.Equal(fault, Decode([Encoding.ASCII.GetBytes(wire)]).Fault);

    [Property(MaxTest = 3000)]
    public Property Any_chunking_gives_what_a_slow_decoder_gives() =>
        Prop.ForAll(s_inputs.ToArbitrary(), Chunkings.ToArbitrary(), (input, sizes) =>
        {
            var expected = Oracle(input);
            var actual = Decode(Split(input, sizes));
            return expected.Fault == actual.Fault
                && (expected.Rest is null) == (actual.Rest is null)
                && (expected.Rest is null || (expected.Content.AsSpan().SequenceEqual(actual.Content) && expected.Rest.AsSpan().SequenceEqual(actual.Rest)));
        });

    [Fact]
    public void Every_short_input_in_every_chunking_gives_what_a_slow_decoder_gives()
    {
        byte[] alphabet = [(byte)'\r', (byte)'\n', (byte)'.', (byte)'a'];
        foreach (var input in Words(alphabet, 6))
        {
            var expected = Oracle(input);
            for (var cuts = 0; cuts < 1 << Math.Max(0, input.Length - 1); cuts++)
            {
                var actual = Decode(Cut(input, cuts));
                Assert.Equal(expected.Rest is null, actual.Rest is null);
                Assert.Equal(expected.Fault, actual.Fault);
                if (expected.Rest is not null)
                {
                    Assert.Equal(expected.Content, actual.Content);
                    Assert.Equal(expected.Rest, actual.Rest);
                }
            }
        }
    }

    static Gen<int[]> Chunkings { get; } = Gen.Choose(1, 7).ArrayOf();

    static readonly Gen<byte[]> s_inputs =
        from pieces in Gen.Elements("\r\n", "\r\n", "\r", "\n", ".", ".\r\n", "\r\n.\r\n", "a", "text", "\0").ArrayOf()
        select Encoding.ASCII.GetBytes(string.Concat(pieces));

    sealed record Decoded(byte[] Content, ContentFault Fault, byte[]? Rest);

    /// <summary>Feeds chunk after chunk as a session would: what was not consumed is scanned again.</summary>
    static Decoded Decode(IEnumerable<byte[]> chunks)
    {
        var decoder = new DataDecoder();
        var content = new List<byte>();
        var buffer = Array.Empty<byte>();
        byte[]? rest = null;
        foreach (var chunk in chunks)
        {
            if (rest is not null)
            {
                rest = [.. rest, .. chunk];
                continue;
            }

            buffer = [.. buffer, .. chunk];
            while (true)
            {
                var piece = decoder.Scan(buffer);
                content.AddRange(buffer.AsSpan(piece.ContentStart, piece.ContentLength));
                buffer = buffer[piece.Consumed..];
                if (piece.IsEnd)
                {
                    rest = buffer;
                    break;
                }

                if (piece.Consumed == 0)
                {
                    break;
                }
            }
        }

        return new Decoded([.. content], decoder.Fault, rest);
    }

    /// <summary>RFC 5321 §4.5.2 as it is written, over the whole text at once.</summary>
    static Decoded Oracle(byte[] input)
    {
        var text = "\r\n" + Encoding.Latin1.GetString(input);
        var end = text.IndexOf("\r\n.\r\n", StringComparison.Ordinal);
        var body = end < 0 ? text : text[..(end + 2)];
        var unstuffed = body.Replace("\r\n.", "\r\n", StringComparison.Ordinal)[2..];
        return new Decoded(Encoding.Latin1.GetBytes(unstuffed), FaultOf(end < 0 ? Undecided(text) : body), end < 0 ? null : Encoding.Latin1.GetBytes(text[(end + 5)..]));
    }

    /// <summary>Without the octets at the end that only their successor could explain.</summary>
    static string Undecided(string text) => text.EndsWith('\r') ? text[..^1] : text;

    static ContentFault FaultOf(string text)
    {
        var marked = text.Replace("\r\n", "\u0001", StringComparison.Ordinal);
        var at = marked.IndexOfAny(['\r', '\n', '\0']);
        return at < 0 ? ContentFault.None : marked[at] == '\0' ? ContentFault.Nul : ContentFault.BareLineBreak;
    }

    static IEnumerable<byte[]> Split(byte[] input, int[] sizes)
    {
        var at = 0;
        for (var i = 0; at < input.Length; i++)
        {
            var size = Math.Min(sizes.Length == 0 ? input.Length : sizes[i % sizes.Length], input.Length - at);
            yield return input[at..(at + size)];
            at += size;
        }
    }

    static IEnumerable<byte[]> Cut(byte[] input, int cuts)
    {
        var from = 0;
        for (var i = 1; i <= input.Length; i++)
        {
            if (i == input.Length || (cuts & (1 << (i - 1))) != 0)
            {
                yield return input[from..i];
                from = i;
            }
        }
    }

    static IEnumerable<byte[]> Words(byte[] alphabet, int length)
    {
        IEnumerable<byte[]> words = [[]];
        for (var i = 0; i < length; i++)
        {
            words = [.. words.SelectMany(word => alphabet.Select(letter => (byte[])[.. word, letter]))];
        }

        return words;
    }
}
