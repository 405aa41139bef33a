using FsCheck;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Policy.Tests;

public sealed class SenderPatternTests
{
    [Theory]
    [InlineData("boss@bank.test", "boss@bank.test", true)]
    [InlineData("Boss@BANK.test", "boss@bank.test", true)]
    [InlineData("boss@bank.test", "clerk@bank.test", false)]
    [InlineData("boss@bank.test", "boss@sub.bank.test", false)]
    [InlineData("@bank.test", "boss@bank.test", true)]
    [InlineData("bank.test", "boss@bank.test", true)]
    [InlineData("bank.test", "boss@sub.bank.test", false)]
    [InlineData("bank.test", "boss@embank.test", false)]
    [InlineData("*.bank.test", "boss@a.b.bank.test", true)]
    [InlineData("*.bank.test", "boss@bank.test", false)]
    [InlineData("bücher.test", "boss@xn--bcher-kva.test", true)]
    [InlineData("\"a@b\"@bank.test", "\"a@b\"@bank.test", true)]
    public void A_pattern_is_for_the_senders_it_names(string text, string sender, bool expected)
    {
        var at = sender.LastIndexOf('@');
        Assert.Equal(expected, Parse(text).Matches(new Mailbox(sender[..at], DomainName.Parse(sender[(at + 1)..]))));
    }

    [Fact]
    public void Nobody_is_no_sender_and_an_address_is_no_domain()
    {
        Assert.False(Parse("*.test").Matches(null));
        Assert.False(Parse("bank.test").Matches(new Mailbox("boss", null, "[192.0.2.1]")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("@")]
    [InlineData("boss@")]
    [InlineData("boss@*.bank.test")]
    [InlineData("@*.bank.test")]
    [InlineData("boss@[192.0.2.1]")]
    [InlineData("<boss@bank.test>")]
    [InlineData("boss@@bank.test")]
    [InlineData("the boss@bank.test")]
    [InlineData("a\nb@bank.test")]
    public void What_is_no_sender_is_refused(string text) => Assert.False(SenderPattern.TryParse(text, out _));

    [Theory]
    [InlineData("bank.test", "boss@bank.test", true)]
    [InlineData("boss@bank.test", "bank.test", false)]
    [InlineData("boss@bank.test", "BOSS@bank.test", true)]
    [InlineData("boss@bank.test", "clerk@bank.test", false)]
    [InlineData("*.test", "bank.test", true)]
    [InlineData("*.test", "boss@bank.test", true)]
    [InlineData("*.test", "*.bank.test", true)]
    [InlineData("*.bank.test", "*.test", false)]
    [InlineData("*.bank.test", "*.bank.test", true)]
    [InlineData("*.bank.test", "bank.test", false)]
    [InlineData("bank.test", "*.bank.test", false)]
    [InlineData("bank.test", "@bank.test", true)]
    public void A_pattern_covers_one_whose_senders_it_has(string text, string other, bool expected) =>
        Assert.Equal(expected, Parse(text).Covers(Parse(other)));

    [Property]
    public void Whatever_is_read_is_written_so_that_it_is_read_again(NonNull<string> text)
    {
        if (SenderPattern.TryParse(text.Get, out var pattern))
        {
            Assert.Equal(pattern, Parse(pattern.ToString()));
        }
    }

    static SenderPattern Parse(string text)
    {
        Assert.True(SenderPattern.TryParse(text, out var pattern), text);
        return pattern;
    }
}
