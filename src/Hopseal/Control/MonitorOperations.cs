using System.Runtime.CompilerServices;
using Hopseal.Dns;
using Hopseal.Monitor;
using Microsoft.Data.Sqlite;

namespace Hopseal.Control;

/// <summary>What commands ask of the monitor of a running gateway.</summary>
/// <param name="monitor">Null: nothing is watched.</param>
sealed class MonitorOperations(DomainMonitor? monitor)
{
    /// <summary>The lines of the answer, the last one included.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        DomainName? domain = null;
        if (monitor is null)
        {
            yield return new ControlLine.Fault("this gateway watches no domain: its configuration has no section Monitor");
        }
        else if (request.Select(out var fault) is null)
        {
            yield return new ControlLine.Fault(fault!);
        }
        else if (request.Domain is not null && !DomainName.TryParse(request.Domain, out domain))
        {
            yield return new ControlLine.Fault("the domain is none");
        }
        else if (request.Command is ControlCommand.MonitorAccept)
        {
            yield return domain is null ? new ControlLine.Fault("no domain is named") : await AcceptAsync(monitor, domain.Ascii, request.Owner ?? "a command", cancel);
        }
        else if (domain is null)
        {
            var all = monitor.LookAtAll();
            yield return new ControlLine.Done(all, all, 0, 0, 0, []);
        }
        else
        {
            var report = await monitor.LookNowAsync(domain.Ascii, cancel);
            if (report is not null)
            {
                yield return new ControlLine.Look(domain.Ascii, report.Result, report.Why, report.NextAt);
            }

            yield return report is null ? Missing(domain.Ascii) : new ControlLine.Done(1, 1, 0, 0, 0, []);
        }
    }

    static async Task<ControlLine> AcceptAsync(DomainMonitor monitor, string domain, string who, CancellationToken cancel)
    {
        try
        {
            return await monitor.AcceptAsync(domain, who, cancel) ? new ControlLine.Done(1, 1, 0, 0, 0, []) : Missing(domain);
        }
        catch (SqliteException e)
        {
            return new ControlLine.Fault($"it cannot be written: {e.Message}");
        }
    }

    static ControlLine.Done Missing(string domain) => new(0, 0, 0, 0, 0, [domain]);
}
