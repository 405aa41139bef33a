using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

public sealed class PlanTextTests
{
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 34, 56, TimeSpan.Zero);

    static readonly ZoneResolver s_zone = ZoneResolver.Parse("""
        $SECURE on
        bank.test           MX  10 mx1.bank.test
        bank.test           MX  20 mx.elsewhere.test
        $SECURE off
        mx1.bank.test       A   192.0.2.1
        mx1.bank.test       AAAA 2001:db8::1
        mx.elsewhere.test   FAIL ANY no reachable authority
        smart.test          A   192.0.2.3
        plain.test          A   192.0.2.4
        hosted.test         MX  10 mx.hoster.test
        mx.hoster.test      A   192.0.2.5
        null.test           MX  0 .
        broken.test         FAIL MX DNSSEC bogus
        """);

    readonly ProvenTlsMemory _proven = new(new FakeTimeProvider(s_now));

    [Fact]
    public async Task Mx_hosts_with_everything_that_applies()
    {
        _proven.Prove("mx1.bank.test", 25, s_now);
        var routing = new Routing { Rules = [new OutboundRule("bank.test", SecurityFloor.Authenticated, ["*.bank.example"], "Outbound.Rules[0]")] };
        await AssertTextAsync(routing, "bank.test", """
            bank.test: relay to 2 hosts, in this order
              1. mx1.bank.test:25, MX 10, DNSSEC-validated
                 addresses  2001:db8::1, 192.0.2.1 (not signed)
                 start      STARTTLS
                 policy     Plaintext     default: encrypt if offered
                 policy     Authenticated configured: Outbound.Rules[0]
                 policy     Encrypted     completed TLS before, last 2026-05-01 12:34 UTC
                 no MTA-STS not looked for
                 no DANE    not looked for: the addresses are not signed
                 floor      Authenticated
                 names      mx1.bank.test, bank.test, *.bank.example
              2. mx.elsewhere.test:25, MX 20, DNSSEC-validated
                 addresses  none, skipped: mx.elsewhere.test AAAA: SERVFAIL, no reachable authority; mx.elsewhere.test A: SERVFAIL, no reachable authority
                 start      STARTTLS
                 policy     Plaintext     default: encrypt if offered
                 policy     Authenticated configured: Outbound.Rules[0]
                 no MTA-STS not looked for
                 no DANE    not looked for: there is no address to connect to
                 floor      Authenticated
                 names      mx.elsewhere.test, bank.test, *.bank.example

            """);
    }

    [Fact]
    public async Task An_exception_with_all_that_it_lowers()
    {
        _proven.Prove("plain.test", 25, s_now);
        var routing = new Routing
        {
            Rules =
            [
                new OutboundRule("*", SecurityFloor.Authenticated, [], "Outbound.Rules[0]"),
                new OutboundRule(
                    "plain.test", SecurityFloor.Plaintext, [], "Outbound.Rules[1]", new ExceptionTerms(new(2026, 5, 31), "ticket 4711", "ops")),
            ],
        };
        await AssertTextAsync(routing, "plain.test", """
            plain.test: relay to one host
              1. plain.test:25, MX 0, not signed
                 addresses  192.0.2.4 (not signed)
                 start      STARTTLS
                 policy     Plaintext     default: encrypt if offered
                 policy     Plaintext     instead of Authenticated, by the exception Outbound.Rules[1]: configured: Outbound.Rules[0]
                 policy     Plaintext     exception: Outbound.Rules[1], until 2026-05-31, ops: ticket 4711
                 policy     Plaintext     instead of Encrypted, by the exception Outbound.Rules[1]: completed TLS before, last 2026-05-01 12:34 UTC
                 no MTA-STS not looked for
                 no DANE    not looked for: the addresses are not signed
                 floor      Plaintext
                 names      plain.test

            """);
    }

    [Fact]
    public async Task Everything_else_that_a_rule_can_ask_for()
    {
        _proven.Prove("mx.hoster.test", 25, s_now.AddDays(-1), verified: true);
        _proven.Prove("mx.hoster.test", 25, s_now);
        var routing = new Routing
        {
            Rules =
            [
                new OutboundRule("hosted.test", SecurityFloor.Authenticated, [], "Outbound.Rules[0]")
                {
                    MinimumVersion = TlsVersion.Tls13,
                    Pins = [new CertificatePin(PinnedPart.Certificate, new string('a', 64)), new CertificatePin(PinnedPart.PublicKey, new string('b', 64))],
                    ClientCertificate = new CertificateFiles("/etc/hopseal/client.pem", "/etc/hopseal/client.key"),
                },
                new OutboundRule("mx.hoster.test", SecurityFloor.Authenticated, [], "Outbound.Rules[1]") { Authority = TrustedRoots.Of() },
            ],
        };
        await AssertTextAsync(routing, "hosted.test", $"""
            hosted.test: relay to one host
              1. mx.hoster.test:25, MX 10, not signed
                 addresses  192.0.2.5 (not signed)
                 start      STARTTLS
                 policy     Plaintext     default: encrypt if offered
                 policy     Authenticated configured: Outbound.Rules[0]
                 policy     Encrypted     TLS 1.3 or newer: Outbound.Rules[0]
                 policy     Authenticated only sha256:{new string('a', 64)} or spki-sha256:{new string('b', 64)}: Outbound.Rules[0]
                 policy     Authenticated configured: Outbound.Rules[1]
                 policy     Authenticated only authorities of memory: Outbound.Rules[1], of a host that DNS does not vouch for
                 policy     Encrypted     completed TLS before, last 2026-05-01 12:34 UTC, and proved who it is, last 2026-04-30 12:34 UTC
                 no MTA-STS not looked for
                 no DANE    not looked for: the addresses are not signed
                 shows      client.pem, if it asks: Outbound.Rules[0]
                 floor      Authenticated
                 names      hosted.test

            """);
    }

    [Fact]
    public async Task A_smart_host_with_credentials()
    {
        var routing = new Routing { SmartHost = new NextHop(DomainName.Parse("smart.test"), null, 465, TlsStart.Implicit), SmartHostCredentials = true };
        await AssertTextAsync(routing, "bank.test", """
            bank.test: relay to one host, with our credentials
              1. smart.test:465, configured
                 addresses  192.0.2.3 (not signed)
                 start      TLS from the first byte
                 policy     Plaintext     default: encrypt if offered
                 policy     Encrypted     credentials never travel in plaintext
                 no MTA-STS not looked for
                 no DANE    not looked for: the addresses are not signed
                 floor      Encrypted
                 names      smart.test

            """);
    }

    [Fact]
    public async Task An_address_literal() => await AssertTextAsync(new Routing(), "[IPv6:2001:db8::7]", """
        [IPv6:2001:db8::7]: relay to one host
          1. [2001:db8::7]:25, address literal
             addresses  2001:db8::7
             start      STARTTLS
             policy     Plaintext     default: encrypt if offered
             floor      Plaintext
             names      none

        """);

    [Fact]
    public async Task An_implicit_mx() => await AssertTextAsync(new Routing(), "plain.test", """
        plain.test: relay to one host
          1. plain.test:25, MX 0, not signed
             addresses  192.0.2.4 (not signed)
             start      STARTTLS
             policy     Plaintext     default: encrypt if offered
             no MTA-STS not looked for
             no DANE    not looked for: the addresses are not signed
             floor      Plaintext
             names      plain.test

        """);

    [Fact]
    public async Task No_relay()
    {
        await AssertTextAsync(new Routing(), "null.test", "null.test: return to sender, 5.1.10 null.test takes no mail (null MX)\n");
        await AssertTextAsync(new Routing(), "broken.test", "broken.test: wait, 4.4.3 the MX hosts of broken.test are not known now: broken.test MX: SERVFAIL, DNSSEC bogus\n");
        await AssertTextAsync(new Routing { AnyDomain = new DomainRoute(null, null, "mail") }, "bank.test", "bank.test: kept here, in mail\n");
    }

    [Fact]
    public void A_host_by_address_is_written_with_brackets_where_it_needs_them() => Assert.Equal(
        "[2001:db8::1]:25",
        new PlannedHost(null, 0, 25, TlsStart.StartTls, HostAuthenticity.Configured, [IPAddress.Parse("2001:db8::1")]).ToString());

    async Task AssertTextAsync(Routing routing, string domain, string expected)
    {
        var plan = await new DeliveryPlanner(routing, s_zone, _proven).PlanAsync(domain, null, TestContext.Current.CancellationToken);
        Assert.Equal(expected, PlanText.Write(domain, plan));
    }
}
