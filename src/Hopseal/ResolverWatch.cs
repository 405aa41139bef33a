using Hopseal.Dns;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Looks at start and then now and then whether the resolvers validate, and tells the log when that changes: without it, DANE is off and every
/// plan looks as if nobody had published anything.</summary>
/// <param name="check">See <see cref="ResolverProbe.CheckAsync"/>.</param>
/// <param name="interval">Between two looks while they validate; otherwise a minute, so that the end is told soon.</param>
sealed partial class ResolverWatch(
    Func<CancellationToken, ValueTask<ResolverHealth>> check, TimeSpan interval, TimeProvider clock, ILogger<ResolverWatch> log)
{
    static readonly TimeSpan s_whileNotWell = TimeSpan.FromMinutes(1);

    volatile ResolverHealth? _health;

    /// <summary>What the last look found; null before the first.</summary>
    public ResolverHealth? Health => _health;

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await LookAsync(cancel);
                await Task.Delay(_health?.State is ResolverState.Validates ? interval : s_whileNotWell, clock, cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    public async Task LookAsync(CancellationToken cancel)
    {
        var before = _health;
        var found = await check(cancel);
        _health = found;
        if (before?.State == found.State)
        {
            return;
        }

        if (found.IsBlind)
        {
            LogBlind(found.ToString());
        }
        else if (found.State is ResolverState.Validates)
        {
            LogValidates(found.ToString());
        }
        else
        {
            LogUnknown(found.ToString());
        }
    }

    [LoggerMessage(2501, LogLevel.Information, "The DNS resolver {Health}")]
    partial void LogValidates(string health);

    [LoggerMessage(2502, LogLevel.Warning, "The DNS resolver {Health}")]
    partial void LogBlind(string health);

    [LoggerMessage(2503, LogLevel.Warning, "Whether the DNS resolver validates is not known: it {Health}")]
    partial void LogUnknown(string health);
}
