using System.CommandLine;
using System.Text.Json;
using Hopseal.Control;

namespace Hopseal.Commands.Queue;

/// <summary><c>hopseal queue</c>: what waits, and what an operator does about it.</summary>
static class QueueCommand
{
    public static Command Create(Terminal terminal) => new("queue", "Shows what waits, and changes it; while the gateway runs, and while it does not.")
    {
        List(terminal),
        Show(terminal),
        Change(terminal, "retry", "Makes entries due at once.", ControlCommand.Retry),
        Change(terminal, "hold", "Keeps entries back until they are released.", ControlCommand.Hold),
        Change(terminal, "release", "Ends a hold.", ControlCommand.Release),
        Change(terminal, "delete", "Removes entries. Nobody is told.", ControlCommand.Delete),
    };

    static Command List(Terminal terminal)
    {
        var filters = new QueueFilters(terminal.Clock);
        var access = new QueueAccess(terminal);
        var limit = new Option<long>("--limit", "-n") { Description = "Lines at most; 0 for all.", DefaultValueFactory = _ => 100, HelpName = "N" };
        limit.MustBeWithin(0, long.MaxValue);
        var summary = new Option<bool>("--summary") { Description = "One line for each recipient domain, those with the most entries first." };
        var json = JsonOption();
        var command = new Command("list", "Shows what waits, the oldest first: one line for each message and recipient domain.") { limit, summary, json };
        filters.AddTo(command);
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var isSummary = parsed.GetValue(summary);
            var request = filters.Request(parsed, isSummary ? ControlCommand.Summary : ControlCommand.List) with { Limit = parsed.GetValue(limit) };
            var table = new QueueTable(terminal, parsed.GetValue(json));
            ControlLine.Done? end = null;
            await foreach (var line in access.AskAsync(parsed, request, done => end = done, cancel))
            {
                await table.WriteAsync(line);
            }

            await terminal.Out.FlushAsync(cancel);
            if (end!.More > 0)
            {
                await terminal.Error.WriteLineAsync(
                    $"{QueueTable.Count(end.More, isSummary ? "more domain" : "more entry")} not shown; --limit 0 shows all");
            }

            await TellMissingAsync(terminal, end);
            return end is { Matched: > 0, Missing.Count: 0 } ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Command Show(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var id = new Argument<string>("ID") { Description = "A message, as `list` and the log name it." };
        var content = new Option<bool>("--content") { Description = "The message itself, as it was received." };
        var json = JsonOption();
        var command = new Command("show", "Shows one message: its envelope, and each recipient with what became of it.") { id, content, json };
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var asContent = parsed.GetValue(content);
            if (asContent && parsed.GetValue(json))
            {
                throw new UsageException("--content is the message itself, and no JSON");
            }

            var request = new ControlRequest
            {
                Version = ControlRequest.CurrentVersion,
                Command = asContent ? ControlCommand.Content : ControlCommand.Show,
                Ids = [.. QueueFilters.Ids([parsed.GetRequiredValue(id)])],
            };
            var table = new QueueTable(terminal, parsed.GetValue(json));
            await using var octets = new ContentOutput(terminal);
            ControlLine.Done? end = null;
            await foreach (var line in access.AskAsync(parsed, request, done => end = done, cancel))
            {
                await (line is ControlLine.Content chunk ? octets.WriteAsync(chunk.Data, cancel) : table.WriteAsync(line));
            }

            await terminal.Out.FlushAsync(cancel);
            await TellMissingAsync(terminal, end!);
            return end is { Missing.Count: 0 } ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Command Change(Terminal terminal, string name, string description, ControlCommand action)
    {
        var filters = new QueueFilters(terminal.Clock);
        var access = new QueueAccess(terminal);
        var all = new Option<bool>("--all") { Description = "Everything that waits." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only count." };
        var yes = new Option<bool>("--yes") { Description = "Needed to delete by filter, or everything." };
        var json = JsonOption();
        var command = new Command(name, description) { all, dryRun, json };
        filters.AddTo(command);
        access.AddTo(command);
        if (action is ControlCommand.Delete)
        {
            command.Add(yes);
        }

        command.SetAction(async (parsed, cancel) =>
        {
            var any = filters.Any(parsed, out var byFilter);
            if (any == parsed.GetValue(all))
            {
                throw new UsageException(any ? "--all goes with no ids and no filters" : "choose entries by id or by filter, or --all");
            }

            // Ids were looked up; a filter may meet more than was thought of.
            var unsure = action is ControlCommand.Delete && (byFilter || !any) && !parsed.GetValue(yes);
            var request = filters.Request(parsed, action) with { DryRun = unsure || parsed.GetValue(dryRun) };
            var end = await access.DoAsync(parsed, request, cancel);
            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(end, ControlJson.Default.ControlLine));
            }

            await TellMissingAsync(terminal, end);
            if (request.DryRun)
            {
                await terminal.Error.WriteLineAsync($"{QueueTable.Count(end.Matched, "entry")} would be met; nothing was done");
                if (unsure && !parsed.GetValue(dryRun))
                {
                    throw new UsageException("to delete them, add --yes");
                }
            }
            else
            {
                await terminal.Error.WriteLineAsync(Describe(action, end));
            }

            return end is { Matched: > 0, Attempting: 0, Missing.Count: 0 } ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static string Describe(ControlCommand action, ControlLine.Done end)
    {
        var done = action switch
        {
            ControlCommand.Retry => "due now",
            ControlCommand.Hold => "held",
            ControlCommand.Release => "released",
            _ => "deleted",
        };
        var unchanged = action switch
        {
            ControlCommand.Retry => "held, and not retried",
            ControlCommand.Hold => "held already",
            _ => "not held",
        };
        var text = $"{QueueTable.Count(end.Changed, "entry")} {done}";
        if (end.Unchanged > 0)
        {
            text += $", {QueueTable.Count(end.Unchanged, "entry")} {unchanged}";
        }

        return end.Attempting > 0 ? $"{text}, {QueueTable.Count(end.Attempting, "entry")} left alone because of an attempt under way" : text;
    }

    static async Task TellMissingAsync(Terminal terminal, ControlLine.Done end)
    {
        foreach (var id in end.Missing)
        {
            await terminal.Error.WriteLineAsync($"{id} is not in the queue");
        }
    }

    static Option<bool> JsonOption() => new("--json") { Description = "One JSON object in each line." };
}
