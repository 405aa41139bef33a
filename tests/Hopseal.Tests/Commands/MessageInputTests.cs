using System.Text;
using Hopseal.Commands;

namespace Hopseal.Tests.Commands;

public sealed class MessageInputTests
{
    [Theory]
    [InlineData("a", "a\r\n")]
    [InlineData("a\n", "a\r\n")]
    [InlineData("a\r\n", "a\r\n")]
    [InlineData("a\n\r\nb\n", "a\r\n\r\nb\r\n")]
    [InlineData("\n", "\r\n")]
    [InlineData(".\n..\n", ".\r\n..\r\n")]
    public void Every_line_ends_with_CRLF(string text, string wire)
    {
        Assert.Equal(wire, Encoding.ASCII.GetString(MessageInput.ToWire(Encoding.ASCII.GetBytes(text))));
    }

    [Theory]
    [InlineData("a\rb\n", 1)]
    [InlineData("a\n\r\r\n", 2)]
    [InlineData("a\n\0\n", 2)]
    public void What_is_read_differently_by_different_servers_is_refused(string text, int line)
    {
        var refused = Assert.Throws<UsageException>(() => MessageInput.ToWire(Encoding.ASCII.GetBytes(text)));
        Assert.Equal($"line {line} of the message holds a carriage return without line feed, or a NUL", refused.Message);
    }

    [Fact]
    public async Task No_message_is_refused()
    {
        var refused = await Assert.ThrowsAsync<UsageException>(
            () => MessageInput.ReadAsync(Stream.Null, TestContext.Current.CancellationToken));
        Assert.Equal("the message is empty", refused.Message);
    }
}
