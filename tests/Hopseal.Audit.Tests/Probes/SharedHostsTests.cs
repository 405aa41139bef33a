using Hopseal.Audit.Facts;
using Hopseal.Audit.Probes;

namespace Hopseal.Audit.Tests.Probes;

public sealed class SharedHostsTests
{
    readonly List<string> _asked = [];

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_is_asked_once_for_all_who_come_at_the_same_time_and_later()
    {
        var hosts = new SharedHosts<HostFacts>(100);
        var answer = new TaskCompletionSource<HostFacts>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = Enumerable.Range(0, 20).Select(_ => FindAsync(hosts, "mx", () => answer.Task)).ToArray();

        answer.SetResult(Facts("mx"));
        await Task.WhenAll(waiting);
        await FindAsync(hosts, "mx");

        Assert.Equal(["mx"], _asked);
    }

    [Fact]
    public async Task What_is_remembered_does_not_grow_and_what_is_used_stays()
    {
        var hosts = new SharedHosts<HostFacts>(most: 10);
        for (var i = 0; i < 1000; i++)
        {
            await FindAsync(hosts, $"mx{i}");
            await FindAsync(hosts, "big");
            Assert.InRange(hosts.Count, 1, 10);
        }

        await FindAsync(hosts, "mx0");

        Assert.Equal(1, _asked.Count(name => name == "big"));
        Assert.Equal(2, _asked.Count(name => name == "mx0"));
    }

    [Fact]
    public async Task Who_waits_to_be_asked_does_not_push_out_what_is_known()
    {
        var hosts = new SharedHosts<HostFacts>(most: 2);
        var answer = new TaskCompletionSource<HostFacts>(TaskCreationOptions.RunContinuationsAsynchronously);
        await FindAsync(hosts, "big");
        var waiting = Enumerable.Range(0, 10).Select(i => FindAsync(hosts, $"slow{i}", () => answer.Task)).ToArray();
        await FindAsync(hosts, "big");
        answer.SetResult(Facts("slow"));
        await Task.WhenAll(waiting);

        Assert.Equal(1, _asked.Count(name => name == "big"));
        Assert.Equal(2, hosts.Count);
    }

    [Fact]
    public async Task Who_is_being_asked_is_not_forgotten()
    {
        var hosts = new SharedHosts<HostFacts>(most: 2);
        var answer = new TaskCompletionSource<HostFacts>(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = FindAsync(hosts, "slow", () => answer.Task);
        for (var i = 0; i < 10; i++)
        {
            await FindAsync(hosts, $"mx{i}");
        }

        var again = FindAsync(hosts, "slow", () => answer.Task);
        answer.SetResult(Facts("slow"));
        await Task.WhenAll(slow, again);

        Assert.Equal(1, _asked.Count(name => name == "slow"));
    }

    [Fact]
    public async Task What_was_cancelled_is_asked_again()
    {
        var hosts = new SharedHosts<HostFacts>(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FindAsync(hosts, "mx", () => Task.FromCanceled<HostFacts>(new CancellationToken(true))));

        Assert.Equal("mx", (await FindAsync(hosts, "mx")).Name);
        Assert.Equal(1, hosts.Count);
    }

    [Fact]
    public async Task Who_is_called_away_takes_nobody_with_him()
    {
        var hosts = new SharedHosts<HostFacts>(100);
        using var called = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = hosts.FindAsync(
            ("mx", false),
            async () =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, called.Token);
                return Facts("never");
            },
            called.Token);
        await asked.Task.WaitAsync(Cancel);
        var second = FindAsync(hosts, "mx");

        await called.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal("mx", (await second).Name);
        Assert.Equal(["mx"], _asked);
    }

    [Fact]
    public async Task Signed_and_unsigned_names_are_two()
    {
        var hosts = new SharedHosts<HostFacts>(100);
        await hosts.FindAsync(("mx", true), () => Task.FromResult(Facts("signed")), Cancel);

        Assert.Equal("unsigned", (await hosts.FindAsync(("mx", false), () => Task.FromResult(Facts("unsigned")), Cancel)).Name);
    }

    static HostFacts Facts(string name) => new(name, 10, null, false, TlsaFacts.NotAsked, []);

    Task<HostFacts> FindAsync(SharedHosts<HostFacts> hosts, string name, Func<Task<HostFacts>>? answer = null) => hosts.FindAsync(
        (name, false),
        () =>
        {
            lock (_asked)
            {
                _asked.Add(name);
            }

            return answer?.Invoke() ?? Task.FromResult(Facts(name));
        },
        Cancel);
}
