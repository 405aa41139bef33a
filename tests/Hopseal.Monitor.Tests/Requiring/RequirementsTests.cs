using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Monitor.Tests.Requiring;

public sealed class RequirementsTests : IDisposable
{
    static readonly DateTimeOffset s_now = new(2026, 12, 1, 13, 0, 0, TimeSpan.Zero);
    static readonly DateTimeOffset s_at = s_now.AddHours(-1);
    static readonly DomainName s_bank = DomainName.Parse("bank.example");

    static readonly HandshakeFacts s_handshake = new(
        true, null, "TLSv1.3", "TLS_AES_256_GCM_SHA384",
        [new CertificateFacts("CN=mx", "CN=mx", ["mx.bank.example"], s_at, s_at.AddDays(60), "ECDSA", 256, "nistP256", "sha256ECDSA", "SHA256", "a", "b", true)], ["untrusted: self-signed"], true, true, "DaneEe");

    static readonly AuditFacts s_facts = new(
        "bank.example", s_at, TimeSpan.FromSeconds(1), false,
        new DomainFacts(
            "bank.example", new MxFacts(MxState.Found, true, [new ExchangerFacts(10, "mx.bank.example")]), new StsFacts(null, true, null, null, null), new TlsRptFacts(null, true, null, [])),
        [
            new HostFacts(
                "mx.bank.example", 10, null, true, new TlsaFacts(TlsaAnswer.Signed, null, ["3 1 1 b"], []),
                [new EndpointFacts("192.0.2.1", 25, "smtp", 1, new DialogueFacts(Reach.Talked, null, null, [], true, "220 go", [], [], []), s_handshake)]),
        ]);

    static readonly DomainHistory s_history = new(
        new WatchedDomain(s_bank, WatchedAs.Partner), null, [new Observation(1, s_facts, s_at, s_at)], new LookState(s_at, s_at, 0, null));

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_domain_is_held_to_what_it_proved_and_let_go()
    {
        var requirements = Requirements();
        var demand = Assert.IsType<ObservedProof.Demand>(requirements.ProofOf(s_history));
        Assert.Null(requirements.Require(s_bank, demand, "alice"));
        Assert.Equal(
            new RequiredRule(
                s_bank, SecurityFloor.Authenticated, TlsVersion.Tls13, [], "alice", s_now, "1 host with 1 address did TLS 1.3; each matches its TLSA records (seen 2026-12-01 12:00 UTC)"),
            requirements.Find(s_bank));

        Assert.Null(requirements.TakeBack(s_bank, "bob", out var removed));
        Assert.True(removed);
        Assert.Null(requirements.Find(s_bank));
        Assert.Null(requirements.TakeBack(s_bank, "bob", out removed));
        Assert.False(removed);
    }

    [Fact]
    public void Where_nothing_can_be_required_there_is_no_proof_and_no_rule()
    {
        var requirements = Requirements("it has a next hop");
        Assert.Equal(new ObservedProof.Nothing("it has a next hop"), requirements.ProofOf(s_history));
        Assert.Equal("it has a next hop", requirements.Require(s_bank, Assert.IsType<ObservedProof.Demand>(ObservedProof.Of(s_history)), "alice"));
        Assert.Empty(requirements.All);
    }

    [Fact]
    public void What_cannot_be_written_down_is_said_and_not_done()
    {
        var requirements = Requirements();
        Directory.CreateDirectory(Path.Combine(_directory, RequiredFile.Name + ".new"));
        var fault = requirements.Require(s_bank, Assert.IsType<ObservedProof.Demand>(ObservedProof.Of(s_history)), "alice");
        Assert.StartsWith("nothing was changed, because it cannot be written down: ", fault, StringComparison.Ordinal);
        Assert.Empty(requirements.All);
    }

    Requirements Requirements(string? refuse = null) =>
        new(new RequiredRules(RequiredFile.In(_directory), NullLogger<RequiredRules>.Instance), _ => refuse, new FakeTimeProvider(s_now));
}
