using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Hopseal.Monitor;
using Hopseal.Monitor.Store;

namespace Hopseal.Commands.Monitoring;

/// <summary>One line of <c>hopseal monitor list --json</c>. Here as below members may be added, and keep their names.</summary>
sealed record WatchedLine(
    string Domain,
    string As,
    string Confidential,
    string Authenticated,
    string Watched,
    int Failures,
    int Warnings,
    DateTimeOffset? LastLook,
    DateTimeOffset NextLook,
    int Inconclusive,
    string? Why,
    DateTimeOffset? PendingSince,
    DateTimeOffset? ChangedAt,
    bool Lost)
{
    public static WatchedLine Of(WatchedRow row) => new(
        row.Name, MonitorOutput.Word(row.As), MonitorOutput.Word(row.Confidential), MonitorOutput.Word(row.Authenticated), MonitorOutput.Word(row.Watched), row.Failing, row.Warnings,
        row.Looks.LastAt, row.Looks.NextAt, row.Looks.Inconclusive, row.Looks.Why, row.Looks.PendingSince, row.ChangedAt, row.Lost);
}

/// <summary>The first line of <c>hopseal monitor show --json</c>; an audit report follows, where there is one.</summary>
sealed record ShownLine(
    string Domain,
    string As,
    DateTimeOffset? LastLook,
    DateTimeOffset NextLook,
    int Inconclusive,
    string? Why,
    DateTimeOffset? PendingSince,
    ImmutableArray<UnansweredPart> Unanswered,
    DateTimeOffset? ChangedAt,
    DateTimeOffset? ExpectedOf,
    bool Lost,
    ImmutableArray<string> Troubles);

/// <summary>A change: <c>hopseal monitor diff --json</c>, and with <c>show --history</c> one for each.</summary>
sealed record ChangeLine(DateTimeOffset At, ImmutableArray<WordsOfChange> Changes, ImmutableArray<FindingOfChange> Findings);

sealed record WordsOfChange(string Turn, string Text);

sealed record FindingOfChange(string Id, string Subject, string? Before, string? After, bool Worse);

/// <summary>A finding, with <c>show --history</c>.</summary>
sealed record FoundLine(string Id, string Subject, string Verdict, string Title, DateTimeOffset OpenedAt, DateTimeOffset SeenAt, DateTimeOffset? ClosedAt)
{
    public static FoundLine Of(KeptFinding finding) =>
        new(finding.Id, finding.Subject, MonitorOutput.Word(finding.Verdict), finding.Title, finding.OpenedAt, finding.SeenAt, finding.ClosedAt);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WatchedLine))]
[JsonSerializable(typeof(ShownLine))]
[JsonSerializable(typeof(ChangeLine))]
[JsonSerializable(typeof(FoundLine))]
sealed partial class MonitorJson : JsonSerializerContext;
