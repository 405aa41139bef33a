using System.Text;
using FsCheck.Xunit;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Wire;

public sealed class SmtpCommandParserTests
{
    [Theory]
    [InlineData("EHLO mx.example.org", "mx.example.org")]
    [InlineData("ehlo mx.example.org  ", "mx.example.org")]
    [InlineData("EhLo [192.0.2.1]", "[192.0.2.1]")]
    [InlineData("EHLO\t[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]")]
    [InlineData("EHLO my_machine", "my_machine")]
    public void Ehlo_takes_whatever_could_be_a_name(string line, string name) =>
        Assert.Equal(new SmtpCommand.Ehlo(name), Parse(line));

    [Fact]
    public void Helo_is_not_ehlo() => Assert.Equal(new SmtpCommand.Helo("a"), Parse("HELO a"));

    [Theory]
    [InlineData("EHLO")]
    [InlineData("EHLO ")]
    [InlineData("HELO")]
    [InlineData("EHLO two words")]
    [InlineData("EHLO a(forged)")]
    [InlineData("EHLO b\u00fccher.example")]
    [InlineData("EHLO a\0b")]
    public void A_hello_that_names_nothing_is_501(string line) => Refused(line, 501, "5.5.4");

    [Fact]
    public void A_hello_is_bounded()
    {
        Assert.IsType<SmtpCommand.Ehlo>(Parse("EHLO " + new string('a', 255)));
        Refused("EHLO " + new string('a', 256), 501, "5.5.4");
    }

    [Theory]
    [InlineData("DATA", typeof(SmtpCommand.Data))]
    [InlineData("data ", typeof(SmtpCommand.Data))]
    [InlineData("RSET", typeof(SmtpCommand.Rset))]
    [InlineData("NOOP", typeof(SmtpCommand.Noop))]
    [InlineData("NOOP whatever", typeof(SmtpCommand.Noop))]
    [InlineData("QUIT", typeof(SmtpCommand.Quit))]
    [InlineData("QuIt\t", typeof(SmtpCommand.Quit))]
    [InlineData("VRFY postmaster", typeof(SmtpCommand.Vrfy))]
    [InlineData("EXPN list", typeof(SmtpCommand.Expn))]
    [InlineData("HELP", typeof(SmtpCommand.Help))]
    [InlineData("HELP MAIL", typeof(SmtpCommand.Help))]
    [InlineData("STARTTLS", typeof(SmtpCommand.StartTls))]
    [InlineData("", typeof(SmtpCommand.Unknown))]
    [InlineData(" MAIL FROM:<>", typeof(SmtpCommand.Unknown))]
    [InlineData("XYZZY", typeof(SmtpCommand.Unknown))]
    [InlineData("MAILFROM:<>", typeof(SmtpCommand.Unknown))]
    [InlineData("DATAX", typeof(SmtpCommand.Unknown))]
    [InlineData("STARTTLSX", typeof(SmtpCommand.Unknown))]
    [InlineData("QU\u0130T", typeof(SmtpCommand.Unknown))]
    [InlineData("GET / HTTP/1.1", typeof(SmtpCommand.Http))]
    [InlineData("POST / HTTP/1.1", typeof(SmtpCommand.Http))]
    public void A_verb_is_found_in_any_case(string line, Type command) => Assert.IsType(command, Parse(line));

    [Theory]
    [InlineData("DATA now")]
    [InlineData("RSET x")]
    [InlineData("QUIT x")]
    [InlineData("STARTTLS now")]
    [InlineData("VRFY")]
    [InlineData("BDAT")]
    [InlineData("BDAT x")]
    [InlineData("BDAT -1")]
    [InlineData("BDAT 1 FIRST")]
    [InlineData("BDAT 1 LAST LAST")]
    [InlineData("BDAT 111111111111111111111")]
    [InlineData("AUTH")]
    [InlineData("AUTH PL=AIN")]
    [InlineData("AUTH AVERYLONGMECHANISMNAME")]
    [InlineData("MAIL")]
    [InlineData("MAIL <a@example.org>")]
    [InlineData("RCPT FROM:<a@example.org>")]
    public void Wrong_arguments_are_501(string line) => Refused(line, 501, "5.5.4");

    [Theory]
    [InlineData("BDAT 0 LAST", 0, true)]
    [InlineData("bdat 1000", 1000, false)]
    [InlineData("BDAT 5 last", 5, true)]
    [InlineData("BDAT 99999999999999999999", long.MaxValue, false)]
    public void Bdat_says_how_much_follows(string line, long size, bool last) =>
        Assert.Equal(new SmtpCommand.Bdat(size, last), Parse(line));

    [Fact]
    public void Auth_may_carry_a_response()
    {
        Assert.Equal(("PLAIN", null), Auth("AUTH plain"));
        Assert.Equal(("PLAIN", ""), Auth("AUTH PLAIN ="));
        Assert.Equal(("LOGIN", "user"), Auth("AUTH LOGIN dXNlcg=="));
        Refused("AUTH PLAIN dXNlcg", 501, "5.5.2");
        Refused("AUTH PLAIN dX Nl", 501, "5.5.2");
        Refused("AUTH PLAIN !!!!", 501, "5.5.2");

        static (string, string?) Auth(string line)
        {
            var auth = Assert.IsType<SmtpCommand.Auth>(Parse(line));
            return (auth.Mechanism, auth.InitialResponse is { } octets ? Encoding.ASCII.GetString(octets.Span) : null);
        }
    }

