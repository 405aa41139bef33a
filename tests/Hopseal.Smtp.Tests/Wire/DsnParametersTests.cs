using System.Text;
using FsCheck.Xunit;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class DsnParametersTests
{
    [Theory]
    [InlineData("RET=FULL", DsnReturn.Full, null)]
    [InlineData("ret=hdrs", DsnReturn.HeadersOnly, null)]
    [InlineData("ENVID=QQ314159", null, "QQ314159")]
    [InlineData("ENVID=a+20b+3Dc RET=FULL", DsnReturn.Full, "a b=c")]
    public void Mail_says_what_to_return_and_under_which_name(string parameters, DsnReturn? what, string? id) =>
        Assert.Equal(
            new MailParameters(true, null, BodyType.SevenBit, false, what, id),
            Assert.IsType<SmtpCommand.Mail>(Parse($"MAIL FROM:<a@example.org> {parameters}")).Parameters);

    [Theory]
    [InlineData("NOTIFY=NEVER", DsnNotify.Never)]
    [InlineData("notify=never", DsnNotify.Never)]
    [InlineData("NOTIFY=SUCCESS", DsnNotify.Success)]
    [InlineData("NOTIFY=FAILURE", DsnNotify.Failure)]
    [InlineData("NOTIFY=DELAY", DsnNotify.Delay)]
    [InlineData("NOTIFY=Success,Failure,Delay", DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay)]
    [InlineData("NOTIFY=DELAY,DELAY", DsnNotify.Delay)]
    public void Rcpt_says_when_to_notify(string parameter, DsnNotify notify) => Assert.Equal(new RcptParameters(true, notify), Rcpt(parameter));

    [Theory]
    [InlineData("ORCPT=rfc822;bob@example.org", "rfc822", "bob@example.org")]
    [InlineData("ORCPT=rfc822;Bob+2Bx@Example.org", "rfc822", "Bob+x@Example.org")]
    [InlineData("ORCPT=rfc822;j+C3+B6rg@example.org", "utf-8", "jörg@example.org")]
    [InlineData("orcpt=X400;/S=bob", null, null)]
    [InlineData("orcpt=X400;/S+3Dbob", "X400", "/S=bob")]
    [InlineData("ORCPT=utf-8;j\\x{F6}rg@example.org", "utf-8", "jörg@example.org")]
    [InlineData("ORCPT=utf-8;jörg@example.org", "utf-8", "jörg@example.org")]
    public void Rcpt_names_the_first_recipient(string parameter, string? type, string? address)
    {
        if (type is null)
        {
            Refused($"RCPT TO:<b@example.org> {parameter}", 501);
            return;
        }

        Assert.Equal(new RcptParameters(true, null, new OriginalRecipient(type, address!)), Rcpt(parameter));
    }

    [Theory]
    [InlineData("RET", 501)]
    [InlineData("RET=", 501)]
    [InlineData("RET=ALL", 501)]
    [InlineData("RET=HDRS RET=HDRS", 501)]
    [InlineData("ENVID", 501)]
    [InlineData("ENVID=", 501)]
    [InlineData("ENVID=a ENVID=b", 501)]
    [InlineData("ENVID=a+0D+0AX-Forged:+20yes", 501)]
    [InlineData("ENVID=a+zz", 501)]
    [InlineData("ENVID=ü", 501)]
    [InlineData("NOTIFY=NEVER", 555)]
    [InlineData("ORCPT=rfc822;a@b", 555)]
    public void Mail_with_anything_else_is_refused(string parameters, int code) => Refused($"MAIL FROM:<a@example.org> {parameters}", code);

    [Theory]
    [InlineData("NOTIFY", 501)]
    [InlineData("NOTIFY=", 501)]
    [InlineData("NOTIFY=,", 501)]
    [InlineData("NOTIFY=SUCCESS,", 501)]
    [InlineData("NOTIFY=SUCCESS,,DELAY", 501)]
    [InlineData("NOTIFY=NEVER,SUCCESS", 501)]
    [InlineData("NOTIFY=SUCCESS,NEVER", 501)]
    [InlineData("NOTIFY=ALWAYS", 501)]
    [InlineData("NOTIFY=SUCCESS NOTIFY=DELAY", 501)]
    [InlineData("ORCPT=bob@example.org", 501)]
    [InlineData("ORCPT=;bob@example.org", 501)]
    [InlineData("ORCPT=rfc822;", 501)]
    [InlineData("ORCPT=rfc(822);bob@example.org", 501)]
    [InlineData("ORCPT=rfc822;bob+0A@example.org", 501)]
    [InlineData("ORCPT=rfc822;bob+C3@example.org", 501)]
    [InlineData("ORCPT=rfc822;jörg@example.org", 501)]
    [InlineData("ORCPT=utf-8;j\\x{0D}rg@example.org", 501)]
    [InlineData("ORCPT=utf-8;j+F6rg@example.org", 501)]
    [InlineData("ORCPT=rfc822;a@b ORCPT=rfc822;a@b", 501)]
    [InlineData("SIZE=1", 555)]
    [InlineData("RET=FULL", 555)]
    [InlineData("XYZZY", 555)]
    public void Rcpt_with_anything_else_is_refused(string parameters, int code) => Refused($"RCPT TO:<b@example.org> {parameters}", code);

    [Fact]
    public void Values_are_bounded()
    {
        Assert.IsType<SmtpCommand.Mail>(Parse($"MAIL FROM:<> ENVID={new string('a', 100)}"));
        Refused($"MAIL FROM:<> ENVID={new string('a', 101)}", 501);
        Assert.IsType<SmtpCommand.Rcpt>(Parse($"RCPT TO:<b@x> ORCPT=rfc822;{new string('a', 493)}"));
        Refused($"RCPT TO:<b@x> ORCPT=rfc822;{new string('a', 494)}", 501);
        Refused($"RCPT TO:<b@x> ORCPT={new string('t', 65)};a", 501);
    }

    [Property(MaxTest = 2000)]
    public bool What_is_written_is_read_again(string text, DsnNotify notify, bool full, bool utf8)
    {
        var id = string.Concat((text ?? "").Where(character => character is >= ' ' and <= '~').Take(100).DefaultIfEmpty('x'));
        var original = new OriginalRecipient("rfc822", id);
        notify &= DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay;
        var what = full ? DsnReturn.Full : DsnReturn.HeadersOnly;

        return Parse($"MAIL FROM:<> {DsnParameters.Write(what)} {DsnParameters.WriteEnvelopeId(id)}") is SmtpCommand.Mail mail
            && mail.Parameters == new MailParameters(true, null, BodyType.SevenBit, false, what, id)
            && Rcpt($"{DsnParameters.Write(notify)} {DsnParameters.Write(original, utf8)}") == new RcptParameters(true, notify, original);
    }

    [Property(MaxTest = 2000)]
    public bool A_unicode_address_is_read_as_it_was_written(string text, bool utf8)
    {
        var runes = (text ?? "").EnumerateRunes()
            .Where(rune => rune.Value is not (0xFFFD or 0x2028 or 0x2029) && !Rune.IsControl(rune)).Take(40);
        var original = new OriginalRecipient("utf-8", string.Concat(runes) is { Length: > 0 } address ? address : "ü");
        return Rcpt(DsnParameters.Write(original, utf8)) == new RcptParameters(true, null, original);
    }

    [Property(MaxTest = 5000)]
    public bool No_value_is_ever_an_exception_or_a_control_character(byte[] octets, int which)
    {
        string[] starts = ["MAIL FROM:<> RET=", "MAIL FROM:<> ENVID=", "RCPT TO:<a@b> NOTIFY=", "RCPT TO:<a@b> ORCPT=rfc822;", "RCPT TO:<a@b> ORCPT=utf-8;"];
        return SmtpCommandParser.Parse([.. Encoding.ASCII.GetBytes(starts[(int)((uint)which % starts.Length)]), .. octets]) switch
        {
            SmtpCommand.Mail mail => mail.Parameters.EnvelopeId?.Any(char.IsControl) != true,
            SmtpCommand.Rcpt rcpt => rcpt.Parameters.Original?.Address.Any(char.IsControl) != true,
            var command => command is not null,
        };
    }

    static RcptParameters Rcpt(string parameters) => Assert.IsType<SmtpCommand.Rcpt>(Parse($"RCPT TO:<b@example.org> {parameters}")).Parameters;

    static SmtpCommand Parse(string line) => SmtpCommandParser.Parse(Encoding.UTF8.GetBytes(line));

    static void Refused(string line, int code)
    {
        var refusal = Assert.IsType<SmtpCommand.Malformed>(Parse(line)).Refusal;
        Assert.Equal((code, "5.5.4"), (refusal.Code, refusal.Status.ToString()));
    }
}
