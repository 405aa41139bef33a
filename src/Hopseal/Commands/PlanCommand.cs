using System.CommandLine;
using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands;

/// <summary><c>hopseal plan</c>: how mail for a domain would travel now, and why.</summary>
static class PlanCommand
{
    static readonly string s_ruledOut = TlsResultType.ValidationFailure.ToWire();

    public static Command Create(Terminal terminal)
    {
        var domain = new Argument<string>("DOMAIN") { Description = "A recipient domain, or an address in brackets." };
        var from = new Option<string?>("--from") { Description = "The sender; <> for none.", HelpName = "ADDRESS" };
        var config = new Option<string?>("--config", "-c")
        {
            Description = "The gateway's configuration file: the gateway is asked if it runs. Without one: what anybody's mail would need.",
            HelpName = "FILE",
        };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var command = new Command("plan", "Shows how mail for a domain would travel, and why. Connects to no mail server.") { domain, from, config, json };
        command.SetAction(async (parsed, cancel) =>
        {
            var request = new ControlRequest
            {
                Version = ControlRequest.CurrentVersion,
                Command = ControlCommand.Plan,
                Domain = Domain(parsed.GetRequiredValue(domain)),
                Sender = parsed.GetValue(from) is { } sender and not ("<>" or "") ? AddressArgument.Parse(sender).ToString() : null,
            };
            ControlLine.Plan? plan = null;
            await foreach (var line in new PlanAccess(terminal).AskAsync(parsed.GetValue(config), request, cancel))
            {
                switch (line)
                {
                    case ControlLine.Fault fault:
                        throw new ControlException(fault.Why);
                    case ControlLine.Plan made:
                        plan = made;
                        break;
                    case ControlLine.Text text when !parsed.GetValue(json):
                        await WriteAsync(terminal.Out, text.Words);
                        break;
                }
            }

            if (plan is null)
            {
                throw new ControlException("the gateway's answer is no plan");
            }

            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(plan, ControlJson.Default.ControlLine));
            }

            return ExitCodeOf(plan);
        });
        return command;
    }

    /// <summary>A name as it is compared; what is no name is for the plan to judge.</summary>
    static string Domain(string text) =>
        text.Length == 0 ? throw new UsageException("the domain is empty") : DomainName.TryParse(text, out var name) ? name.Ascii : text;

    static async Task WriteAsync(TextWriter writer, string words)
    {
        foreach (var line in words.TrimEnd('\n').Split('\n'))
        {
            await writer.WriteLineAsync(Shown.Plain(line));
        }
    }

    /// <summary>Waiting because a policy rules all hosts out is an answer; waiting because DNS does not answer is none.</summary>
    static int ExitCodeOf(ControlLine.Plan plan) => plan.Action switch
    {
        PlanAction.Relay or PlanAction.Keep => ExitCode.Done,
        PlanAction.Bounce => ExitCode.No,
        PlanAction.Wait => plan.Excluded.Count > 0 && plan.Excluded.All(host => host.Why?.Type == s_ruledOut) ? ExitCode.No : ExitCode.Unknown,
    };
}
