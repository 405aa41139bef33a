using System.Collections.Immutable;
using System.Security.Authentication;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Server;

public sealed class ServerStepTests
{
    static readonly TlsOutcome.Encrypted s_tls =
        new(SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, "mx.test", TimeSpan.Zero, []);

    static readonly ServerOptions s_mx = new() { Hostname = "mx.test", Certificates = TestAuthority.Certificates };

    static readonly ServerOptions s_submission = s_mx with
    {
        Mode = ListenerMode.StartTlsRequired,
        Authentication = AuthenticationUse.Required,
        Credentials = new OneUser(),
    };

    static readonly ServerState.Ready s_readyPlain = new("client", true, null, null);
    static readonly ServerState.Ready s_readyTls = new("client", true, s_tls, null);
    static readonly Envelope s_empty = new(null, []);
    static readonly Envelope s_one = s_empty with { Recipients = [new Mailbox("b", Dns.DomainName.Parse("example.org"))] };

    /// <summary>What each command is answered in each state: a code, or the action that the session performs.</summary>
    [Theory]
    // greeted, EHLO, HELO, MAIL, RCPT, in the middle of chunks, after a refused chunk
    [InlineData("EHLO c", "250 250 250 250 250 250 250")]
    [InlineData("HELO c", "250 250 250 250 250 250 250")]
    [InlineData("NOOP", "250 250 250 250 250 250 250")]
    [InlineData("RSET", "250 250 250 250 250 250 250")]
    [InlineData("QUIT", "221 221 221 221 221 221 221")]
    [InlineData("HELP", "214 214 214 214 214 214 214")]
    [InlineData("VRFY x", "252 252 252 252 252 252 252")]
    [InlineData("EXPN x", "502 502 502 502 502 502 502")]
    [InlineData("XYZZY", "500 500 500 500 500 500 500")]
    [InlineData("STARTTLS x", "501 501 501 501 501 501 501")]
    [InlineData("STARTTLS", "tls tls tls tls tls tls tls")]
    [InlineData("AUTH PLAIN", "502 502 502 502 502 502 502")]
    [InlineData("MAIL FROM:<>", "503 250 250 503 503 503 503")]
    [InlineData("MAIL FROM:<> SIZE=1", "503 250 555 503 503 503 503")]
    [InlineData("RCPT TO:<a@b>", "503 503 503 rcpt rcpt 503 503")]
    [InlineData("DATA", "503 503 503 554 data 503 503")]
    [InlineData("BDAT 5", "drop503 drop503 drop503 drop554 chunk chunk drop503")]
    [InlineData("BDAT 5 LAST", "drop503 drop503 drop503 drop554 chunk chunk drop503")]
    [InlineData("BDAT", "close501 close501 close501 close501 close501 close501 close501")]
    [InlineData("GET / HTTP/1.1", "close554 close554 close554 close554 close554 close554 close554")]
    public void The_order_of_commands_is_kept(string line, string expected)
    {
        ServerState[] states =
        [
            new ServerState.AwaitingHello(null),
            s_readyPlain,
            s_readyPlain with { Extended = false },
            new ServerState.InTransaction(s_readyPlain, s_empty),
            new ServerState.InTransaction(s_readyPlain, s_one),
            new ServerState.ReceivingChunks(s_readyPlain, s_one, 10),
            new ServerState.ChunksFailed(s_readyPlain),
        ];
        Assert.Equal(expected, string.Join(' ', states.Select(state => Describe(Step(state, line, s_mx).Action, withStatus: false))));
    }