    [Fact]
    public void A_response_is_not_in_the_text_of_the_command() =>
        Assert.DoesNotContain("user", Parse("AUTH LOGIN dXNlcg==").ToString(), StringComparison.OrdinalIgnoreCase);

    [Theory]
    [InlineData("MAIL FROM:<>", null)]
    [InlineData("mail from:<a@example.org>", "a@example.org")]
    [InlineData("MAIL FROM: <a@example.org>", "a@example.org")]
    [InlineData("MAIL FROM:<a@EXAMPLE.org> ", "a@example.org")]
    public void Mail_names_the_sender(string line, string? sender)
    {
        var mail = Assert.IsType<SmtpCommand.Mail>(Parse(line));
        Assert.Equal(sender, mail.From?.ToString());
        Assert.Equal(MailParameters.None, mail.Parameters);
    }

    [Theory]
    [InlineData("SIZE=0", 0L, BodyType.SevenBit, false)]
    [InlineData("size=12345 body=8bitmime", 12345L, BodyType.EightBitMime, false)]
    [InlineData("BODY=7BIT", null, BodyType.SevenBit, false)]
    [InlineData("BODY=BINARYMIME  SMTPUTF8", null, BodyType.BinaryMime, true)]
    [InlineData("AUTH=<>", null, BodyType.SevenBit, false)]
    [InlineData("AUTH=e+3Dmc2@example.com SIZE=99999999999999999999", long.MaxValue, BodyType.SevenBit, false)]
    public void Mail_parameters_are_read(string parameters, long? size, BodyType body, bool utf8) =>
        Assert.Equal(
            new MailParameters(true, size, body, utf8),
            Assert.IsType<SmtpCommand.Mail>(Parse($"MAIL FROM:<a@example.org> {parameters}")).Parameters);

    [Theory]
    [InlineData("MT-PRIORITY=3", 555)]
    [InlineData("REQUIRETLS=1", 501)]
    [InlineData("SIZE=1 SIZE=1", 501)]
    [InlineData("SMTPUTF8 SIZE=1 smtputf8", 501)]
    [InlineData("SIZE", 501)]
    [InlineData("SIZE=", 501)]
    [InlineData("SIZE=x", 501)]
    [InlineData("SIZE=-1", 501)]
    [InlineData("SIZE=123456789012345678901", 501)]
    [InlineData("BODY=9BIT", 501)]
    [InlineData("SMTPUTF8=1", 501)]
    [InlineData("AUTH=", 501)]
    [InlineData("AUTH", 501)]
    [InlineData("=1", 501)]
    [InlineData("A_B=1", 501)]
    public void Wrong_mail_parameters_are_refused(string parameters, int code) =>
        Refused($"MAIL FROM:<a@example.org> {parameters}", code, "5.5.4");

    [Theory]
    [InlineData("RCPT TO:<b@example.org> SIZE=1", 555, "5.5.4")]
    [InlineData("RCPT TO:<>", 501, "5.1.3")]
    [InlineData("RCPT TO:b@example.org", 501, "5.1.3")]
    [InlineData("RCPT TO:<b@example.org>x", 501, "5.1.3")]
    [InlineData("RCPT TO:<b@example.org", 501, "5.1.3")]
    [InlineData("MAIL FROM:a@example.org", 501, "5.1.7")]
    [InlineData("MAIL FROM:<Postmaster>", 501, "5.1.7")]
    [InlineData("MAIL FROM:<a@example.org>SIZE=1", 501, "5.5.4")]
    public void Wrong_paths_are_refused(string line, int code, string status) => Refused(line, code, status);

    [Fact]
    public void Postmaster_needs_no_domain()
    {
        Assert.Equal(new SmtpCommand.Rcpt(null, RcptParameters.None), Parse("RCPT TO:<Postmaster>"));
        Assert.Equal(new SmtpCommand.Rcpt(null, RcptParameters.None), Parse("RCPT TO:<POSTMASTER>"));
    }

    [Property(MaxTest = 5000)]
    public bool No_line_is_ever_an_exception(byte[] line) => SmtpCommandParser.Parse(line) is not null;

    [Property(MaxTest = 5000)]
    public bool No_arguments_are_ever_an_exception(byte[] arguments, int verb)
    {
        string[] verbs = ["MAIL FROM:<", "RCPT TO:<", "RCPT TO:<\"", "MAIL FROM:<@", "MAIL FROM:<a@[", "MAIL FROM:<> ", "AUTH PLAIN ", "BDAT ", "EHLO "];
        return SmtpCommandParser.Parse([.. Encoding.ASCII.GetBytes(verbs[(int)((uint)verb % verbs.Length)]), .. arguments]) is not null;
    }

    static SmtpCommand Parse(string line) => SmtpCommandParser.Parse(Encoding.UTF8.GetBytes(line));

    static void Refused(string line, int code, string status)
    {
        var refusal = Assert.IsType<SmtpCommand.Malformed>(Parse(line)).Refusal;
        Assert.Equal((code, status), (refusal.Code, refusal.Status.ToString()));
    }
}
