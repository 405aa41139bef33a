using System.Text;

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
