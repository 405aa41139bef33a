using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>What is wrong with a domain that is watched, or was changed in a way that somebody should know of. Pure.</summary>
public static class MonitorRules
{
    /// <returns>For each trouble the id of its rule (see <see cref="AlertRules"/>).</returns>
    public static IEnumerable<(string Rule, Trouble Trouble)> Of(DomainHistory history, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(history);
        return Losses(history);
    }

    /// <summary>What <see cref="DomainHistory.Current"/> lost against <see cref="DomainHistory.Reference"/>. One that lost nothing becomes what is
    /// expected from then on.</summary>
    public static IEnumerable<(string Rule, Trouble Trouble)> Losses(DomainHistory history) => [];
}
