using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>What a rule says of a history.</summary>
/// <param name="Rule">See <see cref="AlertRules"/>.</param>
sealed record Told(string Rule, ToldOf Of, Trouble Trouble);

enum ToldOf
{
    /// <summary>What it is now, and was no better in the reference: as long as it is.</summary>
    State,

    /// <summary>It was better in the reference: until it is again, or an operator accepts it.</summary>
    Loss,

    /// <summary>It was changed: for <see cref="DomainHistory.Memory"/>.</summary>
    Change,
}
