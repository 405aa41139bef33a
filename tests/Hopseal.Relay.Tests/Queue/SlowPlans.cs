using System.Threading.Channels;
using Hopseal.Policy;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>Plans for <c>slow.example</c> and below wait for their release; all others are made at once. All defer.</summary>
sealed class SlowPlans
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);
    static readonly DeliveryPlan s_defer = new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "DNS does not answer");

    /// <summary>Cannot be written, which says nothing about the destination.</summary>
    static readonly DeliveryPlan s_later = new DeliveryPlan.Keep("/dev/null/mail");

    readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Channel<string> _begun = Channel.CreateUnbounded<string>();
    readonly Lock _lock = new();
    int _atOnce;

    public int MostAtOnce { get; private set; }

    public async ValueTask<DeliveryPlan> PlanAsync(string domain, CancellationToken cancel)
    {
        if (!domain.EndsWith("slow.example", StringComparison.Ordinal))
        {
            return s_defer;
        }

        lock (_lock)
        {
            MostAtOnce = Math.Max(MostAtOnce, ++_atOnce);
        }

        _begun.Writer.TryWrite(domain);
        await _released.Task.WaitAsync(cancel);
        lock (_lock)
        {
            _atOnce--;
        }

        return s_later;
    }

    public async Task BegunAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await _begun.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_longest, TestContext.Current.CancellationToken);
        }
    }

    public void Release() => _released.TrySetResult();
}
