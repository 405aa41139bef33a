using System.Text;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using static Hopseal.Smtp.Tests.Client.ClientScripts;

namespace Hopseal.Smtp.Tests.Client;

public sealed class CarriageTests
{
    const DsnNotify SuccessOrDelay = DsnNotify.Success | DsnNotify.Delay;

    static readonly OriginalRecipient s_first = new("rfc822", "First+1@Client.test");

    [Theory]
    [InlineData(true, null, null, "MAIL FROM:<sender@client.test>")]
    [InlineData(true, DsnReturn.Full, null, "MAIL FROM:<sender@client.test> RET=FULL")]
    [InlineData(true, DsnReturn.HeadersOnly, "a b+c", "MAIL FROM:<sender@client.test> RET=HDRS ENVID=a+20b+2Bc")]
    [InlineData(true, null, "QQ1", "MAIL FROM:<sender@client.test> ENVID=QQ1")]
    [InlineData(false, DsnReturn.Full, "QQ1", "MAIL FROM:<sender@client.test>")]
    public async Task Mail_says_what_was_said_to_us_where_dsn_is_offered(bool dsn, DsnReturn? what, string? id, string command) =>
        Assert.Equal(command, (await ChooseAsync(dsn, Envelope("a@mx.test") with { Return = what, EnvelopeId = id })).MailCommand);

    [Theory]
    [InlineData(true, null, false, "RCPT TO:<a@mx.test>")]
    [InlineData(true, null, true, "RCPT TO:<a@mx.test> ORCPT=rfc822;First+2B1@Client.test")]
    [InlineData(true, DsnNotify.Never, false, "RCPT TO:<a@mx.test> NOTIFY=NEVER")]
    [InlineData(true, DsnNotify.Never, true, "RCPT TO:<a@mx.test> NOTIFY=NEVER ORCPT=rfc822;First+2B1@Client.test")]
    [InlineData(true, DsnNotify.Failure, false, "RCPT TO:<a@mx.test> NOTIFY=FAILURE ORCPT=rfc822;a@mx.test")]
    [InlineData(true, SuccessOrDelay, true, "RCPT TO:<a@mx.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;First+2B1@Client.test")]
    [InlineData(false, SuccessOrDelay, true, "RCPT TO:<a@mx.test>")]
    [InlineData(false, DsnNotify.Never, true, "RCPT TO:<a@mx.test>")]
    public async Task Rcpt_says_what_was_said_to_us_where_dsn_is_offered(bool dsn, DsnNotify? notify, bool original, string command)
    {
        var recipient = new Recipient(Box("a@mx.test"), notify, original ? s_first : null);

        Assert.Equal(command, (await ChooseAsync(dsn, Envelope("a@mx.test"))).RcptCommand(recipient));
    }

    [Theory]
    [InlineData(false, "RCPT TO:<a@mx.test> ORCPT=utf-8;j\\x{F6}rg@client.test")]
    [InlineData(true, "RCPT TO:<a@mx.test> ORCPT=utf-8;jörg@client.test")]
    public async Task A_first_recipient_beyond_ascii_travels_with_and_without_smtputf8(bool smtpUtf8, string command)
    {
        var carriage = await ChooseAsync(true, Envelope("a@mx.test") with { SmtpUtf8 = smtpUtf8 });

        Assert.Equal(command, carriage.RcptCommand(new Recipient(Box("a@mx.test"), null, new OriginalRecipient("utf-8", "jörg@client.test"))));
    }

    [Theory]
    [InlineData("DSN", true)]
    [InlineData("", false)]
    public async Task Who_accepts_has_the_duty_to_report_if_it_offers_dsn(string keywords, bool dsn)
    {
        await using var server = new ScriptedServer(After(
            keywords,
            """
            C: MAIL FROM:<sender@client.test>*
            S: 250 ok
            C: RCPT TO:<a@mx.test>*
            S: 250 ok
            C: DATA
            S: 354 go
            !data
            S: 250 ok
            C: QUIT
            S: 221 bye
            """));
        await using var channel = await ChannelAsync(server);

        var results = await channel.SendAsync(Envelope("a@mx.test"), "hi\r\n");

        Assert.Equal(dsn, Assert.IsType<RecipientResult.Accepted>(Assert.Single(results)).Dsn);
    }

    /// <summary>RFC 8689 §4.2.1. What was offered before TLS may have been anybody's offer.</summary>
    [Theory]
    [InlineData(MessageTls.Required, true, true, "MAIL FROM:<sender@client.test> REQUIRETLS")]
    [InlineData(MessageTls.Required, true, false, null)]
    [InlineData(MessageTls.Required, false, true, null)]
    [InlineData(MessageTls.Unspecified, true, true, "MAIL FROM:<sender@client.test>")]
    [InlineData(MessageTls.Optional, true, true, "MAIL FROM:<sender@client.test>")]
    [InlineData(MessageTls.Unspecified, false, false, "MAIL FROM:<sender@client.test>")]
    public async Task A_message_that_requires_tls_goes_only_where_that_is_promised(MessageTls tls, bool inside, bool offered, string? command)
    {
        var offer = EhloCapabilities.Parse(new SmtpReply(250, null, ["mx.test", .. offered ? ["REQUIRETLS"] : Array.Empty<string>()]));

        var (carriage, why) = await Carriage.ChooseAsync(
            offer, inside, Envelope("a@mx.test") with { Tls = tls }, new MemoryStream(), 0, Cancel);

        Assert.Equal(command, carriage?.MailCommand);
        Assert.Equal(command is null ? new EnhancedStatus(5, 7, 30) : null, why?.Status);
    }

    static async Task<Carriage> ChooseAsync(bool dsn, Envelope envelope)
    {
        var offer = EhloCapabilities.Parse(new SmtpReply(250, null, ["mx.test", "SMTPUTF8", .. dsn ? ["DSN"] : Array.Empty<string>()]));
        var content = Encoding.ASCII.GetBytes("hi\r\n");
        var (carriage, why) = await Carriage.ChooseAsync(offer, false, envelope, new MemoryStream(content), content.Length, Cancel);
        Assert.Null(why);
        return Assert.IsType<Carriage>(carriage);
    }
}
