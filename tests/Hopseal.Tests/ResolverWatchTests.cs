using System.Net;
using Hopseal.Dns;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests;

public sealed class ResolverWatchTests
{
    static readonly IPEndPoint s_server = new(IPAddress.Loopback, 53);

    readonly WaitingClock _clock = new();
    readonly ListLog<ResolverWatch> _log = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_change_is_told_once_and_its_end_too()
    {
        var states = new Queue<ResolverState>(
        [
            ResolverState.Validates, ResolverState.Validates, ResolverState.DoesNotValidate, ResolverState.DoesNotValidate,
            ResolverState.Unreachable, ResolverState.AcceptsBogus, ResolverState.NotTrusted, ResolverState.Unknown, ResolverState.Validates,
        ]);
        var watch = Watch(() => states.Dequeue());
        Assert.Null(watch.Health);
        while (states.Count > 0)
        {
            var expected = states.Peek();
            await watch.LookAsync(Cancel);
            Assert.Equal(expected, watch.Health?.State);
        }

        Assert.Equal(
            [
                "2501 Information The DNS resolver validates (127.0.0.1:53)",
                "2502 Warning The DNS resolver does not validate, so DANE is off (127.0.0.1:53: DoesNotValidate)",
                "2503 Warning Whether the DNS resolver validates is not known: it does not answer (127.0.0.1:53: Unreachable)",
                "2502 Warning The DNS resolver hands out forged answers, so DANE protects nobody (127.0.0.1:53: AcceptsBogus)",
                "2502 Warning The DNS resolver is not believed, so DANE is off (127.0.0.1:53: NotTrusted)",
                "2503 Warning Whether the DNS resolver validates is not known: it cannot be judged (127.0.0.1:53: Unknown)",
                "2501 Information The DNS resolver validates (127.0.0.1:53)",
            ],
            _log.Lines);
    }

    [Fact]
    public async Task It_looks_at_the_start_then_at_its_interval_and_every_minute_while_something_is_wrong()
    {
        var looks = 0;
        var state = ResolverState.Validates;
        var watch = Watch(() =>
        {
            looks++;
            return state;
        });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var running = watch.RunAsync(stop.Token);
        await _clock.Waiting.WaitAsync(Cancel);
        Assert.Equal(1, looks);

        state = ResolverState.DoesNotValidate;
        await AdvanceAsync(TimeSpan.FromMinutes(15), looksThen: 2);
        await AdvanceAsync(TimeSpan.FromMinutes(1), looksThen: 3);
        Assert.Equal(ResolverState.DoesNotValidate, watch.Health?.State);

        state = ResolverState.Validates;
        await AdvanceAsync(TimeSpan.FromMinutes(1), looksThen: 4);
        await AdvanceAsync(TimeSpan.FromMinutes(15), looksThen: 5);
        Assert.Equal(ResolverState.Validates, watch.Health?.State);

        await stop.CancelAsync();
        await running;

        async Task AdvanceAsync(TimeSpan time, int looksThen)
        {
            _clock.Advance(time - TimeSpan.FromSeconds(1));
            Assert.Equal(looksThen - 1, looks);
            _clock.Advance(TimeSpan.FromSeconds(1));
            await _clock.Waiting.WaitAsync(Cancel);
            Assert.Equal(looksThen, looks);
        }
    }

    ResolverWatch Watch(Func<ResolverState> next) => new(
        _ => ValueTask.FromResult(Health(next())), TimeSpan.FromMinutes(15), _clock, _log);

    ResolverHealth Health(ResolverState state) => new([new ServerHealth(s_server, Trusted: true, state, state.ToString())], _clock.GetUtcNow());

    /// <summary>Tells when somebody waits for it.</summary>
    sealed class WaitingClock : FakeTimeProvider
    {
        public SemaphoreSlim Waiting { get; } = new(0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Waiting.Release();
            return timer;
        }
    }
}