    /// <summary>RFC 3207 §4.</summary>
    [Theory]
    [InlineData("EHLO c", "250")]
    [InlineData("NOOP", "250")]
    [InlineData("QUIT", "221")]
    [InlineData("STARTTLS", "tls")]
    [InlineData("HELO c", "530 5.7.0")]
    [InlineData("MAIL FROM:<>", "530 5.7.0")]
    [InlineData("RCPT TO:<a@b>", "530 5.7.0")]
    [InlineData("DATA", "530 5.7.0")]
    [InlineData("RSET", "530 5.7.0")]
    [InlineData("VRFY x", "530 5.7.0")]
    [InlineData("AUTH PLAIN AGFwcABw", "530 5.7.0")]
    [InlineData("HELP", "530 5.7.0")]
    [InlineData("XYZZY", "530 5.7.0")]
    [InlineData("BDAT 5 LAST", "drop530 5.7.0")]
    public void Before_required_tls_only_four_commands_are_served(string line, string expected)
    {
        foreach (var state in new ServerState[] { new ServerState.AwaitingHello(null), s_readyPlain })
        {
            var (next, action) = Step(state, line, s_submission);
            Assert.Equal(expected, Describe(action, withStatus: expected.Contains(' ', StringComparison.Ordinal)));
            Assert.True(expected[0] is '2' or 't' || next == state);
        }
    }

    [Fact]
    public void Starttls_forgets_everything()
    {
        var (next, action) = Step(new ServerState.InTransaction(s_readyPlain, s_one), "STARTTLS", s_mx);

        Assert.IsType<ServerAction.Upgrade>(action);
        Assert.Equal(new ServerState.AwaitingHello(null), next);
    }

    [Theory]
    [InlineData("MAIL FROM:<>", "503 5.5.1")]
    [InlineData("STARTTLS", "503 5.5.1")]
    [InlineData("AUTH PLAIN", "503 5.5.1")]
    [InlineData("RCPT TO:<a@b>", "503 5.5.1")]
    public void After_the_handshake_the_client_begins_anew(string line, string expected) =>
        Assert.Equal(expected, Describe(Step(new ServerState.AwaitingHello(s_tls), line, s_submission).Action, withStatus: true));

    [Fact]
    public void Without_a_certificate_starttls_is_454_and_not_offered()
    {
        var options = s_mx with { Certificates = null };

        Assert.Equal("454 4.7.0", Describe(Step(s_readyPlain, "STARTTLS", options).Action, withStatus: true));
        Assert.DoesNotContain("STARTTLS", Offered(new ServerState.AwaitingHello(null), options));
        var none = s_mx with { Certificates = ServerCertificates.FromCertificates() };
        Assert.DoesNotContain("STARTTLS", Offered(new ServerState.AwaitingHello(null), none));
    }

