using System.Net;
using System.Security.Authentication;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Tests;

public sealed class ReceivedHeaderTests
{
    static readonly QueueId s_id = new("01jd0000000000000000000000");
    static readonly DateTimeOffset s_time = new(2026, 3, 1, 13, 4, 5, TimeSpan.FromHours(1));

    static readonly SessionContext s_plain = new(
        "s1", "mx", IPEndPoint.Parse("192.0.2.1:40000"), IPEndPoint.Parse("192.0.2.2:25"), "mail.example.com", true, null, null);

    static readonly TlsOutcome.Encrypted s_tls = new(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.Zero, []);

    [Fact]
    public void Over_TLS_it_names_version_cipher_and_the_only_recipient() => Assert.Equal(
        """
        Received: from mail.example.com ([192.0.2.1])
        	by mx.example.org with ESMTPS id 01jd0000000000000000000000
        	(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)
        	for <a@one.example>;
        	Sun, 1 Mar 2026 12:04:05 +0000

        """.ReplaceLineEndings("\r\n"),
        Format(s_plain with { Tls = s_tls }, Scratch.Envelope("a@one.example")));

    [Fact]
    public void In_plaintext_to_several_it_names_neither() => Assert.Equal(
        """
        Received: from mail.example.com ([IPv6:2001:db8::1])
        	by mx.example.org with ESMTP id 01jd0000000000000000000000;
        	Sun, 1 Mar 2026 12:04:05 +0000

        """.ReplaceLineEndings("\r\n"),
        Format(
            s_plain with { Peer = IPEndPoint.Parse("[2001:db8::1]:40000") },
            Scratch.Envelope("a@one.example", "b@two.example")));

    [Theory]
    [InlineData(false, false, false, false, "SMTP")]
    [InlineData(false, true, false, false, "SMTP")]
    [InlineData(true, false, false, false, "ESMTP")]
    [InlineData(true, false, true, false, "ESMTPA")]
    [InlineData(true, true, false, false, "ESMTPS")]
    [InlineData(true, true, true, false, "ESMTPSA")]
    [InlineData(true, false, false, true, "UTF8SMTP")]
    [InlineData(true, false, true, true, "UTF8SMTPA")]
    [InlineData(true, true, false, true, "UTF8SMTPS")]
    [InlineData(true, true, true, true, "UTF8SMTPSA")]
    public void The_protocol_has_its_registered_name(bool extended, bool tls, bool user, bool utf8, string protocol)
    {
        var session = s_plain with { Extended = extended, Tls = tls ? s_tls : null, User = user ? "app" : null };
        Assert.Contains($" with {protocol} id ", Format(session, Scratch.Envelope("a@b.example") with { SmtpUtf8 = utf8 }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "unknown")]
    [InlineData("[192.0.2.1]", "[192.0.2.1]")]
    [InlineData("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]")]
    [InlineData("a_b-c.example", "a_b-c.example")]
    [InlineData("evil (x) by mx.example.org", "evil??x??by?mx.example.org")]
    [InlineData("a\r\nBcc: all@example.org", "a??Bcc:?all?example.org")]
    [InlineData("b\u00FCcher.example", "b?cher.example")]
    public void What_a_client_says_of_itself_cannot_forge_a_clause(string hello, string shown) => Assert.StartsWith(
        $"Received: from {shown} ([192.0.2.1])\r\n", Format(s_plain with { Hello = hello }, Scratch.Envelope("a@b.example")), StringComparison.Ordinal);

    [Fact]
    public void No_line_comes_near_the_limit()
    {
        var longest = new Mailbox(new string('l', 64), Hopseal.Dns.DomainName.Parse(string.Join('.', Enumerable.Repeat(new string('d', 60), 4))));
        var text = Format(s_plain with { Hello = new string('h', 5000), Tls = s_tls }, new Envelope(null, [longest]));
        Assert.All(text.Split("\r\n"), line => Assert.InRange(line.Length, 0, 500));
    }

    [Fact]
    public void A_mapped_address_is_shown_as_what_it_is() => Assert.Contains(
        "([192.0.2.1])",
        Format(s_plain with { Peer = new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.1"), 1) }, Scratch.Envelope("a@b.example")),
        StringComparison.Ordinal);

    static string Format(SessionContext session, Envelope envelope) =>
        ReceivedHeader.Format(session, envelope, "mx.example.org", s_id, s_time);
}
