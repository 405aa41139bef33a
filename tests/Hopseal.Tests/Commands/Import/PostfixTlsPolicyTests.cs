using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Commands.Import;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Tests.Commands.Import;

public sealed class PostfixTlsPolicyTests : IDisposable
{
    const string Digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task A_table_becomes_rules_and_what_cannot_be_carried_over_is_named()
    {
        _workspace.Write("tls_policy", $"""
            # our partners
            example.edu                 none
            example.mil                 may
            example.gov                 encrypt protocols=TLSv1
            example.com                 verify ciphers=high

            example.net                 secure
            .example.net                secure match=.example.net:example.net
            [mail.example.org]:587      secure match=nexthop protocols=>=TLSv1.3, tafile=/etc/postfix/ca.pem
            [thumb.example.org]         fingerprint
                match={Digits.ToUpperInvariant()}
               # the old one
                match=b6:b4:72:34:e2:59:cd:aa:c2:ca:63:0d:4d:cc:2c:7d|
            [192.0.2.1]                 encrypt
            dane.example                dane-only
            Old.Example.NET             encrypt
            example.com:25              secure
            example.net                 may
            """);
        var run = await RunAsync();
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($$"""
            {
              "Outbound": {
                "Rules": [
                  {
                    "Destination": "example.gov",
                    "Tls": "Encrypted"
                  },
                  {
                    "Destination": "example.com",
                    "Tls": "Authenticated"
                  },
                  {
                    "Destination": "example.net",
                    "Tls": "Authenticated",
                    "Names": [
                      "*.example.net"
                    ]
                  },
                  {
                    "Destination": "*.example.net",
                    "Tls": "Authenticated",
                    "Names": [
                      "*.example.net",
                      "example.net"
                    ]
                  },
                  {
                    "Destination": "mail.example.org",
                    "Tls": "Authenticated",
                    "MinimumVersion": "1.3",
                    "Roots": [
                      "/etc/postfix/ca.pem"
                    ]
                  },
                  {
                    "Destination": "thumb.example.org",
                    "Tls": "Authenticated",
                    "Fingerprints": [
                      "sha256:{{Digits}}",
                      "spki-sha256:{{Digits}}"
                    ]
                  },
                  {
                    "Destination": "[192.0.2.1]",
                    "Tls": "Encrypted"
                  },
                  {
                    "Destination": "dane.example",
                    "Tls": "Authenticated"
                  }
                ]
              }
            }

            """, run.Out);
        Assert.Equal("""
            tls_policy:2: left out: nothing here turns TLS off for a destination; it is used where it is offered
            tls_policy:3: note: needs no rule: TLS is used where it is offered
            tls_policy:4: "protocols=TLSv1" allows only versions that are not spoken here: TLS 1.2 and 1.3 are
            tls_policy:5: "ciphers=high" cannot be carried over
            tls_policy:5: hostname: the name of an MX host counts only where DNSSEC, or the recipient domain that it lies in, vouches for it
            tls_policy:8: note: .example.net: stands for one label here, as in a certificate
            tls_policy:9: note: ":587": a rule knows no port, and holds for each
            tls_policy:10: "b6:b4:72:34:e2:59:cd:aa:c2:ca:63:0d:4d:cc:2c:7d" is no SHA-256 fingerprint: make one anew
            tls_policy:15: dane-only became Authenticated: where there are no TLSA records, a valid certificate for the right name is enough
            tls_policy:16: left out: asks for less than line 8 for *.example.net, which holds here as well; write an exception, with Until, Reason and Owner
            tls_policy:17: note: ":25": a rule knows no port, and holds for each
            tls_policy:17: left out: for example.com as line 5 is; a rule knows no port
            tls_policy:18: left out: line 7 is for "example.net" already

            """, run.Error);
    }

    [Fact]
    public async Task Where_nothing_is_lost_the_exit_code_says_so_and_the_rules_are_a_configuration()
    {
        _workspace.Write("tls_policy", "a.example encrypt\n.b.example secure\n[c.example] secure match=mail.c.example\nd.example dane\n");
        var run = await RunAsync();
        Assert.Equal((0, "tls_policy:4: note: needs no rule: DANE is always followed\n"), (run.ExitCode, run.Error));

        _workspace.Write("hopseal.json", """
            { "Hostname": "mx1.example.org", "DataDirectory": ".", "RelayFrom": [ "127.0.0.1" ],
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            """ + run.Out.TrimStart()[1..]);
        var usable = Assert.IsType<ConfigurationResult.Usable>(
            ConfigurationFile.Load("hopseal.json", _workspace.Directory, new Dictionary<string, string>(), TimeProvider.System));
        Assert.Equal(
            [("a.example", SecurityFloor.Encrypted), ("*.b.example", SecurityFloor.Authenticated), ("c.example", SecurityFloor.Authenticated)],
            usable.Configuration.Outbound.Rules.Select(rule => (rule.Rule.Destination, rule.Rule.Floor)));
    }

    [Theory]
    [InlineData("TLSv1.3", TlsVersion.Tls13)]
    [InlineData(">=TLSv1.3", TlsVersion.Tls13)]
    [InlineData(">=0x0304", TlsVersion.Tls13)]
    [InlineData("!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2", TlsVersion.Tls13)]
    [InlineData("!SSLv2:!SSLv3", null)]
    [InlineData("TLSv1.2:tlsv1.3", null)]
    [InlineData(">=TLSv1", null)]
    [InlineData("<=TLSv1.3", null)]
    public void A_list_of_versions_becomes_the_least(string text, TlsVersion? expected) =>
        Assert.Equal(expected, PostfixProtocols.Least(text, words => Assert.Fail(words)));

