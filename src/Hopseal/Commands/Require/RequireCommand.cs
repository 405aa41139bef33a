using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Parts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Require;

/// <summary><c>hopseal require</c>: holds a domain to what it has proved, without a change of the configuration and without a restart.</summary>
static class RequireCommand
{
    public static Command Create(Terminal terminal) => new("require", "Holds domains to the TLS that they have proved, and lets them go.")
    {
        List(terminal),
        Add(terminal),
        Remove(terminal),
    };

    static Command List(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Shows what is required beside the configuration, of whom, by whom and why.") { json };
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var shown = 0;
            await foreach (var line in access.AskAsync(parsed, Request(ControlCommand.RequireList), _ => { }, cancel))
            {
                if (line is not ControlLine.Required rule)
                {
                    continue;
                }

                if (parsed.GetValue(json))
                {
                    await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(line, ControlJson.Default.ControlLine));
                }
                else
                {
                    await WriteAsync(terminal.Out, rule, isFirst: shown == 0);
                }

                shown++;
            }

            return shown > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Command Add(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var domain = DomainArgument();
        var tls = new Option<string?>("--tls") { Description = "Encrypted or Authenticated. Without: what the domain has proved.", HelpName = "FLOOR" };
        tls.AcceptOnlyFromAmong(nameof(SecurityFloor.Encrypted), nameof(SecurityFloor.Authenticated));
        var version = new Option<string?>("--minimum-version") { Description = "1.2 or 1.3; with --tls.", HelpName = "VERSION" };
        version.AcceptOnlyFromAmong("1.2", "1.3");
        var names = new Option<string[]>("--name") { Description = "A name that a certificate may be for, as in Outbound.Rules[].Names; with --tls Authenticated. May be repeated.", HelpName = "NAME" };
        var because = new Option<string?>("--because") { Description = "What it rests on, for whoever reads it later.", HelpName = "TEXT" };
        var owner = OwnerOption();
        var yes = new Option<bool>("--yes") { Description = "Require what it has proved. Without: only show it." };
        var command = new Command("add", "Requires of a domain what it has proved, or what is said.") { domain, tls, version, names, because, owner, yes };
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var name = Domain(parsed.GetRequiredValue(domain));
            var request = Request(ControlCommand.RequireAdd) with { Domain = name.Ascii, Owner = parsed.GetValue(owner) ?? User(terminal) };
            var configuration = parsed.GetValue(access.Configuration) is { } file
                ? ConfigurationArgument.Load(file, terminal)
                : throw new UsageException("name the gateway's configuration with --config");
            if (Requiring.Refuse(configuration, name) is { } why)
            {
                throw new UsageException(why);
            }

            if (parsed.GetValue(tls) is { } floor)
            {
                return await DoAsync(request with
                {
                    Tls = Enum.Parse<SecurityFloor>(floor),
                    MinimumVersion = parsed.GetValue(version) switch { "1.2" => TlsVersion.Tls12, "1.3" => TlsVersion.Tls13, _ => null },
                    Names = parsed.GetValue(names) ?? [],
                    Because = parsed.GetValue(because) ?? "somebody asked for it",
                });
            }

            if (parsed.GetValue(version) is not null || parsed.GetValue(names) is { Length: > 0 })
            {
                throw new UsageException("--minimum-version and --name go with --tls");
            }

            var proof = await new ProofSource(terminal, configuration).FindAsync(name, cancel);
            if (proof is not ObservedProof.Demand demand)
            {
                await terminal.Error.WriteLineAsync(Shown.Plain($"hopseal: {name} has proved nothing that it could be held to: {((ObservedProof.Nothing)proof).Why}"));
                return ExitCode.No;
            }

            await WriteAsync(terminal.Out, name, demand);
            if (!parsed.GetValue(yes))
            {
                await terminal.Error.WriteLineAsync("hopseal: nothing was changed; --yes requires it");
                return ExitCode.No;
            }

            return await DoAsync(request with { Tls = demand.Floor, MinimumVersion = demand.RuleVersion, Names = demand.Names, Because = parsed.GetValue(because) ?? demand.Reason });

            async Task<int> DoAsync(ControlRequest asked)
            {
                await foreach (var _ in access.AskAsync(parsed, asked, _ => { }, cancel))
                {
                }

                await terminal.Error.WriteLineAsync(Shown.Plain($"mail for {name} has to have {asked.Tls} from now on; `hopseal plan {name}` shows what it needs in all"));
                return ExitCode.Done;
            }
        });
        return command;
    }

    static Command Remove(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var domain = DomainArgument();
        var owner = OwnerOption();
        var command = new Command("remove", "Takes back what was required of a domain. What the configuration and the domain itself ask for goes on.") { domain, owner };
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var name = Domain(parsed.GetRequiredValue(domain));
            var request = Request(ControlCommand.RequireRemove) with { Domain = name.Ascii, Owner = parsed.GetValue(owner) ?? User(terminal) };
            ControlLine.Done? end = null;
            await foreach (var _ in access.AskAsync(parsed, request, done => end = done, cancel))
            {
            }

            await terminal.Error.WriteLineAsync(Shown.Plain(end!.Changed > 0 ? $"nothing is required of {name} any more beside the configuration" : $"nothing was required of {name} beside the configuration"));
            return end.Changed > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Argument<string> DomainArgument() => new("DOMAIN") { Description = "A recipient domain: it and nothing below it." };

    static Option<string?> OwnerOption() => new("--owner") { Description = "Who says so; without: the user who runs this.", HelpName = "NAME" };

    static DomainName Domain(string text) => DomainName.TryParse(text, out var name) ? name : throw new UsageException($"{Shown.Text(text)} is no domain name");

    /// <summary>Who became root is named, not root.</summary>
    static string User(Terminal terminal) => terminal.Variables.GetValueOrDefault("SUDO_USER") is { Length: > 0 } user ? user : Environment.UserName;

    static async Task WriteAsync(TextWriter output, DomainName domain, ObservedProof.Demand demand)
    {
        await output.WriteLineAsync($"{domain} has proved:");
        await output.WriteLineAsync($"  Tls             {demand.Floor}");
        await output.WriteLineAsync($"  MinimumVersion  {Words(demand.MinimumVersion)}");
        if (!demand.Names.IsEmpty)
        {
            await output.WriteLineAsync(Shown.Plain($"  Names           {string.Join(", ", demand.Names)}"));
        }

        foreach (var words in (ImmutableArray<string>)[demand.Reason, .. demand.Remarks])
        {
            await output.WriteLineAsync(Shown.Plain($"  {words}."));
        }
    }

    static async Task WriteAsync(TextWriter output, ControlLine.Required rule, bool isFirst)
    {
        if (isFirst)
        {
            await output.WriteLineAsync($"{"TLS",-13}  {"VERSION",-7}  {"SINCE",-10}  {"OWNER",-12}  DOMAIN");
        }

        await output.WriteLineAsync(Shown.Plain(string.Create(
            CultureInfo.InvariantCulture,
            $"{rule.Tls,-13}  {(rule.MinimumVersion is { } version ? Words(version) : "-"),-7}  {rule.Since.UtcDateTime:yyyy-MM-dd}  {rule.Owner,-12}  {rule.Domain}")));
        await output.WriteLineAsync(Shown.Plain($"    {rule.Because}{(rule.Names.Count == 0 ? "" : $"; names {string.Join(", ", rule.Names)}")}"));
    }

    static string Words(TlsVersion version) => version switch
    {
        TlsVersion.Tls12 => "1.2",
        TlsVersion.Tls13 => "1.3",
    };

    static ControlRequest Request(ControlCommand command) => new() { Version = ControlRequest.CurrentVersion, Command = command };
}
