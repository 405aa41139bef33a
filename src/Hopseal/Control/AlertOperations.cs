using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Hopseal.Reports.Alerts;

namespace Hopseal.Control;

/// <summary>What commands ask of the alerts of a running gateway.</summary>
/// <param name="test">See <c>Alerting.TestAsync</c>.</param>
/// <param name="silence">See <c>Alerting.Silence</c>.</param>
sealed class AlertOperations(Func<CancellationToken, Task<ImmutableArray<(string Words, bool Taken)>>> test, Func<long, DateTimeOffset, Alert?> silence)
{
    /// <summary>The lines of the answer, the last one included.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (request.Select(out var fault) is null)
        {
            yield return new ControlLine.Fault(fault!);
        }
        else if (request is { Command: ControlCommand.AlertSilence, Alert: { } id, Until: { } until })
        {
            var alert = silence(id, until);
            yield return new ControlLine.Done(1, alert is null ? 0 : 1, 0, 0, 0, alert is null ? [$"{id}"] : []);
        }
        else if (request.Command is ControlCommand.AlertTest)
        {
            var results = await test(cancel);
            foreach (var (words, _) in results)
            {
                yield return new ControlLine.Text(words);
            }

            yield return new ControlLine.Done(results.Length, results.Count(result => result.Taken), 0, 0, 0, []);
        }
        else
        {
            yield return new ControlLine.Fault("no alert is named, or no time");
        }
    }
}
