using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Reports.Alerts;

namespace Hopseal.Commands;

/// <summary><c>hopseal alerts</c>: what is wrong, and whether anybody would be told.</summary>
static class AlertsCommand
{
    public static Command Create(Terminal terminal) => new("alerts", "Shows what is wrong, and tries whether notices arrive.")
    {
        List(terminal),
        Silence(terminal),
        Test(terminal),
    };

    static Command List(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var all = new Option<bool>("--all") { Description = "Also those that are resolved, the newest first." };
        var limit = new Option<int>("--limit") { Description = "At most so many, of --all.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Lists open alerts. Exit code 1 when there are any.") { all, limit, json, config };
        command.SetAction(parsed =>
        {
            var store = AlertStore.OfFile(RecordsArgument.Find(parsed.GetValue(config), terminal));
            var alerts = RecordsArgument.Read(() => parsed.GetValue(all) ? store.All(null, Math.Max(1, parsed.GetValue(limit))) : store.Open());
            foreach (var alert in alerts)
            {
                terminal.Out.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(alert, AlertJson.Default.Alert) : Line(alert));
            }

            if (alerts.IsEmpty && !parsed.GetValue(json))
            {
                terminal.Error.WriteLine("nothing is wrong that the gateway knows of");
            }

            return alerts.Any(alert => alert.IsOpen) ? ExitCode.No : ExitCode.Done;
        });
        return command;
    }

    static string Line(Alert alert) => string.Create(
        CultureInfo.InvariantCulture,
        $"{alert.Id,5}  {WebhookBody.Word(alert.Severity),-8}  {alert.OpenedAt.UtcDateTime:yyyy-MM-dd HH:mm}  {(alert.ResolvedAt is { } ended ? $"resolved {ended.UtcDateTime:yyyy-MM-dd HH:mm}" : alert.SilencedUntil is { } until ? $"silent until {until.UtcDateTime:yyyy-MM-dd HH:mm}" : "open")}  {alert.Rule}  {Shown.Plain(alert.Text)}\n       → {Shown.Plain(alert.Advice)}");

    static Command Silence(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var id = new Argument<long>("ID") { Description = "As `list` shows it." };
        var time = new Option<string>("--for") { Description = "For so long: 30m, 12h, 7d.", DefaultValueFactory = _ => "1d", HelpName = "TIME" };
        var command = new Command("silence", "Sends no more notices of an alert for a while; it stays open.") { id, time, config };
        command.SetAction(async (parsed, cancel) =>
        {
            var request = ControlRequest.Of(ControlCommand.AlertSilence) with
            {
                Alert = parsed.GetRequiredValue(id),
                Until = terminal.Clock.GetUtcNow().Add(DurationArgument.Parse(parsed.GetRequiredValue(time))),
            };
            var changed = 0L;
            await foreach (var line in GatewayAccess.AskAsync(parsed.GetValue(config), request, terminal, cancel))
            {
                changed += line is ControlLine.Done done ? done.Changed : 0;
            }

            terminal.Error.WriteLine(changed > 0 ? "silenced" : "no open alert has that number");
            return changed > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Command Test(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var command = new Command("test", "Sends a notice through every channel of the running gateway, and says what came of it. Exit code 1 when one did not take it.")
        {
            config,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var allTook = false;
            await foreach (var line in GatewayAccess.AskAsync(parsed.GetValue(config), ControlRequest.Of(ControlCommand.AlertTest), terminal, cancel))
            {
                if (line is ControlLine.Text text)
                {
                    terminal.Out.WriteLine(Shown.Plain(text.Words));
                }

                allTook = line is ControlLine.Done done && done.Changed == done.Matched;
            }

            return allTook ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }
}
