using System.CommandLine;
using Hopseal.Audit.Findings;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Monitor.Store;

namespace Hopseal.Commands.Monitoring;

/// <summary><c>hopseal monitor</c>: what is known of the domains that the gateway watches from outside, read beside it; and looks now.</summary>
static class MonitorCommand
{
    const int PageRows = 500;

    public static Command Create(Terminal terminal) => new("monitor", "Shows what the gateway sees of the domains that it watches from outside.")
    {
        List(terminal),
        Show(terminal),
        Diff(terminal),
        Check(terminal),
        Accept(terminal),
    };

    static Command List(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var kind = new Option<WatchedAs?>("--as") { Description = "own or partner." };
        var worst = new Option<Verdict?>("--verdict") { Description = "ok, warn, fail or unknown: the worst of the three." };
        var search = new Option<string?>("--search") { Description = "Only with this in their names.", HelpName = "TEXT" };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Lists the domains that are watched, with what was found. Exit code 1 when one lost something that is expected of it.") { kind, worst, search, json, config };
        command.SetAction(parsed =>
        {
            var query = Query(parsed.GetValue(config), terminal);
            var filter = new WatchedFilter { As = parsed.GetValue(kind), Worst = parsed.GetValue(worst), Search = parsed.GetValue(search) };
            var output = new MonitorOutput(terminal, parsed.GetValue(json));
            var lost = false;
            for (string? after = null; ;)
            {
                var page = RecordsArgument.Read(() => query.List(filter, after, PageRows));
                foreach (var row in page)
                {
                    output.Write(row);
                    lost |= row.Lost;
                }

                if (page.Length < PageRows)
                {
                    return lost ? ExitCode.No : ExitCode.Done;
                }

                after = page[^1].Name;
            }
        });
        return command;
    }

    static Command Show(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = Domain();
        var history = new Option<bool>("--history") { Description = "Also what changed when, and what was found before." };
        var json = new Option<bool>("--json") { Description = "As JSON objects, one in each line." };
        var command = new Command("show", "Shows what a domain looks like, what is wrong with it, and what is expected of it.") { domain, history, json, config };
        command.SetAction(parsed =>
        {
            var (query, name) = (Query(parsed.GetValue(config), terminal), Name(parsed.GetRequiredValue(domain)));
            if (RecordsArgument.Read(() => query.Find(name)) is not { } found)
            {
                return NotWatched(name, terminal);
            }

            var output = new MonitorOutput(terminal, parsed.GetValue(json)) { Profile = ProfileOf(parsed.GetValue(config), terminal) };
            output.Write(found, terminal.Clock.GetUtcNow());
            if (parsed.GetValue(history))
            {
                output.WriteHistory(RecordsArgument.Read(() => query.Observations(name, null, 50)), RecordsArgument.Read(() => query.Findings(name)));
            }

            return ExitCode.Done;
        });
        return command;
    }

    static Command Diff(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = Domain();
        var expected = new Option<bool>("--expected") { Description = "Compare with what is expected, instead of with what was there before." };
        var json = new Option<bool>("--json") { Description = "As JSON objects, one in each line." };
        var command = new Command("diff", "Says what changed at a domain with its last change. Exit code 1 when anything is worse.") { domain, expected, json, config };
        command.SetAction(parsed =>
        {
            var (query, name) = (Query(parsed.GetValue(config), terminal), Name(parsed.GetRequiredValue(domain)));
            if (RecordsArgument.Read(() => query.Find(name)) is not { } found)
            {
                return NotWatched(name, terminal);
            }

            var seen = RecordsArgument.Read(() => query.Observations(name, null, 2));
            var before = parsed.GetValue(expected) ? found.Reference : seen is [_, var earlier] ? earlier : null;
            if (before is null || found.Current is not { } current || before.Id == current.Id)
            {
                terminal.Error.WriteLine(parsed.GetValue(expected) ? "it is what is expected" : "it did not change since it is watched");
                return ExitCode.Done;
            }

            return new MonitorOutput(terminal, parsed.GetValue(json)) { Profile = ProfileOf(parsed.GetValue(config), terminal) }.WriteDifference(before, current)
                ? ExitCode.No
                : ExitCode.Done;
        });
        return command;
    }

    static Command Check(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = new Argument<string?>("DOMAIN") { Description = "One that is watched.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "All of them, one after the other; does not wait for them." };
        var json = new Option<bool>("--json") { Description = "As JSON objects, one in each line." };
        var command = new Command("check", "Lets the running gateway look at a domain now, and says what came of it. Exit code 3 when nothing was found out.") { domain, all, json, config };
        command.SetAction(async (parsed, cancel) =>
        {
            var name = parsed.GetValue(domain) is { } text ? Name(text) : null;
            if (parsed.GetValue(all) == (name is not null))
            {
                throw new UsageException("name a domain, or --all");
            }

            var output = new MonitorOutput(terminal, parsed.GetValue(json));
            var result = ExitCode.Done;
            await foreach (var line in GatewayAccess.AskAsync(parsed.GetValue(config), ControlRequest.Of(ControlCommand.MonitorLook) with { Domain = name }, terminal, cancel))
            {
                switch (line)
                {
                    case ControlLine.Look look:
                        output.Write(look);
                        result = look.Result is LookResult.Inconclusive ? ExitCode.Unknown : ExitCode.Done;
                        break;
                    case ControlLine.Done { Missing: [var missing] }:
                        return NotWatched(missing, terminal);
                    case ControlLine.Done done when name is null:
                        terminal.Error.WriteLine($"{Queue.QueueTable.Count(done.Matched, "domain")} will be looked at now, some at a time; `hopseal monitor list` shows how far it is");
                        break;
                }
            }

            return result;
        });
        return command;
    }

    static Command Accept(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = Domain();
        var command = new Command("accept", "Says that what a domain looks like now is meant so: what it lost is not expected any more.") { domain, config };
        command.SetAction(async (parsed, cancel) =>
        {
            var name = Name(parsed.GetRequiredValue(domain));
            var request = ControlRequest.Of(ControlCommand.MonitorAccept) with { Domain = name, Owner = Environment.UserName };
            await foreach (var line in GatewayAccess.AskAsync(parsed.GetValue(config), request, terminal, cancel))
            {
                if (line is ControlLine.Done { Changed: 0 })
                {
                    terminal.Error.WriteLine($"hopseal: {name} is not watched, or was not looked at yet");
                    return ExitCode.No;
                }
            }

            terminal.Error.WriteLine("accepted");
            return ExitCode.Done;
        });
        return command;
    }

    static Argument<string> Domain() => new("DOMAIN") { Description = "One that is watched." };

    static int NotWatched(string name, Terminal terminal)
    {
        terminal.Error.WriteLine($"hopseal: {name} is not watched");
        return ExitCode.No;
    }

    static string Name(string text) => DomainName.TryParse(text, out var name) ? name.Ascii : throw new UsageException($"{Shown.Text(text)} is not a domain name");

    static MonitorQuery Query(string? config, Terminal terminal) => MonitorQuery.OfFile(RecordsArgument.Find(config, terminal), terminal.Clock);

    /// <summary>What the gateway judges by; the usual one where that cannot be read: what was seen can be shown all the same.</summary>
    static Audit.Profiles.Profile ProfileOf(string? config, Terminal terminal) =>
        config is not null && ConfigurationFile.Load(config, terminal.Directory, terminal.Variables, terminal.Clock) is ConfigurationResult.Usable { Configuration.Monitor: { } monitor }
            ? monitor.Profile
            : Audit.Profiles.Profile.Named(Audit.Profiles.Profile.Default);
}
