using Microsoft.AspNetCore.Components;

namespace Hopseal.Dashboard.Parts;

/// <summary>A page that follows what happens: at most twice a second, and at least every few seconds.</summary>
public abstract class Watching : ComponentBase, IDisposable
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    readonly CancellationTokenSource _gone = new();

    [Inject]
    public required GatewayView Gateway { get; set; }

    /// <summary>Looks again at what the page shows.</summary>
    protected abstract Task LookAgainAsync();

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
        {
            _ = FollowAsync(_gone.Token);
        }
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gone.Cancel();
            _gone.Dispose();
        }
    }

    async Task FollowAsync(CancellationToken gone)
    {
        try
        {
            await using var pokes = Gateway.Sessions.WatchAsync(gone).GetAsyncEnumerator(gone);
            var next = pokes.MoveNextAsync().AsTask();
            while (!gone.IsCancellationRequested)
            {
                await Task.WhenAny(next, Task.Delay(s_longest, Gateway.Clock, gone));
                if (next.IsCompleted)
                {
                    await next;
                    next = pokes.MoveNextAsync().AsTask();
                }

                await InvokeAsync(async () =>
                {
                    if (!gone.IsCancellationRequested)
                    {
                        await LookAgainAsync();
                    }
                });
                await Task.Delay(s_pause, Gateway.Clock, gone);
            }
        }
        catch (OperationCanceledException)
        {
            // The page is left.
        }
    }
}
