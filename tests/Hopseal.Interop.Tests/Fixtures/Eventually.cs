namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Waits for something another program does and cannot announce.</summary>
static class Eventually
{
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    /// <summary>Looks until there is a result. <paramref name="story"/> tells, when there is none in time, what happened.</summary>
    public static async Task<T> FindAsync<T>(
        string what, TimeSpan limit, Func<Task<T?>> look, Func<string> story, CancellationToken cancel)
        where T : class
    {
        var deadline = TimeProvider.System.GetUtcNow() + limit;
        while (true)
        {
            if (await look() is { } found)
            {
                return found;
            }

            if (TimeProvider.System.GetUtcNow() > deadline)
            {
                throw new TimeoutException($"{what} did not happen within {limit.TotalSeconds} s\n{story()}");
            }

            await Task.Delay(s_look, TimeProvider.System, cancel);
        }
    }

    public static Task<T> FindAsync<T>(string what, TimeSpan limit, Func<T?> look, Func<string> story, CancellationToken cancel)
        where T : class =>
        FindAsync(what, limit, () => Task.FromResult(look()), story, cancel);

    public static async Task TrueAsync(string what, TimeSpan limit, Func<bool> look, Func<string> story, CancellationToken cancel) =>
        await FindAsync(what, limit, () => look() ? what : null, story, cancel);
}
