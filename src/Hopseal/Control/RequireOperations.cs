using System.Runtime.CompilerServices;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Control;

/// <summary>Shows and changes what is required of domains beside the configuration.</summary>
sealed class RequireOperations(Requirements requirements)
{
    /// <summary>For a gateway that does not run: by its file. Whoever calls holds the lock of the directory, and has asked the configuration.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static RequireOperations OfStopped(string directory, TimeProvider clock)
    {
        var rules = new RequiredRules(RequiredFile.In(directory), NullLogger<RequiredRules>.Instance);
        rules.Restore();
        return new RequireOperations(new Requirements(rules, _ => null, clock));
    }

    /// <summary>The lines of the answer, the last one included.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        await ValueTask.CompletedTask;
        if (request.Select(out var fault) is null)
        {
            yield return new ControlLine.Fault(fault!);
        }
        else if (request.Command is ControlCommand.RequireList)
        {
            var all = requirements.All;
            foreach (var rule in all)
            {
                cancel.ThrowIfCancellationRequested();
                yield return ControlLine.Required.Of(rule);
            }

            yield return new ControlLine.Done(all.Length, 0, 0, 0, 0, []);
        }
        else if (request is not { Domain: { } text, Owner: { } owner } || !DomainName.TryParse(text, out var domain))
        {
            yield return new ControlLine.Fault("no domain is named, or nobody who asks");
        }
        else
        {
            yield return request.Command is ControlCommand.RequireRemove ? Remove(domain, owner) : Add(request, domain, owner);
        }
    }

    ControlLine Remove(DomainName domain, string owner) =>
        requirements.TakeBack(domain, owner, out var removed) is { } fault ? new ControlLine.Fault(fault)
        : removed ? new ControlLine.Done(1, 1, 0, 0, 0, [])
        : new ControlLine.Done(0, 0, 0, 0, 0, [domain.Ascii]);

    ControlLine Add(ControlRequest request, DomainName domain, string owner)
    {
        // JSON may say null where nobody expects it.
        if (request is not { Tls: { } floor, Because: { } because, Names: { } names } || names.Contains(null!))
        {
            return new ControlLine.Fault("it does not say what is required, or why");
        }

        var rule = new RequiredRule(domain, floor, request.MinimumVersion, [.. names], owner, default, because);
        return requirements.Require(rule) is { } fault ? new ControlLine.Fault(fault) : new ControlLine.Done(1, 1, 0, 0, 0, []);
    }
}
