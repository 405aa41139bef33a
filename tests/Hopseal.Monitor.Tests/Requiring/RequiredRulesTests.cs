using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Monitor.Tests.Requiring;

public sealed class RequiredRulesTests : IDisposable
{
    static readonly DomainName s_bank = DomainName.Parse("bank.example");
    static readonly RequiredRule s_encrypted = new(s_bank, SecurityFloor.Encrypted, null, [], "alice", new(2026, 12, 1, 4, 10, 0, TimeSpan.Zero), "seen");
    static readonly RequiredRule s_authenticated = s_encrypted with { Floor = SecurityFloor.Authenticated, MinimumVersion = TlsVersion.Tls13 };

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_rule_counts_at_once_and_after_a_restart()
    {
        var rules = Restored();
        var before = rules.Rules;
        Assert.Null(rules.Add(s_encrypted));
        Assert.False(before == rules.Rules, "the planner would not see it");
        var rule = Assert.Single(rules.Rules);
        Assert.Equal(("bank.example", SecurityFloor.Encrypted, "required (bank.example)", true), (rule.Destination, rule.Floor, rule.Source, rule.Required));
        Assert.Equal([s_encrypted], Restored().All);
    }

    [Fact]
    public void A_rule_is_raised_and_never_lowered()
    {
        var rules = Restored();
        Assert.Null(rules.Add(s_encrypted));
        Assert.Null(rules.Add(s_authenticated));
        Assert.Contains("alice requires more", rules.Add(s_encrypted), StringComparison.Ordinal);
        Assert.Contains("alice requires more", rules.Add(s_authenticated with { MinimumVersion = null }), StringComparison.Ordinal);
        Assert.Null(rules.Add(s_authenticated with { Names = ["mx.example"] }));
        Assert.Equal(["mx.example"], rules.Find(s_bank)!.Names);
    }

    [Fact]
    public void What_was_taken_back_is_gone_after_a_restart_too()
    {
        var rules = Restored();
        rules.Add(s_authenticated);
        Assert.Equal(s_authenticated, rules.Remove(s_bank, "bob"));
        Assert.Null(rules.Remove(s_bank, "bob"));
        Assert.Empty(rules.Rules);
        Assert.Empty(Restored().All);
    }

    [Fact]
    public void What_is_no_rule_is_refused()
    {
        Assert.Contains("Tls", Restored().Add(s_encrypted with { Floor = SecurityFloor.Plaintext }), StringComparison.Ordinal);
        Assert.Contains("owner", Restored().Add(s_encrypted with { Owner = "" }), StringComparison.Ordinal);
        Assert.Empty(Restored().All);
    }

    [Fact]
    public void A_change_that_cannot_be_written_is_none()
    {
        var rules = Restored();
        rules.Add(s_authenticated);
        Directory.CreateDirectory(Path.Combine(_directory, RequiredFile.Name + ".new"));
        Assert.ThrowsAny<Exception>(() => rules.Remove(s_bank, "bob"));
        Assert.Equal([s_authenticated], rules.All);
    }

    RequiredRules Restored()
    {
        var rules = new RequiredRules(RequiredFile.In(_directory), NullLogger<RequiredRules>.Instance);
        rules.Restore();
        return rules;
    }
}
