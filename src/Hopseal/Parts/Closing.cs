using System.Runtime.ExceptionServices;

namespace Hopseal.Parts;

/// <summary>The end of a gateway: each part is closed, whatever becomes of the others, so that none leaves unwritten what it has.</summary>
static class Closing
{
    /// <summary>One after the other, in this order.</summary>
    /// <exception cref="Exception">The first that a part threw, when all are closed.</exception>
    public static async ValueTask AllAsync(params IEnumerable<Func<ValueTask>> parts)
    {
        ExceptionDispatchInfo? first = null;
        foreach (var close in parts)
        {
            try
            {
                await close();
            }
#pragma warning disable CA1031 // It is thrown when the others are closed.
            catch (Exception e)
#pragma warning restore CA1031
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        first?.Throw();
    }

    public static Func<ValueTask> Of(IDisposable part) => () =>
    {
        part.Dispose();
        return ValueTask.CompletedTask;
    };
}
