using Hopseal.Audit.Profiles;
using Hopseal.Monitor.Requiring;
using Hopseal.Monitor.Store;

namespace Hopseal.Dashboard;

/// <summary>The domains that are watched, and what can be done about one.</summary>
public sealed record MonitorView
{
    public required MonitorQuery Query { get; init; }

    /// <summary>What facts are judged by.</summary>
    public required Profile Profile { get; init; }

    /// <summary>Has a domain, in A-labels, looked at now rather than when it is due. False: it is not watched.</summary>
    public required Func<string, bool> LookNow { get; init; }

    /// <summary>What a domain looks like now is expected of it from then on; the second text is who says so. False: it is not watched, or nothing is
    /// known of it.</summary>
    public required Func<string, string, CancellationToken, Task<bool>> Accept { get; init; }

    /// <summary>What domains are held to because somebody said so here.</summary>
    public required Requirements Requirements { get; init; }
}
