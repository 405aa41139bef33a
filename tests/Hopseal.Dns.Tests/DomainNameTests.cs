using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Hopseal.Dns.Tests;

public sealed class DomainNameTests
{
    static readonly string s_label63 = new('a', 63);

    [Theory]
    [InlineData("example.org", "example.org")]
    [InlineData("Example.ORG", "example.org")]
    [InlineData("example.org.", "example.org")]
    [InlineData("localhost", "localhost")]
    [InlineData("_smtp._tls.example.org", "_smtp._tls.example.org")]
    [InlineData("_25._tcp.mx.example.org", "_25._tcp.mx.example.org")]
    [InlineData("1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa")]
    [InlineData("3com.com", "3com.com")]
    [InlineData("a.1b", "a.1b")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.Example", "xn--bcher-kva.example")]
    [InlineData("ПРИМЕР.РФ", "xn--e1afmkfd.xn--p1ai")]
    [InlineData("straße.example", "xn--strae-oqa.example")]
    [InlineData("例え。テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("उदाहरण.परीक्षा", "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g")]
    public void A_name_has_one_form(string text, string ascii)
    {
        Assert.True(DomainName.TryParse(text, out var name));
        Assert.Equal(ascii, name.Ascii);
        Assert.Equal(name, DomainName.Parse(name.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a..")]
    [InlineData("-a.example")]
    [InlineData("a-.example")]
    [InlineData("a b.example")]
    [InlineData("a/b.example")]
    [InlineData("a@example.org")]
    [InlineData("*.example.org")]
    [InlineData("example.org\n")]
    [InlineData("example.org\0")]
    [InlineData("[192.0.2.1]")]
    [InlineData("192.0.2.1")]
    [InlineData("192.0.2.1.")]
    [InlineData("example.1")]
    [InlineData("2130706433")]
    [InlineData("2001:db8::1")]
    [InlineData("xn--ü.example")]
    [InlineData("ü．1")]
    [InlineData("ü..example")]
    [InlineData("bu\u0308cher.example")]
    [InlineData("\u202Emoc.üelpmaxe")]
    [InlineData("😀.example")]
    [InlineData("ü\u3002\u0903x")]
    [InlineData("ü\ud800.example")]
    public void What_is_no_name_is_refused(string text) => Assert.False(DomainName.TryParse(text, out _));

    [Fact]
    public void A_label_has_at_most_63_octets_and_a_name_253()
    {
        Assert.True(DomainName.TryParse(s_label63, out _));
        Assert.False(DomainName.TryParse(s_label63 + "a", out _));
        var longest = $"{s_label63}.{s_label63}.{s_label63}.{s_label63[..61]}";
        Assert.True(DomainName.TryParse(longest, out _));
        Assert.True(DomainName.TryParse(longest + ".", out _));
        Assert.False(DomainName.TryParse(longest + "a", out _));
        Assert.False(DomainName.TryParse(new string('ü', 63) + ".example", out _));
    }

    [Theory]
    [InlineData("mx.example.org", "example.org", true)]
    [InlineData("example.org", "example.org", true)]
    [InlineData("badexample.org", "example.org", false)]
    [InlineData("org", "example.org", false)]
    public void A_name_lies_within_another_at_a_label_only(string name, string parent, bool within) =>
        Assert.Equal(within, DomainName.Parse(name).IsWithin(DomainName.Parse(parent)));

    [Fact]
    public void Parse_says_what_it_could_not_read() =>
        Assert.Contains("a..b", Assert.Throws<FormatException>(() => DomainName.Parse("a..b")).Message, StringComparison.Ordinal);

    [Property(MaxTest = 500)]
    public void Any_text_is_refused_or_has_a_form_that_stays(string? text)
    {
        if (DomainName.TryParse(text, out var name))
        {
            Assert.Equal(name, DomainName.Parse(name.Ascii));
            Assert.Equal(name, DomainName.Parse(name.Ascii.ToUpperInvariant() + "."));
            Assert.True(System.Text.Ascii.IsValid(name.Ascii));
            Assert.InRange(name.Ascii.Length, 1, 253);
        }
    }

    [Property(MaxTest = 500)]
    public Property Letters_digits_and_inner_hyphens_make_a_name()
    {
        var label =
            from first in Gen.Elements("abcxyzABCXYZäéñжд".ToCharArray())
            from rest in Gen.Elements("abz019-_ÄÉд".ToCharArray()).ArrayOf(8)
            select first + new string(rest) + "z";
        var names = from labels in label.NonEmptyListOf() where labels.Count < 5 select string.Join('.', labels);
        return Prop.ForAll(names.ToArbitrary(), text =>
            DomainName.TryParse(text, out var name)
            && DomainName.TryParse(text.ToUpperInvariant() + ".", out var upper)
            && name == upper);
    }
}
