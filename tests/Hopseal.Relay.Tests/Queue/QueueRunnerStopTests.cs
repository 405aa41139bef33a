using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

public sealed class QueueRunnerStopTests
{
    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_does_not_wait_for_ever_for_what_does_not_answer(bool store)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var queue = new RunningQueue(
            async (_, _) =>
            {
                // An attempt that hears of no end.
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
                return new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "not known now");
            },
            configure: options => options with { LastTimeout = TimeSpan.FromSeconds(5) });
        if (store)
        {
            // A store that neither gives the lease nor says that there is none.
            Assert.IsType<LeaseAnswer.Yes>(queue.Taker.Ask("hanging.example", arriving: false));
        }
        else
        {
            await queue.AddAsync("a@hanging.example");
            await begun.Task.WaitAsync(TestContext.Current.CancellationToken);
        }

        queue.BeginStop();
        var stopped = queue.StoppedAsync();
        while (!stopped.IsCompleted)
        {
            queue.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await stopped;
        Assert.Contains(1214, queue.Log.Lines.Select(line => line.Event));
    }
}
