using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Audit.Profiles;
using Hopseal.Commands.Check;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Monitor;
using Hopseal.Monitor.Changes;
using Hopseal.Monitor.Store;

namespace Hopseal.Commands.Monitoring;

/// <summary>What is known of domains, as a person reads it; or as JSON lines, for a machine.</summary>
sealed class MonitorOutput(Terminal terminal, bool json)
{
    bool _begun;

    public Profile Profile { get; init; } = Profile.Named(Profile.Default);

    public void Write(WatchedRow row)
    {
        if (json)
        {
            Line(WatchedLine.Of(row));
            return;
        }

        if (!_begun)
        {
            terminal.Out.WriteLine($"{"",-7}  {"CONFID.",-7}  {"AUTHEN.",-7}  {"WATCHED",-7}  {"LOOK",-16}  DOMAIN");
            _begun = true;
        }

        var findings = row.Failing + row.Warnings == 0 ? "" : $"  {Words.Count(row.Failing, "failure")}, {Words.Count(row.Warnings, "warning")}";
        terminal.Out.WriteLine($"{Word(row.As),-7}  {Word(row.Confidential),-7}  {Word(row.Authenticated),-7}  {Word(row.Watched),-7}  {When(row.Looks.LastAt),-16}  {row.Name}{findings}");
        foreach (var note in Notes(row.Looks, row.Lost))
        {
            terminal.Out.WriteLine($"         {Shown.Plain(note)}");
        }
    }

    /// <summary>One domain, whole.</summary>
    public void Write(DomainHistory history, DateTimeOffset now)
    {
        ImmutableArray<Hopseal.Reports.Alerts.Trouble> told = [.. MonitorRules.Of(history, now).Select(one => one.Trouble).Where(trouble => !trouble.IsUnknown)];
        var lost = MonitorRules.Losses(history).Any(loss => !loss.Trouble.IsUnknown);
        var report = history.Current is { } current ? Judge.Of(current.Facts with { At = current.LastSeenAt }, Profile) : null;
        if (json)
        {
            Line(new ShownLine(
                history.Domain.Name.Ascii, Word(history.Domain.As), history.Looks.LastAt, history.Looks.NextAt, history.Looks.Inconclusive, history.Looks.Why, history.Looks.PendingSince,
                history.Looks.Unanswered, history.Current?.FirstSeenAt, history.Reference?.FirstSeenAt, lost, [.. told.Select(trouble => trouble.Text)]));
            if (report is not null)
            {
                terminal.Out.WriteLine(AuditJson.Write(AuditDocument.Of(report, CheckOutput.Scanner), indented: false));
            }

            return;
        }

        terminal.Out.WriteLine($"{history.Domain.Name}, watched as {Word(history.Domain.As)}; last look {When(history.Looks.LastAt)}, next {When(history.Looks.NextAt)}");
        if (history.Current is { } seen)
        {
            terminal.Out.WriteLine($"  looks like this since {When(seen.FirstSeenAt)}{(history.Reference is { } expected && expected.Id != seen.Id ? $"; expected is what it looked like on {When(expected.FirstSeenAt)}" : "")}");
        }

        foreach (var note in Notes(history.Looks, lost).Concat(history.Looks.Unanswered.Select(part => $"not found out since {When(part.Since)}: {part.Part}: {part.Why}")))
        {
            terminal.Out.WriteLine($"  {Shown.Plain(note)}");
        }

        foreach (var trouble in told)
        {
            terminal.Out.WriteLine($"  {Word(trouble.Severity)}: {Shown.Plain(trouble.Text)}\n       → {Shown.Plain(trouble.Advice)}");
        }

        if (report is not null)
        {
            terminal.Out.Write(CheckText.Write(report, terminal.OutColours, everything: false));
        }
    }

