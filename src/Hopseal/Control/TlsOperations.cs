using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Hopseal.Policy;
using Hopseal.Relay;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Control;

/// <summary>Shows the hosts that are held to TLS, because they had it, and lets them go.</summary>
sealed class TlsOperations(ProvenTlsKeeper keeper, StrippingWatch watch)
{
    /// <summary>For a gateway that does not run: by its file. Whoever calls holds the lock of the directory.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static TlsOperations OfStopped(string directory, TimeProvider clock)
    {
        // How long a proof counts is for the gateway to say; what is in the file counted when it was written.
        var memory = new ProvenTlsMemory(clock, TimeSpan.FromDays(3650));
        var file = ProvenTlsFile.In(directory);
        memory.Restore(file.Load());
        return new TlsOperations(new ProvenTlsKeeper(memory, file, NullLogger<ProvenTlsKeeper>.Instance), new StrippingWatch());
    }

    /// <summary>The lines of the answer, the last one included.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        await ValueTask.CompletedTask;
        if (Refuse(request) is { } why)
        {
            yield return new ControlLine.Fault(why);
            yield break;
        }

        var hosts = keeper.Hosts;
        if (request.Command is ControlCommand.TlsForget)
        {
            yield return Forget(hosts, request);
            yield break;
        }

        var missing = watch.Suspects();
        foreach (var host in hosts.OrderBy(host => host.Host, StringComparer.Ordinal).ThenBy(host => host.Port))
        {
            cancel.ThrowIfCancellationRequested();
            yield return new ControlLine.TlsHost(
                host.Host,
                host.Port,
                host.LastProvenAt,
                host.LastVerifiedAt,
                missing.TryGetValue((host.Host, host.Port), out var since) ? since : null);
        }

        yield return new ControlLine.Done(hosts.Length, 0, 0, 0, 0, []);
    }

    ControlLine Forget(ImmutableArray<ProvenTlsHost> hosts, ControlRequest request)
    {
        var forgotten = 0;
        foreach (var host in hosts.Where(host => host.Host == request.Host && (request.Port is null || host.Port == request.Port)))
        {
            watch.Forget(host.Host, host.Port);
            try
            {
                forgotten += keeper.Forget(host.Host, host.Port) ? 1 : 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new ControlLine.Fault($"{host.Host}:{host.Port} is forgotten, but that cannot be written down, and a restart undoes it: {e.Message}");
            }
        }

        return new ControlLine.Done(forgotten, forgotten, 0, 0, 0, forgotten == 0 ? [request.Host!] : []);
    }

    static string? Refuse(ControlRequest request) => request.Select(out var fault) is null ? fault
        : request is { Command: ControlCommand.TlsForget, Host: null } ? "no host is named"
        : null;
}
