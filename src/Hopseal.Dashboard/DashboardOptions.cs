using System.Collections.Immutable;
using Hopseal.Smtp.Server;

namespace Hopseal.Dashboard;

/// <summary>How the dashboard is reached.</summary>
public sealed record DashboardOptions
{
    /// <summary>Names by which it is called, besides <c>localhost</c> and addresses.</summary>
    public required ImmutableArray<string> Names { get; init; }

    /// <summary>Empty: nobody has to log in.</summary>
    public required ImmutableDictionary<string, PasswordHash> Users { get; init; }

    /// <summary>Where its keys are kept; made for its owner only.</summary>
    public required string KeyDirectory { get; init; }
}