    [Fact]
    public void The_offer_depends_on_tls()
    {
        string[] always = ["mx.test", "PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "DSN"];
        var optional = s_mx with { Authentication = AuthenticationUse.Optional, Credentials = new OneUser() };

        string[] insideTls = [.. always[..^1], "REQUIRETLS", "DSN"];

        Assert.Equal([.. always, "STARTTLS"], Offered(new ServerState.AwaitingHello(null), s_submission));
        Assert.Equal([.. insideTls, "AUTH SCRAM-SHA-256 PLAIN LOGIN"], Offered(new ServerState.AwaitingHello(s_tls), s_submission));
        Assert.Equal([.. always, "STARTTLS"], Offered(s_readyPlain, optional));
        Assert.Equal([.. insideTls, "AUTH SCRAM-SHA-256 PLAIN LOGIN"], Offered(s_readyTls, optional));
        Assert.Equal(insideTls, Offered(s_readyTls, s_mx));
        Assert.Equal(insideTls, Offered(s_readyTls, s_mx with { Credentials = new OneUser() }));
        Assert.Equal(insideTls, Offered(s_readyTls, s_mx with { Authentication = AuthenticationUse.Optional }));
    }

    [Fact]
    public void Authentication_is_for_tls_only_and_once_and_between_transactions()
    {
        var optional = s_mx with { Authentication = AuthenticationUse.Optional, Credentials = new OneUser() };
        Assert.Equal("538 5.7.11", Answer(s_readyPlain, "AUTH PLAIN"));
        Assert.Equal("auth", Answer(s_readyTls, "AUTH PLAIN"));
        Assert.Equal("auth", Answer(s_readyTls, "AUTH scram-sha-256"));
        Assert.Equal("504 5.5.4", Answer(s_readyTls, "AUTH CRAM-MD5"));
        Assert.Equal("503 5.5.1", Answer(s_readyTls with { User = "app" }, "AUTH PLAIN"));
        Assert.Equal("503 5.5.1", Answer(s_readyTls with { Extended = false }, "AUTH PLAIN"));
        Assert.Equal("503 5.5.1", Answer(new ServerState.InTransaction(s_readyTls, s_empty), "AUTH PLAIN"));
        Assert.Equal("503 5.5.1", Answer(new ServerState.ReceivingChunks(s_readyTls, s_one, 1), "AUTH PLAIN"));

        string Answer(ServerState state, string line) => Describe(Step(state, line, optional).Action, withStatus: true);
    }

    [Fact]
    public void Where_authentication_is_required_no_mail_is_taken_without()
    {
        Assert.Equal("530 5.7.0", Describe(Step(s_readyTls, "MAIL FROM:<a@b>", s_submission).Action, withStatus: true));
        Assert.Equal("250", Describe(Step(s_readyTls with { User = "app" }, "MAIL FROM:<a@b>", s_submission).Action, withStatus: false));
        var withoutCredentials = s_submission with { Credentials = null };
        Assert.Equal("530 5.7.0", Describe(Step(s_readyTls, "MAIL FROM:<a@b>", withoutCredentials).Action, withStatus: true));
    }

    [Fact]
    public void A_user_stays_over_ehlo_and_rset()
    {
        var ready = s_readyTls with { User = "app" };

        Assert.Equal(ready with { Hello = "again" }, Step(ready, "EHLO again", s_submission).Next);
        Assert.Equal(ready with { Extended = false }, Step(new ServerState.InTransaction(ready, s_one), "HELO client", s_submission).Next);
        Assert.Equal(ready, Step(new ServerState.ReceivingChunks(ready, s_one, 9), "RSET", s_submission).Next);
        Assert.Equal(ready, Step(new ServerState.ChunksFailed(ready), "RSET", s_submission).Next);
    }

    [Theory]
    [InlineData("SIZE=52428801", "552 5.3.4")]
    [InlineData("SIZE=99999999999999999999", "552 5.3.4")]
    [InlineData("SIZE=52428800", "250 2.1.0")]
    [InlineData("BODY=BINARYMIME SMTPUTF8", "250 2.1.0")]
    public void A_declared_size_over_the_limit_is_refused_at_once(string parameters, string expected) =>
        Assert.Equal(expected, Describe(Step(s_readyPlain, $"MAIL FROM:<a@b> {parameters}", s_mx).Action, withStatus: true));

    /// <summary>RFC 6531 §3.5.</summary>
    [Fact]
    public void An_address_that_is_not_ascii_needs_the_parameter()
    {
        Assert.Equal("550 5.6.7", Describe(Step(s_readyPlain, "MAIL FROM:<j\u00f6rg@b>", s_mx).Action, withStatus: true));
        Assert.Equal("250", Describe(Step(s_readyPlain, "MAIL FROM:<j\u00f6rg@b> SMTPUTF8", s_mx).Action, withStatus: false));
        Assert.Equal("553 5.6.7", Describe(Step(new ServerState.InTransaction(s_readyPlain, s_empty), "RCPT TO:<j\u00f6rg@b>", s_mx).Action, withStatus: true));
        Assert.Equal("rcpt", Describe(Step(new ServerState.InTransaction(s_readyPlain, s_empty with { SmtpUtf8 = true }), "RCPT TO:<j\u00f6rg@b>", s_mx).Action, withStatus: false));
    }

    [Fact]
    public void Mail_makes_the_envelope()
    {
        var (next, _) = Step(s_readyPlain, "MAIL FROM:<a@example.org> SIZE=7 BODY=8BITMIME SMTPUTF8", s_mx);

        var sender = new Mailbox("a", Dns.DomainName.Parse("example.org"));
        var transaction = Assert.IsType<ServerState.InTransaction>(next);
        Assert.Equal(s_readyPlain, transaction.Session);
        Assert.Equal(new Envelope(sender, transaction.Envelope.Recipients, BodyType.EightBitMime, true, 7), transaction.Envelope);
        Assert.Empty(transaction.Envelope.Recipients);
    }

    [Fact]
    public void What_the_sender_wants_to_be_told_goes_into_the_envelope()
    {
        var (next, _) = Step(s_readyPlain, "MAIL FROM:<a@example.org> RET=HDRS ENVID=id+2B1", s_mx);
        var transaction = Assert.IsType<ServerState.InTransaction>(next);
        var (_, action) = Step(transaction, "RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y", s_mx);

        Assert.Equal((DsnReturn.HeadersOnly, "id+1"), (transaction.Envelope.Return, transaction.Envelope.EnvelopeId));
        Assert.Equal(
            new Recipient(
                new Mailbox("b", Dns.DomainName.Parse("example.org")),
                DsnNotify.Success | DsnNotify.Delay,
                new OriginalRecipient("rfc822", "x@y")),
            Assert.IsType<ServerAction.AskRecipient>(action).Recipient);
    }

    [Theory]
    [InlineData("MAIL FROM:<a@b> RET=FULL")]
    [InlineData("RCPT TO:<a@b> NOTIFY=NEVER")]
    public void Helo_offers_no_parameters(string line)
    {
        var helo = s_readyPlain with { Extended = false };
        ServerState state = line.StartsWith('M') ? helo : new ServerState.InTransaction(helo, s_empty);

        Assert.Equal("555 5.5.4", Describe(Step(state, line, s_mx).Action, withStatus: true));
    }

    [Fact]
    public void Postmaster_is_ours()
    {
        var transaction = new ServerState.InTransaction(s_readyPlain, s_empty);
        var (_, atHost) = Step(transaction, "RCPT TO:<Postmaster>", s_mx);
        var (_, atDomain) = Step(transaction, "RCPT TO:<Postmaster>", s_mx with { PostmasterDomain = "example.org" });

        Assert.Equal("postmaster@mx.test", Assert.IsType<ServerAction.AskRecipient>(atHost).Recipient.ToString());
        Assert.Equal("postmaster@example.org", Assert.IsType<ServerAction.AskRecipient>(atDomain).Recipient.ToString());
    }

    [Fact]
    public void Recipients_are_counted()
    {
        var options = s_mx with { MaxRecipients = 1 };

        Assert.Equal("452 4.5.3", Describe(Step(new ServerState.InTransaction(s_readyPlain, s_one), "RCPT TO:<a@b>", options).Action, withStatus: true));
    }

    [Fact]
    public void Binary_content_does_not_come_by_data()
    {
        var state = new ServerState.InTransaction(s_readyPlain, s_one with { Body = BodyType.BinaryMime });

        Assert.Equal("503 5.5.1", Describe(Step(state, "DATA", s_mx).Action, withStatus: true));
        Assert.Equal("chunk", Describe(Step(state, "BDAT 1 LAST", s_mx).Action, withStatus: false));
    }

    [Fact]
    public void Chunks_add_up_to_the_limit()
    {
        var options = s_mx with { MaxMessageOctets = 100 };
        var rest = new ServerState.ReceivingChunks(s_readyPlain, s_one, 60);

        Assert.Equal(rest with { Received = 100 }, Step(rest, "BDAT 40", options).Next);
        Assert.Equal(s_readyPlain, Step(rest, "BDAT 40 LAST", options).Next);
        var (next, action) = Step(rest, "BDAT 41", options);
        Assert.Equal((new ServerState.ChunksFailed(s_readyPlain), "drop552"), (next, Describe(action, withStatus: false)));
        Assert.Equal("drop552", Describe(Step(rest, "BDAT 99999999999999999999", options).Action, withStatus: false));
        Assert.Equal(s_readyPlain, Step(rest, "BDAT 41 LAST", options).Next);
    }

    [Fact]
    public void A_refused_last_chunk_ends_the_transaction()
    {
        Assert.Equal(s_readyPlain, Step(new ServerState.InTransaction(s_readyPlain, s_empty), "BDAT 5 LAST", s_mx).Next);
        Assert.Equal(s_readyPlain, Step(new ServerState.ChunksFailed(s_readyPlain), "BDAT 5 LAST", s_mx).Next);
        var failed = new ServerState.ChunksFailed(s_readyPlain);
        Assert.Equal(failed, Step(failed, "BDAT 5", s_mx).Next);
    }

    /// <summary>Any sequence of commands, with every action turning out well.</summary>
    [Property(MaxTest = 2000)]
    public Property No_mail_is_accepted_before_its_preconditions() =>
        Prop.ForAll(Gen.Elements(s_lines).ArrayOf().ToArbitrary(), Gen.Elements(s_mx, s_submission).ToArbitrary(), (lines, options) =>
        {
            ServerState state = new ServerState.AwaitingHello(null);
            var (hello, mail, recipient, tls, user) = (false, false, false, false, false);
            foreach (var line in lines)
            {
                var (next, action) = Step(state, line, options);
                switch (action)
                {
                    case ServerAction.Upgrade when tls:
                        return false;
                    case ServerAction.Upgrade:
                        next = new ServerState.AwaitingHello(s_tls);
                        (hello, mail, recipient, tls, user) = (false, false, false, true, false);
                        break;
                    case ServerAction.Authenticate auth:
                        if (!tls || !hello || user || mail)
                        {
                            return false;
                        }

                        next = auth.Session with { User = "app" };
                        user = true;
                        break;
                    case ServerAction.AskRecipient ask:
                        if (!mail)
                        {
                            return false;
                        }

                        next = ask.Transaction.With(ask.Recipient);
                        recipient = true;
                        break;
                    case ServerAction.ReceiveData or ServerAction.ReceiveChunk:
                        if (!hello || !mail || !recipient || (options == s_submission && !(tls && user)))
                        {
                            return false;
                        }

                        break;
                    case ServerAction.AskSender:
                        if (!hello || mail || (options == s_submission && !(tls && user)))
                        {
                            return false;
                        }

                        mail = true;
                        break;
                    case ServerAction.Say { Reply.Code: 250 } when line.StartsWith("EHLO", StringComparison.Ordinal):
                        hello = true;
                        break;
                }

                if (next is ServerState.Ready)
                {
                    (mail, recipient) = (false, false);
                }

                state = next;
            }

            return true;
        });

    static readonly string[] s_lines =
    [
        "EHLO c", "EHLO c", "MAIL FROM:<a@b>", "MAIL FROM:<>", "RCPT TO:<c@d>", "RCPT TO:<c@d>", "DATA", "BDAT 5", "BDAT 5 LAST", "RSET",
        "STARTTLS", "AUTH PLAIN", "NOOP", "XYZZY", "BDAT 99999999999",
    ];

    static (ServerState Next, ServerAction Action) Step(ServerState state, string line, ServerOptions options) =>
        ServerStep.Step(state, SmtpCommandParser.Parse(Encoding.UTF8.GetBytes(line)), options);

    static ImmutableArray<string> Offered(ServerState state, ServerOptions options) =>
        Assert.IsType<ServerAction.Say>(Step(state, "EHLO c", options).Action).Reply.Lines;

    static string Describe(ServerAction action, bool withStatus)
    {
        var text = Describe(action);
        return withStatus ? text : text.Split(' ')[0];
    }

    static string Code(SmtpReply reply) => $"{reply.Code} {reply.Status}".TrimEnd();

    static string Describe(ServerAction action) => action switch
    {
        ServerAction.Say say => Code(say.Reply),
        ServerAction.Close { End: SessionEnd.Quit } close => Code(close.Farewell),
        ServerAction.Close close => "close" + Code(close.Farewell),
        ServerAction.DropChunk drop => "drop" + Code(drop.Refusal),
        ServerAction.Upgrade => "tls",
        ServerAction.Authenticate => "auth",
        ServerAction.AskSender => "250 2.1.0",
        ServerAction.AskRecipient => "rcpt",
        ServerAction.ReceiveData => "data",
        ServerAction.ReceiveChunk => "chunk",
        _ => action.ToString(),
    };
}
