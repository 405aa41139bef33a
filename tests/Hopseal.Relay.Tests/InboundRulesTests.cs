using System.Collections.Immutable;
using System.Net;
using System.Security.Authentication;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Tests;

public sealed class InboundRulesTests
{
    const string Sha = "aa";
    const string Spki = "bb";

    static readonly IPAddress s_inside = IPAddress.Parse("192.0.2.7");
    static readonly IPAddress s_outside = IPAddress.Parse("198.51.100.7");

    static readonly InboundRule s_network = Rule(SecurityFloor.Encrypted) with { Network = IPNetwork.Parse("192.0.2.0/24") };
    static readonly InboundRule s_bank = Rule(SecurityFloor.Authenticated) with { Sender = Pattern("bank.example"), Names = ["out.bank.example", "*.mail.bank.example"] };
    static readonly InboundRule s_pinned = Rule(SecurityFloor.Authenticated) with { Sender = Pattern("*.plant.example"), Pins = [new CertificatePin(PinnedPart.Certificate, Sha), new CertificatePin(PinnedPart.PublicKey, "cc")] };
    static readonly InboundRule s_pinnedKey = s_pinned with { Sender = Pattern("key.example"), Pins = [new CertificatePin(PinnedPart.PublicKey, Spki)] };
    static readonly InboundRule s_both = s_bank with { Sender = Pattern("both.example"), Network = s_network.Network };

    static readonly InboundRules s_rules = new([s_network, s_bank, s_pinned, s_pinnedKey, s_both]);

    [Theory]
    // where from, whose mail, over what → what it is answered
    [InlineData(false, "a@other.example", "plain", null)]
    [InlineData(false, null, "plain", null)]
    [InlineData(true, "a@other.example", "plain", "530 5.7.0 Must issue a STARTTLS command first: mail from this network is taken inside TLS only")]
    [InlineData(true, null, "plain", "530")]
    [InlineData(true, null, "tls", null)]
    [InlineData(false, "a@bank.example", "plain", "530 5.7.0 Must issue a STARTTLS command first: mail from bank.example is taken inside TLS only")]
    [InlineData(false, "a@bank.example", "tls", "550 5.7.1 Mail from bank.example needs a client certificate that is known here, and none was shown")]
    [InlineData(false, "a@bank.example", "invalid out.bank.example", "550 5.7.1 Mail from bank.example needs a client certificate that is known here, and the one that was shown is not valid")]
    [InlineData(false, "a@bank.example", "pkix out.other.example", "550 5.7.1 Mail from bank.example needs a client certificate that is known here, and the one that was shown is for another name")]
    [InlineData(false, "a@bank.example", "pkix OUT.bank.example", null)]
    [InlineData(false, "a@bank.example", "pkix x.mail.bank.example", null)]
    [InlineData(false, "a@bank.example", "pinned out.bank.example", "550")]
    [InlineData(false, "a@sub.bank.example", "plain", null)]
    [InlineData(false, "a@plant.example", "plain", null)]
    [InlineData(false, "a@one.plant.example", "tls", "550")]
    [InlineData(false, "a@one.plant.example", "pinned x", null)]
    [InlineData(false, "a@one.plant.example", "pkix one.plant.example", null)]
    [InlineData(false, "a@key.example", "invalid x", null)]
    [InlineData(false, "a@both.example", "plain", null)]
    [InlineData(true, "a@both.example", "tls", "550")]
    [InlineData(true, "a@both.example", "pkix out.bank.example", null)]
    public void Mail_is_taken_as_every_rule_for_it_wants(bool inside, string? sender, string over, string? expected)
    {
        var refusal = s_rules.RefusalOf(inside ? s_inside : s_outside, Tls(over), sender is null ? null : Scratch.Mailbox(sender));

        Assert.Equal(expected is null, refusal is null);
        Assert.StartsWith(expected ?? "", refusal?.ToString() ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Only_who_may_need_a_certificate_is_asked_for_one()
    {
        Assert.False(new InboundRules([]).AsksForCertificate(s_inside));
        Assert.False(new InboundRules([s_network]).AsksForCertificate(s_inside));
        Assert.True(s_rules.AsksForCertificate(s_outside));
        var one = new InboundRules([s_both]);
        Assert.True(one.AsksForCertificate(s_inside));
        Assert.True(one.AsksForCertificate(s_inside.MapToIPv6()));
        Assert.False(one.AsksForCertificate(s_outside));
    }

    [Property]
    public Property A_further_rule_never_lets_in_what_was_refused_before()
    {
        var rules = Gen.Elements(s_network, s_bank, s_pinned, s_pinnedKey, s_both).ArrayOf();
        var senders = Gen.Elements("a@bank.example", "a@both.example", "a@key.example", "a@one.plant.example", "a@x.example");
        var over = Gen.Elements("plain", "tls", "pkix out.bank.example", "invalid x", "pinned x");
        return Prop.ForAll(rules.ToArbitrary(), Gen.Zip(senders, over).ToArbitrary(), Gen.Elements(s_inside, s_outside).ToArbitrary(), (some, mail, client) =>
        {
            var (sender, by) = mail;
            var refused = Enumerable.Range(0, some.Length + 1)
                .Select(count => new InboundRules([.. some[..count]]).RefusalOf(client, Tls(by), Scratch.Mailbox(sender)) is not null)
                .ToArray();
            return refused.SequenceEqual(refused.Order());
        });
    }

    static InboundRule Rule(SecurityFloor floor) => new(floor, "InboundRules[0]");

    static SenderPattern Pattern(string text) => SenderPattern.TryParse(text, out var pattern) ? pattern : throw new ArgumentException(text);

    static TlsOutcome.Encrypted? Tls(string over)
    {
        if (over == "plain")
        {
            return null;
        }

        var tls = new TlsOutcome.Encrypted(SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.Zero, []);
        if (over.Split(' ') is not [var how, var name])
        {
            return tls;
        }

        ImmutableArray<string> names = [name];
        return tls with
        {
            Peer = new PeerCertificate($"CN={name}", "CN=ca", names, default, default, Sha, Spki),
            Identity = how switch
            {
                "pkix" => PeerIdentity.Pkix,
                "pinned" => PeerIdentity.Pinned,
                _ => PeerIdentity.Unauthenticated,
            },
        };
    }
}
