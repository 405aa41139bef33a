using System.Collections.Concurrent;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>What is known of a domain's policy while the record, the policy host and the time change.</summary>
public sealed class StsPoliciesTests : IAsyncDisposable
{
    const string Host = "mta-sts.sts.test A 127.0.0.1\n";
    const string Record1 = "_mta-sts.sts.test TXT v=STSv1\\; id=1\\;\n";
    const string Record2 = "_mta-sts.sts.test TXT v=STSv1\\; id=2\\;\n";
    const string Gone = "sts.test A 192.0.2.1\n";

    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("policy root", s_now.AddYears(-1), s_now.AddYears(2));
    static readonly DomainName s_domain = DomainName.Parse("sts.test");

    readonly FakeTimeProvider _clock = new(s_now);
    readonly PolicyHost _host = new(s_root.ServerLeaf("mta-sts.sts.test"));
    readonly ChangingZone _zone = new(Host + Record1);
    readonly ConcurrentQueue<StsNews> _news = [];
    readonly StsPolicies _policies;

    public StsPoliciesTests()
    {
        Serve("enforce", "mx.elsewhere.test", TimeSpan.FromDays(7));
        _policies = Create();
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    int Fetches => _host.Requests.Count;

    public async ValueTask DisposeAsync()
    {
        await _policies.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_domain_without_a_record_is_not_asked_for_a_policy()
    {
        _zone.Become(Host);
        Assert.Equal("no record", (await NoneAsync()).Why);
        Assert.Equal(0, Fetches);
    }

    [Fact]
    public async Task A_policy_is_fetched_once_and_counts_while_its_id_stays()
    {
        Assert.Equal(new StsPolicy(StsMode.Enforce, ["mx.elsewhere.test"], TimeSpan.FromDays(7), "1"), (await FoundAsync()).Policy);
        _clock.Advance(TimeSpan.FromDays(6));
        var found = await FoundAsync();
        Assert.Equal((s_now, 1), (found.FetchedAt, Fetches));
        Assert.Empty(found.Failures);
        Assert.IsType<StsNews.Fetched>(Assert.Single(_news));
    }

    [Fact]
    public async Task The_record_may_be_an_alias()
    {
        _zone.Become(Host + "_mta-sts.sts.test CNAME _mta-sts.provider.test\n_mta-sts.provider.test TXT v=STSv1\\; id=7\\;");
        Assert.Equal("7", (await FoundAsync()).Policy.Id);
    }

    [Fact]
    public async Task Another_id_brings_the_new_policy_at_once()
    {
        await FoundAsync();
        Serve("testing", "mx2.elsewhere.test", TimeSpan.FromDays(1));
        _zone.Become(Host + Record2);
        Assert.Equal(new StsPolicy(StsMode.Testing, ["mx2.elsewhere.test"], TimeSpan.FromDays(1), "2"), (await FoundAsync()).Policy);
        Assert.Equal(2, Fetches);
        Assert.Equal("1", Assert.IsType<StsNews.Fetched>(_news.Last()).Before?.Id);
    }

    [Theory]
    [InlineData("enforce")]
    [InlineData("none")]
    public async Task A_failing_fetch_keeps_the_policy_and_says_so(string mode)
    {
        Serve(mode, "mx.elsewhere.test", TimeSpan.FromDays(7));
        await FoundAsync();
        Break();
        _zone.Become(Host + Record2);
        var found = await FoundAsync();
        Assert.Equal("1", found.Policy.Id);
        Assert.Equal("http-500", Assert.Single(found.Failures).ReasonCode);
        Assert.Equal("1", Assert.IsType<StsNews.Failed>(_news.Last()).Kept?.Policy.Id);
    }

    [Theory]
    [InlineData(Gone)]
    [InlineData("_mta-sts.sts.test TXT v=STSv1\\; broken\n")]
    [InlineData("_mta-sts.sts.test TXT v=STSv1\\; id=5\\;\n_mta-sts.sts.test TXT v=STSv1\\; id=6\\;\n")]
    [InlineData("_mta-sts.sts.test FAIL TXT\n")]
    public async Task A_record_that_vanished_does_not_remove_the_policy(string instead)
    {
        await FoundAsync();
        _zone.Become(instead);
        _clock.Advance(TimeSpan.FromDays(6));
        Assert.Equal("1", (await FoundAsync()).Policy.Id);
        _clock.Advance(TimeSpan.FromDays(1));
        var none = await NoneAsync();
        Assert.Empty(none.Failures);
        Assert.Equal(instead.Contains("FAIL", StringComparison.Ordinal), none.IsUnknown);
    }

    [Fact]
    public async Task A_record_that_is_not_known_is_a_failure_only_where_there_is_a_policy()
    {
        _zone.Become("_mta-sts.sts.test FAIL TXT\n");
        var none = await NoneAsync();
        Assert.Empty(none.Failures);
        Assert.True(none.IsUnknown);
        Assert.StartsWith("not known: ", none.Why, StringComparison.Ordinal);
        _zone.Become(Host + Record1);
        await FoundAsync();
        _zone.Become("_mta-sts.sts.test FAIL TXT\n");
        Assert.Equal("record-unknown", Assert.Single((await FoundAsync()).Failures).ReasonCode);
    }

    [Fact]
    public async Task A_policy_host_that_fails_is_left_in_peace_for_five_minutes_for_each_version()
    {
        Break();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("http-500", Assert.Single((await NoneAsync()).Failures).ReasonCode);
        }

        Assert.Equal(1, Fetches);
        _zone.Become(Host + Record2);
        await NoneAsync();
        Assert.Equal(2, Fetches);
        _clock.Advance(TimeSpan.FromMinutes(5));
        Serve("enforce", "mx.elsewhere.test", TimeSpan.FromDays(7));
        await FoundAsync();
        Assert.Equal(3, Fetches);
    }

    [Fact]
    public async Task A_policy_is_renewed_every_day_whatever_became_of_its_record()
    {
        await FoundAsync();
        _zone.Become(Host);
        _clock.Advance(TimeSpan.FromHours(23));
        await _policies.RenewAsync(Cancel);
        Assert.Equal(1, Fetches);
        _clock.Advance(TimeSpan.FromHours(1));
        await _policies.RenewAsync(Cancel);
        Assert.Equal(2, Fetches);
        Assert.Equal((_clock.GetUtcNow(), "1"), ((await FoundAsync()).FetchedAt, (await FoundAsync()).Policy.Id));
    }

    [Fact]
    public async Task A_renewal_takes_the_new_id_along()
    {
        await FoundAsync();
        _zone.Become(Host + Record2);
        _clock.Advance(TimeSpan.FromDays(1));
        await _policies.RenewAsync(Cancel);
        Assert.Equal("2", (await FoundAsync()).Policy.Id);
        Assert.Equal(2, Fetches);
    }

    [Fact]
    public async Task A_policy_of_a_short_life_is_renewed_at_half_of_it()
    {
        Serve("enforce", "mx.elsewhere.test", TimeSpan.FromHours(2));
        await FoundAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        await _policies.RenewAsync(Cancel);
        Assert.Equal(2, Fetches);
    }

    [Fact]
    public async Task A_renewal_that_fails_is_told_and_tried_again_in_an_hour()
    {
        await FoundAsync();
        Break();
        _clock.Advance(TimeSpan.FromDays(1));
        await _policies.RenewAsync(Cancel);
        await _policies.RenewAsync(Cancel);
        Assert.Equal(2, Fetches);
        Assert.Equal("http-500", Assert.IsType<StsNews.Failed>(_news.Last()).Failure.ReasonCode);
        var found = await FoundAsync();
        Assert.Equal("http-500", Assert.Single(found.Failures).ReasonCode);
        _clock.Advance(TimeSpan.FromHours(1));
        Serve("enforce", "mx.elsewhere.test", TimeSpan.FromDays(7));
        await _policies.RenewAsync(Cancel);
        Assert.Empty((await FoundAsync()).Failures);
    }

    [Fact]
    public async Task A_policy_that_no_mail_uses_is_left_to_expire()
    {
        Serve("enforce", "mx.elsewhere.test", TimeSpan.FromDays(365));
        await FoundAsync();
        _clock.Advance(TimeSpan.FromDays(90));
        await _policies.RenewAsync(Cancel);
        Assert.Equal(1, Fetches);
        await FoundAsync();
        await _policies.RenewAsync(Cancel);
        Assert.Equal(2, Fetches);
    }

    [Fact]
    public async Task What_was_kept_counts_after_a_restart_without_record_and_host()
    {
        await FoundAsync();
        _zone.Become(Gone);
        _clock.Advance(TimeSpan.FromDays(3));
        await using var restarted = Create();
        restarted.Restore(_policies.Snapshot());
        Assert.Equal(s_now, Assert.IsType<StsFinding.Found>(await restarted.FindAsync(s_domain, Cancel)).FetchedAt);
        _clock.Advance(TimeSpan.FromDays(4));
        Assert.IsType<StsFinding.None>(await restarted.FindAsync(s_domain, Cancel));
        Assert.Empty(restarted.Snapshot());
    }

    [Fact]
    public async Task A_time_in_the_future_does_not_prolong_a_policy()
    {
        _zone.Become(Gone);
        var policy = new StsPolicy(StsMode.Enforce, ["mx.elsewhere.test"], TimeSpan.FromDays(7), "1");
        _policies.Restore([new KeptStsPolicy(s_domain, policy, s_now.AddYears(9), s_now.AddYears(9))]);
        Assert.Equal(s_now, (await FoundAsync()).FetchedAt);
        _clock.Advance(TimeSpan.FromDays(7));
        await NoneAsync();
    }

    [Fact]
    public async Task A_message_does_not_wait_for_a_slow_policy_host_and_the_next_one_has_the_policy()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var proper = _host.Answer;
        _host.Answer = async (stream, cancel) =>
        {
            asked.SetResult();
            await answer.Task.WaitAsync(cancel);
            await proper(stream, cancel);
        };
        var finding = _policies.FindAsync(s_domain, Cancel).AsTask();

        // Else the connection may be what takes these seconds, and the fetch gives up.
        await asked.Task.WaitAsync(Cancel);
        _clock.Advance(TimeSpan.FromSeconds(10));
        var none = Assert.IsType<StsFinding.None>(await finding);
        Assert.Equal("slow", Assert.Single(none.Failures).ReasonCode);

        var next = _policies.FindAsync(s_domain, Cancel).AsTask();
        answer.SetResult();
        Assert.IsType<StsFinding.Found>(await next);
        Assert.Equal(1, Fetches);
    }

