using System.Runtime.CompilerServices;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Control;

/// <summary>Shows and changes what is required of domains beside the configuration.</summary>
/// <param name="refuse">Why nothing can be required of a domain; null when it can.</param>
sealed class RequireOperations(RequiredRules rules, Func<DomainName, string?> refuse, TimeProvider clock)
{
    /// <summary>For a gateway that does not run: by its file. Whoever calls holds the lock of the directory, and has asked the configuration.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static RequireOperations OfStopped(string directory, TimeProvider clock)
    {
        var rules = new RequiredRules(RequiredFile.In(directory), NullLogger<RequiredRules>.Instance);
        rules.Restore();
        return new RequireOperations(rules, _ => null, clock);
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
            var all = rules.All;
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
            yield return Change(request, domain, owner);
        }
    }

    ControlLine Change(ControlRequest request, DomainName domain, string owner)
    {
        try
        {
            return request.Command is ControlCommand.RequireRemove
                ? rules.Remove(domain, owner) is null ? new ControlLine.Done(0, 0, 0, 0, 0, [domain.Ascii]) : new ControlLine.Done(1, 1, 0, 0, 0, [])
                : Add(request, domain, owner) is { } why ? new ControlLine.Fault(why) : new ControlLine.Done(1, 1, 0, 0, 0, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ControlLine.Fault($"nothing was changed, because it cannot be written down: {e.Message}");
        }
    }

    string? Add(ControlRequest request, DomainName domain, string owner) =>
        request is not { Tls: { } floor, Because: { } because, Names: { } names } || names.Contains(null!) ? "it does not say what is required, or why"
        : refuse(domain) ?? rules.Add(new RequiredRule(domain, floor, request.MinimumVersion, [.. names], owner, clock.GetUtcNow(), because));
}
