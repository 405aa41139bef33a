using System.Text;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class PathParserTests
{
    [Theory]
    [InlineData("<a@example.org>", "a@example.org")]
    [InlineData("<A.b+c=d/e@Example.ORG>", "A.b+c=d/e@example.org")]
    [InlineData("<a@example.org.>", "a@example.org")]
    [InlineData("<\"a b\"@example.org>", "\"a b\"@example.org")]
    [InlineData("<\"a>b@c\"@example.org>", "\"a>b@c\"@example.org")]
    [InlineData("<\"a\\\"b\\\\\"@example.org>", "\"a\\\"b\\\\\"@example.org")]
    [InlineData("<\"\"@example.org>", "\"\"@example.org")]
    [InlineData("<a@[192.0.2.1]>", "a@[192.0.2.1]")]
    [InlineData("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]")]
    [InlineData("<a@[ipv6:::ffff:192.0.2.1]>", "a@[ipv6:::ffff:192.0.2.1]")]
    [InlineData("<j\u00f6rg@example.org>", "j\u00f6rg@example.org")]
    [InlineData("<a@b\u00fccher.example>", "a@b\u00fccher.example")]
    [InlineData("<a@localhost>", "a@localhost")]
    public void A_mailbox_is_kept_as_it_was_written(string path, string mailbox) =>
        Assert.Equal(mailbox, Parse(path)!.Value.Mailbox);

    [Theory]
    [InlineData("<@a.example,@b.example:user@c.example>", "user@c.example")]
    [InlineData("<@a.example:\"u:v\"@c.example>", "\"u:v\"@c.example")]
    public void A_source_route_is_dropped(string path, string mailbox) =>
        Assert.Equal(mailbox, Parse(path)!.Value.Mailbox);

    [Theory]
    [InlineData("<")]
    [InlineData("a@example.org")]
    [InlineData("<a@example.org")]
    [InlineData("<a>")]
    [InlineData("<@example.org>")]
    [InlineData("<a@>")]
    [InlineData("<a@b@c.example>")]
    [InlineData("<a b@example.org>")]
    [InlineData("<.a@example.org>")]
    [InlineData("<a.@example.org>")]
    [InlineData("<a..b@example.org>")]
    [InlineData("<a@example..org>")]
    [InlineData("<a@-example.org>")]
    [InlineData("<a@exa mple.org>")]
    [InlineData("<a@192.0.2.1>")]
    [InlineData("<a@[192.0.2]>")]
    [InlineData("<a@[192.0.2.256]>")]
    [InlineData("<a@[0300.0.2.1]>")]
    [InlineData("<a@[0x7f.0.0.1]>")]
    [InlineData("<a@[192.0.2.1>")]
    [InlineData("<a@[]>")]
    [InlineData("<a@[IPv6:fe80::1%eth0]>")]
    [InlineData("<a@[IPv6:[::1]]>")]
    [InlineData("<a@[IPv6:192.0.2.1]>")]
    [InlineData("<a@[X-other:1]>")]
    [InlineData("<\"a@example.org>")]
    [InlineData("<\"a\"b@example.org>")]
    [InlineData("<\"a\u0001\"@example.org>")]
    [InlineData("<a\u0085b@example.org>")]
    [InlineData("<a\u2028b@example.org>")]
    [InlineData("<a\0b@example.org>")]
    [InlineData("<@a.example>")]
    [InlineData("<@a.example:>")]
    [InlineData("<@a.example,b.example:user@c.example>")]
    [InlineData("<@a.example,:user@c.example>")]
    [InlineData("<user%victim.example@>")]
    public void What_is_no_path_is_refused(string path) => Assert.Null(Parse(path));

    [Fact]
    public void Octets_that_are_no_utf8_are_refused()
    {
        Assert.False(PathParser.TryParse([(byte)'<', 0xC3, (byte)'@', (byte)'a', (byte)'>'], out _, out _, out _));
        Assert.False(PathParser.TryParse([(byte)'<', 0xC0, 0x80, (byte)'@', (byte)'a', (byte)'>'], out _, out _, out _));
    }

    [Fact]
    public void Lengths_are_bounded()
    {
        Assert.NotNull(Parse($"<{new string('a', 64)}@example.org>"));
        Assert.Null(Parse($"<{new string('a', 65)}@example.org>"));
        var label = new string('b', 60);
        var domain = $"{label}.{label}.{label}.{label}"; // 243 octets
        Assert.NotNull(Parse($"<{new string('a', 10)}@{domain}>"));
        Assert.Null(Parse($"<{new string('a', 11)}@{domain}>")); // a path of 257 octets
    }

    [Fact]
    public void The_null_path_and_postmaster_name_no_mailbox()
    {
        Assert.Equal((null, false), Parse("<>"));
        Assert.Equal((null, true), Parse("<postMaster>"));
    }

    [Fact]
    public void An_address_needs_smtputf8_when_either_side_is_not_ascii()
    {
        Assert.True(Mailbox("<j\u00f6rg@example.org>").NeedsSmtpUtf8);
        Assert.True(Mailbox("<a@b\u00fccher.example>").NeedsSmtpUtf8);
        Assert.False(Mailbox("<a@xn--bcher-kva.example>").NeedsSmtpUtf8);
        Assert.Equal("xn--bcher-kva.example", Mailbox("<a@b\u00fccher.example>").Domain!.Ascii);

        static Hopseal.Smtp.Mail.Mailbox Mailbox(string path)
        {
            Assert.True(PathParser.TryParse(Encoding.UTF8.GetBytes(path), out var mailbox, out _, out _));
            return mailbox!;
        }
    }

    static (string? Mailbox, bool IsPostmaster)? Parse(string path) =>
        PathParser.TryParse(Encoding.UTF8.GetBytes(path), out var mailbox, out var isPostmaster, out var length)
            && length == Encoding.UTF8.GetByteCount(path)
            ? (mailbox?.ToString(), isPostmaster)
            : null;
}
