using System.Text;
using FsCheck.Xunit;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class XtextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("abc~!", "abc~!")]
    [InlineData("a+2Bb+3Dc+20d", "a+b=c d")]
    [InlineData("+41", "A")]
    public void It_is_decoded(string text, string value) => Assert.Equal(value, Read(text));

    [Theory]
    [InlineData("a b")]
    [InlineData("a=b")]
    [InlineData("a+")]
    [InlineData("a+2")]
    [InlineData("a+2b")]
    [InlineData("a+G0")]
    [InlineData("+0A")]
    [InlineData("+0D")]
    [InlineData("+00")]
    [InlineData("+09")]
    [InlineData("+7F")]
    [InlineData("+C3+BC")]
    [InlineData("ü")]
    public void What_is_malformed_or_not_printable_ascii_is_refused(string text) => Assert.Null(Read(text));

    [Property(MaxTest = 2000)]
    public bool Printable_text_comes_back_the_same(string text)
    {
        var value = string.Concat((text ?? "").Where(character => character is >= ' ' and <= '~'));
        var written = Xtext.Write(value);
        return Read(written) == value && written.All(character => character is > ' ' and <= '~' and not '=');
    }

    [Property(MaxTest = 5000)]
    public bool Whatever_is_read_is_printable(byte[] octets) =>
        !Xtext.TryRead(octets, out var value) || value.All(character => character is >= ' ' and <= '~');

    static string? Read(string text) => Xtext.TryRead(Encoding.UTF8.GetBytes(text), out var value) ? value : null;
}
