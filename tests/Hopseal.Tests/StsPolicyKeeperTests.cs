using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Tests;

public sealed class StsPolicyKeeperTests : IDisposable
{
    static readonly DateTimeOffset s_time = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());

    static readonly KeptStsPolicy s_kept = new(
        DomainName.Parse("a.example"),
        new StsPolicy(StsMode.Enforce, ["mx.a.example", "*.b.example"], TimeSpan.FromDays(7), "20260501Z"),
        s_time,
        s_time);

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void What_was_saved_is_loaded()
    {
        KeptStsPolicy[] policies =
        [
            s_kept,
            s_kept with { Domain = DomainName.Parse("xn--bcher-kva.example"), Policy = new StsPolicy(StsMode.None, [], TimeSpan.Zero, "x"), UsedAt = s_time.AddDays(-2) },
        ];
        var file = new StsPolicyFile(_workspace.PathOf("policies"));
        Assert.Empty(file.Load().Policies);
        file.Save([.. policies, .. policies]);
        file.Save(policies);
        Assert.Equal(policies, file.Load().Policies);
        Assert.Equal([_workspace.PathOf("policies")], Directory.GetFiles(_workspace.Directory));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("""{"Domain":"a.example"}""")]
    [InlineData("""{"Domain":"a b","Id":"1","FetchedAt":1,"UsedAt":1,"Text":"version: STSv1\nmode: none\nmax_age: 1"}""")]
    [InlineData("""{"Domain":"a.example","Id":"1; x","FetchedAt":1,"UsedAt":1,"Text":"version: STSv1\nmode: none\nmax_age: 1"}""")]
    [InlineData("""{"Domain":"a.example","Id":"1","FetchedAt":-1,"UsedAt":1,"Text":"version: STSv1\nmode: none\nmax_age: 1"}""")]
    [InlineData("""{"Domain":"a.example","Id":"1","FetchedAt":1,"UsedAt":9e30,"Text":"version: STSv1\nmode: none\nmax_age: 1"}""")]
    [InlineData("""{"Domain":"a.example","Id":"1","FetchedAt":1,"UsedAt":1,"Text":"version: STSv1\nmode: none"}""")]
    public void A_damaged_line_costs_one_policy(string damaged)
    {
        var path = _workspace.PathOf("policies");
        new StsPolicyFile(path).Save([s_kept]);
        File.AppendAllText(path, damaged + "\n" + File.ReadAllText(path));
        var (policies, lines) = new StsPolicyFile(path).Load();
        Assert.Equal((2, 1), (policies.Length, lines));
    }

    [Fact]
    public async Task A_policy_is_written_when_it_is_fetched_and_again_where_that_failed()
    {
        var cancel = TestContext.Current.CancellationToken;
        var zone = ZoneResolver.Parse("");
        await using var policies = new StsPolicies(
            zone, new StsFetch(zone, new PkixCheck(TrustedRoots.System, TimeProvider.System), TimeProvider.System), TimeProvider.System);
        policies.Restore([s_kept]);
        var path = _workspace.PathOf("later/policies");
        var log = new WaitingLog();
        var keeper = new StsPolicyKeeper(new StsPolicyFile(path), TimeProvider.System, log);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = keeper.RunAsync(policies, stop.Token);
        keeper.Tell(new StsNews.Fetched(s_kept, null));
        await log.Fault.WaitAsync(cancel);

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (!File.Exists(path))
        {
            await Task.Yield();
            cancel.ThrowIfCancellationRequested();
        }

        await stop.CancelAsync();
        await running;
        Assert.Equal([s_kept], new StsPolicyFile(path).Load().Policies);
    }

    [Fact]
    public async Task A_policy_fetched_just_before_a_stop_is_written()
    {
        var zone = ZoneResolver.Parse("");
        await using var policies = new StsPolicies(
            zone, new StsFetch(zone, new PkixCheck(TrustedRoots.System, TimeProvider.System), TimeProvider.System), TimeProvider.System);
        policies.Restore([s_kept]);
        var file = new StsPolicyFile(_workspace.PathOf("policies"));
        var keeper = new StsPolicyKeeper(file, TimeProvider.System, new WaitingLog());
        await keeper.RunAsync(policies, new CancellationToken(canceled: true));
        Assert.Empty(file.Load().Policies);
        keeper.Tell(new StsNews.Fetched(s_kept, null));
        await keeper.RunAsync(policies, new CancellationToken(canceled: true));
        Assert.Equal([s_kept], file.Load().Policies);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_costs_no_start()
    {
        var path = _workspace.PathOf("policies");
        using (var file = File.Create(path))
        {
            file.SetLength(1L << 32);
        }

        var zone = ZoneResolver.Parse("");
        await using var policies = new StsPolicies(
            zone, new StsFetch(zone, new PkixCheck(TrustedRoots.System, TimeProvider.System), TimeProvider.System), TimeProvider.System);
        var log = new WaitingLog();
        new StsPolicyKeeper(new StsPolicyFile(path), TimeProvider.System, log).Restore(policies);
        Assert.Equal(["2604 Warning"], log.Lines);
    }

    [Fact]
    public void A_renewal_that_fails_is_a_warning_unless_the_domain_gives_up_its_policy()
    {
        var log = new WaitingLog();
        var keeper = new StsPolicyKeeper(new StsPolicyFile(_workspace.PathOf("policies")), TimeProvider.System, log);
        var failure = new TlsFailure(TlsResultType.StsPolicyFetchError, "http-404");
        keeper.Tell(new StsNews.Failed(s_kept.Domain, failure, s_kept));
        keeper.Tell(new StsNews.Failed(s_kept.Domain, failure, s_kept with { Policy = s_kept.Policy with { Mode = StsMode.None } }));
        keeper.Tell(new StsNews.Failed(s_kept.Domain, failure, null));
        keeper.Tell(new StsNews.Fetched(s_kept, s_kept.Policy));
        keeper.Tell(new StsNews.Fetched(s_kept, null));
        Assert.Equal(["2602 Warning", "2603 Information", "2601 Information"], log.Lines);
    }

    sealed class WaitingLog : ILogger<StsPolicyKeeper>
    {
        readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Fault => _fault.Task;

        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Lines.Add($"{eventId.Id} {logLevel}");
            if (eventId.Id == 2604)
            {
                _fault.TrySetResult();
            }
        }
    }
}
