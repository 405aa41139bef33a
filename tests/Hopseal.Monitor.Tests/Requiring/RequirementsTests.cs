using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Monitor.Tests.Requiring;

public sealed class RequirementsTests : IDisposable
{
    static readonly DateTimeOffset s_now = new(2026, 12, 1, 13, 0, 0, TimeSpan.Zero);
    static readonly DomainName s_bank = DomainName.Parse(BankFacts.Domain);

    static readonly DomainHistory s_history = new(
        new WatchedDomain(s_bank, WatchedAs.Partner), null, [new Observation(1, BankFacts.All, BankFacts.At, BankFacts.At)], new LookState(BankFacts.At, BankFacts.At, 0, null));

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
