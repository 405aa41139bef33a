using System.Text;
using FsCheck.Xunit;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Tests.Mail;

public sealed class UnicodeAddressTests
{
    [Theory]
    [InlineData("a@example.org", "a@example.org", "a@example.org")]
    [InlineData("jörg+x@example.org", @"j\x{F6}rg\x{2B}x@example.org", @"jörg\x{2B}x@example.org")]
    [InlineData("\"a b\\c=\"@x", @"""a\x{20}b\x{5C}c\x{3D}""@x", @"""a\x{20}b\x{5C}c\x{3D}""@x")]
    [InlineData("用户@例子.广告", @"\x{7528}\x{6237}@\x{4F8B}\x{5B50}.\x{5E7F}\x{544A}", "用户@例子.广告")]
    [InlineData("😀@x", @"\x{1F600}@x", "😀@x")]
    public void Both_forms_are_written_and_read(string address, string ascii, string unicode)
    {
        Assert.Equal(ascii, UnicodeAddress.ToAscii(address));
        Assert.Equal(unicode, UnicodeAddress.ToUnicode(address));
        Assert.Equal(address, Read(ascii));
        Assert.Equal(address, Read(unicode));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("a=b")]
    [InlineData("a\\b")]
    [InlineData("\\x{}")]
    [InlineData("\\x{A}")]
    [InlineData("\\x{f6}")]
    [InlineData("\\x{F6")]
    [InlineData("\\x{00F6}")]
    [InlineData("\\x{41}")]
    [InlineData("\\x{0A}")]
    [InlineData("\\x{0D}")]
    [InlineData("\\x{10}")]
    [InlineData("\\x{7F}")]
    [InlineData("\\x{85}")]
    [InlineData("\\x{2028}")]
    [InlineData("a\u0085b")]
    [InlineData("a\u2029b")]
    [InlineData("\\x{D800}")]
    [InlineData("\\x{110000}")]
    [InlineData("\\x{1111111}")]
    [InlineData("a\rb")]
    [InlineData("a\0b")]
    public void What_is_no_address_or_could_end_a_line_is_refused(string text) => Assert.Null(Read(text));

    [Property(MaxTest = 2000)]
    public bool Whatever_is_read_comes_back_the_same(string text)
    {
        var address = Clean(text);
        return address.Length == 0 || (Read(UnicodeAddress.ToAscii(address)) == address && Read(UnicodeAddress.ToUnicode(address)) == address);
    }

    [Property(MaxTest = 5000)]
    public bool What_is_read_holds_no_control_character(byte[] octets)
    {
        var text = new UTF8Encoding(false, false).GetString(octets);
        return !UnicodeAddress.TryRead(Encoding.UTF8.GetBytes(text), out var address) || !address.Any(char.IsControl);
    }

    static string Clean(string? text) => string.Concat((text ?? "").EnumerateRunes()
        .Where(rune => rune.Value != 0xFFFD && !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029)));

    static string? Read(string text) => UnicodeAddress.TryRead(Encoding.UTF8.GetBytes(text), out var address) ? address : null;
}