    [Theory]
    [InlineData("TLSv1.2", "TLS 1.3 cannot be left out")]
    [InlineData("<=TLSv1.2", "TLS 1.3 cannot be left out")]
    [InlineData("!TLSv1.3", "TLS 1.3 cannot be left out")]
    [InlineData("!SSLv2:!SSLv3:!TLSv1.1", "\"protocols=!SSLv2:!SSLv3:!TLSv1.1\" allows only versions that are not spoken here: TLS 1.2 and 1.3 are")]
    [InlineData("TLSv1.4", "\"protocols=TLSv1.4\" cannot be understood")]
    [InlineData(">=", "\"protocols=>=\" cannot be understood")]
    [InlineData("!0304", "\"protocols=!0304\" cannot be understood")]
    public void A_list_of_versions_that_cannot_be_carried_over_is_named(string text, string expected)
    {
        var lost = new List<string>();
        Assert.Null(PostfixProtocols.Least(text, lost.Add));
        Assert.Equal([expected], lost);
    }

    [Theory]
    [InlineData("a.example", "\"\" is no level")]
    [InlineData("a.example encrypted", "\"encrypted\" is no level")]
    [InlineData("a.example encrypt high", "\"high\" is no attribute")]
    [InlineData("a.example encrypt { protocols = TLSv1.2 }", "\"{\" is no attribute")]
    [InlineData("a.example encrypt servername=b.example", "\"servername=b.example\" cannot be carried over")]
    [InlineData("a.example encrypt match=b.example", "\"match=b.example\" cannot be carried over at this level")]
    [InlineData("a.example may protocols=TLSv1.3", "\"protocols=TLSv1.3\" cannot be carried over at this level")]
    [InlineData("a.example fingerprint", "it names no fingerprint, and smtp_tls_fingerprint_cert_match of main.cf is not read")]
    [InlineData("a.example fingerprint match=x|y", "none of its fingerprints can be used")]
    [InlineData("a.example secure match=*.b", "\"*.b\" is no name that a certificate could be for")]
    [InlineData("unix:/run/lmtp encrypt", "\"unix:/run/lmtp\" is no domain and no next hop")]
    [InlineData("@a.example encrypt", "\"@a.example\" is no domain and no next hop")]
    [InlineData("\u001b[2J encrypt", "\"\\u001b[2j\" is no domain and no next hop")]
    public void What_cannot_be_carried_over_is_named(string line, string expected)
    {
        var policy = PostfixTlsPolicy.Read(Encoding.UTF8.GetBytes(line));
        Assert.Contains(policy.Notes, note => note is { IsLoss: true, Line: 1 } && note.Words.EndsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("  a.example encrypt", "line 1: goes on with an entry, and there is none before it")]
    [InlineData("a.example encrypt\0", "holds a NUL: name the table's text, not what postmap made of it")]
    public void What_is_no_table_is_refused(string text, string expected) =>
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => PostfixTlsPolicy.Read(Encoding.UTF8.GetBytes(text))).Message);

    [Fact]
    public async Task Hostile_files_end_in_a_clear_error()
    {
        Assert.Equal(
            "is no UTF-8 text: name the table's text, not what postmap made of it",
            Assert.Throws<InvalidDataException>(() => PostfixTlsPolicy.Read([0xff, 0xfe])).Message);
        Assert.Equal(
            "is larger than 4194304 octets", Assert.Throws<InvalidDataException>(() => PostfixTlsPolicy.Read(new byte[PostfixTable.MaxOctets + 1])).Message);
        Assert.Equal(
            "line 1: the entry is longer than 65536 characters",
            Assert.Throws<InvalidDataException>(() => PostfixTlsPolicy.Read(Encoding.UTF8.GetBytes("a.example encrypt" + string.Concat(Enumerable.Repeat("\n " + new string('x', 999), 66))))).Message);
        var run = await RunAsync();
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("hopseal: tls_policy cannot be read: ", run.Error, StringComparison.Ordinal);
    }

    [Property]
    public Property Any_text_is_read_or_refused_and_every_rule_is_one() => Prop.ForAll(
        Arb.From(Gen.ListOf(Gen.Elements("a.example", ".b", "[c]:25", " ", "\n", "\t", "#", "secure", "verify", "fingerprint", "encrypt", "match=", ":", "|", ",", Digits, "*.", "protocols=", ">=TLSv1.3", "!", "[", "]", ".", "=", "é"))),
        words =>
        {
            try
            {
                foreach (var rule in PostfixTlsPolicy.Read(Encoding.UTF8.GetBytes(string.Concat(words))).Rules)
                {
                    Assert.True(OperatorRules.IsDestination(rule.Destination), rule.Destination);
                    Assert.True(rule.Fingerprints.IsEmpty || rule.Tls is SecurityFloor.Authenticated);
                }
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith("line ", e.Message, StringComparison.Ordinal);
            }
        });

    Task<CommandRun> RunAsync() => CommandRun.OfAsync(_workspace.Directory, ["config", "import-postfix-tls-policy", "tls_policy"]);
}
