using System.Runtime.ExceptionServices;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>The end of what is made of several parts.</summary>
static class Ending
{
    /// <summary>Disposes each of them, one after another, whatever the ones before it threw: no program is left running. Throws that
    /// afterwards.</summary>
    /// <param name="parts">Null: never came to be. First of all.</param>
    /// <param name="rest">What the parts use.</param>
    public static async Task OfAllAsync(IEnumerable<IAsyncDisposable?> parts, params IDisposable?[] rest)
    {
        List<Exception> faults = [];
        foreach (var part in parts)
        {
            await TryAsync(async () =>
            {
                if (part is not null)
                {
                    await part.DisposeAsync();
                }
            });
        }

        foreach (var part in rest)
        {
            await TryAsync(() =>
            {
                part?.Dispose();
                return Task.CompletedTask;
            });
        }

        if (faults.Count == 1)
        {
            ExceptionDispatchInfo.Throw(faults[0]);
        }

        if (faults.Count > 1)
        {
            throw new AggregateException(faults);
        }

        async Task TryAsync(Func<Task> end)
        {
            try
            {
                await end();
            }
#pragma warning disable CA1031 // all are thrown at the end
            catch (Exception e)
#pragma warning restore CA1031
            {
                faults.Add(e);
            }
        }
    }
}
