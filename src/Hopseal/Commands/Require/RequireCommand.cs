using System.CommandLine;
using System.Globalization;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Require;

/// <summary><c>hopseal require</c>: holds a domain to what it has proved, without a change of the configuration and without a restart.</summary>
static class RequireCommand
{
    public static Command Create(Terminal terminal) => new("require", "Holds domains to the TLS that they have proved, and lets them go.")
    {
        List(terminal),
        new RequireAddition(terminal).Command,
        Remove(terminal),
    };

    static Command List(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Shows what is required beside the configuration, of whom, by whom and why.") { json };
        access.AddTo(command);
        command.SetAction((parsed, cancel) => access.ListAsync<ControlLine.Required>(
            parsed, ControlCommand.RequireList, parsed.GetValue(json), _ => true, WriteAsync, cancel));
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
            var request = ControlRequest.Of(ControlCommand.RequireRemove) with { Domain = name.Ascii, Owner = parsed.GetValue(owner) ?? User(terminal) };
            var end = await access.DoAsync(parsed, request, cancel);
            await terminal.Error.WriteLineAsync(Shown.Plain(end.Changed > 0 ? $"nothing is required of {name} any more beside the configuration" : $"nothing was required of {name} beside the configuration"));
            return end.Changed > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    public static Argument<string> DomainArgument() => new("DOMAIN") { Description = "A recipient domain: it and nothing below it." };

    public static Option<string?> OwnerOption() => new("--owner") { Description = "Who says so; without: the user who runs this.", HelpName = "NAME" };

    public static DomainName Domain(string text) => DomainName.TryParse(text, out var name) ? name : throw new UsageException($"{Shown.Text(text)} is no domain name");

    /// <summary>Who became root is named, not root.</summary>
    public static string User(Terminal terminal) => terminal.Variables.GetValueOrDefault("SUDO_USER") is { Length: > 0 } user ? user : Environment.UserName;

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

    public static string Words(TlsVersion version) => version switch
    {
        TlsVersion.Tls12 => "1.2",
        TlsVersion.Tls13 => "1.3",
    };
}