    /// <param name="observations">The newest first.</param>
    public void WriteHistory(ImmutableArray<Observation> observations, ImmutableArray<KeptFinding> findings)
    {
        if (!json)
        {
            terminal.Out.WriteLine("\nWhat changed:");
        }

        for (var i = 0; i + 1 < observations.Length; i++)
        {
            WriteDifference(observations[i + 1], observations[i]);
        }

        if (!json)
        {
            terminal.Out.WriteLine(observations.IsEmpty ? "  it was not looked at yet" : $"  {When(observations[^1].FirstSeenAt)}  {(observations.Length < 50 ? "the first look" : "and earlier changes")}\n\nWhat was found:");
        }

        foreach (var finding in findings)
        {
            if (json)
            {
                Line(FoundLine.Of(finding));
            }
            else
            {
                terminal.Out.WriteLine(
                    $"  {Word(finding.Verdict),-4}  {When(finding.OpenedAt)} to {(finding.ClosedAt is { } closed ? When(closed) : "now"),-16}  {Shown.Plain(finding.Subject)}: {Shown.Plain(finding.Title)}  [{finding.Id}]");
            }
        }
    }

    /// <returns>Whether anything is worse.</returns>
    public bool WriteDifference(Observation before, Observation after)
    {
        var changes = DomainDifference.Between(before.Facts, after.Facts);
        var findings = AuditDifference.Between(Judge.Of(before.Facts, Profile), Judge.Of(after.Facts, Profile));
        if (json)
        {
            Line(new ChangeLine(
                after.FirstSeenAt, [.. changes.Select(change => new WordsOfChange(Word(change.Turn), change.Text))],
                [.. findings.Select(change => new FindingOfChange(change.Id, change.Subject, Word(change.Before?.Verdict), Word(change.After?.Verdict), change.IsWorse))]));
        }
        else
        {
            terminal.Out.WriteLine($"  {When(after.FirstSeenAt)}{(changes.IsEmpty ? "  what was seen differs in a detail that no words are made for" : "")}");
            foreach (var change in changes)
            {
                terminal.Out.WriteLine($"    {change.Turn switch { Turn.Better => '+', Turn.Worse => '-', Turn.Neutral => ' ' }} {Shown.Plain(change.Text)}");
            }

            var vanished = new Vanished(before.Facts, after.Facts);
            foreach (var together in findings.Where(change => change.Before?.Verdict != change.After?.Verdict).ToLookup(vanished.With))
            {
                WriteFindings(together.Key, [.. together]);
            }
        }

        return changes.Any(change => change.Turn is Turn.Worse) || findings.Any(change => change.IsWorse);
    }

    /// <param name="place">What they are gone with; null where each stands for itself.</param>
    void WriteFindings(string? place, ImmutableArray<FindingChange> changes)
    {
        if (place is not null)
        {
            terminal.Out.WriteLine($"      {Shown.Plain(place)}: gone, with {Words.Count(changes.Length, "finding")}");
            return;
        }

        foreach (var change in changes)
        {
            terminal.Out.WriteLine($"      {Shown.Plain(change.Subject)}: {Word(change.Before?.Verdict) ?? "new"} → {Word(change.After?.Verdict) ?? "gone"}  [{change.Id}]");
        }
    }

    public void Write(ControlLine.Look look)
    {
        if (json)
        {
            terminal.Out.WriteLine(JsonSerializer.Serialize(look, ControlJson.Default.ControlLine));
            return;
        }

        var words = look.Result switch
        {
            LookResult.Unchanged => "nothing new",
            LookResult.Pending => "it differs from what is known; the next look has to say the same",
            LookResult.Changed => "it differs from what was known, for sure",
            LookResult.Inconclusive => $"nothing could be found out: {Shown.Plain(look.Why ?? "")}",
        };
        terminal.Out.WriteLine($"{look.Domain}: {words}. The next look is at {When(look.NextAt)}");
    }

    static IEnumerable<string> Notes(LookState looks, bool lost)
    {
        if (lost)
        {
            yield return "it lost something that is expected of it";
        }

        if (looks.PendingSince is { } since)
        {
            yield return $"it looked different at {When(since)}; the look at {When(looks.NextAt)} has to say the same";
        }

        if (looks.Inconclusive > 0)
        {
            yield return $"{(looks.Inconclusive == 1 ? "the last look" : Words.Count(looks.Inconclusive, "look") + " in a row")} found nothing out: {looks.Why}";
        }
    }

    void Line<T>(T line) => terminal.Out.WriteLine(JsonSerializer.Serialize(line, typeof(T), MonitorJson.Default));

    static string When(DateTimeOffset? time) => time is { } known ? known.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) : "never";

    internal static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    static string? Word(Verdict? verdict) => verdict is { } known ? Word(known) : null;
}