    [Fact]
    public async Task Messages_for_one_domain_share_one_fetch()
    {
        var findings = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _policies.FindAsync(s_domain, Cancel).AsTask()));
        Assert.All(findings, finding => Assert.IsType<StsFinding.Found>(finding));
        Assert.Equal(1, Fetches);
    }

    [Fact]
    public async Task A_max_age_of_nothing_is_no_fetch_for_each_message()
    {
        Serve("enforce", "mx.elsewhere.test", TimeSpan.Zero);
        await FoundAsync();
        await FoundAsync();
        Assert.Equal(1, Fetches);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await FoundAsync();
        Assert.Equal(2, Fetches);
    }

    [Fact]
    public async Task Beyond_the_bound_the_policy_not_used_for_longest_gives_way()
    {
        _zone.Become(Gone);
        await using var small = Create(new StsOptions { MostPatterns = 6 });
        DomainName[] domains = [DomainName.Parse("a.test"), DomainName.Parse("b.test"), DomainName.Parse("c.test"), DomainName.Parse("d.test")];
        var policy = new StsPolicy(StsMode.Enforce, ["mx.elsewhere.test"], TimeSpan.FromDays(7), "1");
        small.Restore(domains[..3].Select(domain => new KeptStsPolicy(domain, policy, s_now, s_now)));
        Assert.IsType<StsFinding.Found>(await small.FindAsync(domains[0], Cancel));
        small.Restore([new KeptStsPolicy(domains[3], policy, s_now, s_now)]);
        Assert.Equal(["a.test", "c.test", "d.test"], small.Snapshot().Select(kept => kept.Domain.Ascii).Order());
    }

    [Fact]
    public async Task Beyond_the_bound_of_fetches_a_message_goes_on_without_waiting()
    {
        await using var full = Create(new StsOptions { MostFetches = 0 });
        var none = Assert.IsType<StsFinding.None>(await full.FindAsync(s_domain, Cancel));
        Assert.Equal("busy", Assert.Single(none.Failures).ReasonCode);
        Assert.Equal(0, Fetches);
    }

    [Fact]
    public async Task A_stop_ends_a_fetch_that_runs()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Answer = async (_, cancel) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
        };
        var stopping = Create();
        var finding = stopping.FindAsync(s_domain, Cancel).AsTask();
        await asked.Task.WaitAsync(Cancel);
        await stopping.DisposeAsync();
        Assert.Equal("stopped", Assert.Single(Assert.IsType<StsFinding.None>(await finding).Failures).ReasonCode);
    }

    void Serve(string mode, string mx, TimeSpan maxAge) =>
        _host.Answer = PolicyHost.Policy($"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {(long)maxAge.TotalSeconds}\n");

    void Break() => _host.Answer = PolicyHost.Http("500 Oops", "text/plain", "");

    async Task<StsFinding.Found> FoundAsync() => Assert.IsType<StsFinding.Found>(await _policies.FindAsync(s_domain, Cancel));

    async Task<StsFinding.None> NoneAsync() => Assert.IsType<StsFinding.None>(await _policies.FindAsync(s_domain, Cancel));

    StsPolicies Create(StsOptions? options = null)
    {
        var pkix = new PkixCheck(TrustedRoots.Of(s_root.Certificate), _clock);
        return new StsPolicies(
            _zone, new StsFetch(_zone, pkix, _clock) { Port = _host.Port }, _clock, (options ?? new StsOptions()) with { Tell = _news.Enqueue });
    }
}
