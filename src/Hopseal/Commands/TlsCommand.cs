using System.CommandLine;
using System.Globalization;
using System.Net;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;

namespace Hopseal.Commands;

/// <summary><c>hopseal tls</c>: the hosts that are held to TLS because they had it, and the way out for one that gave it up.</summary>
static class TlsCommand
{
    public static Command Create(Terminal terminal) => new("tls", "Shows the hosts that are held to TLS because they had it, and lets them go.")
    {
        List(terminal),
        Forget(terminal),
    };

    static Command List(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var missing = new Option<bool>("--missing") { Description = "Only those that do not start TLS now, as a running gateway knows." };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Shows them by name: when each last completed TLS, and when it last proved who it is.") { missing, json };
        access.AddTo(command);
        command.SetAction((parsed, cancel) => access.ListAsync<ControlLine.TlsHost>(
            parsed, ControlCommand.TlsList, parsed.GetValue(json), host => !parsed.GetValue(missing) || host.MissingSince is not null, WriteAsync, cancel));
        return command;
    }

    static Command Forget(Terminal terminal)
    {
        var access = new QueueAccess(terminal);
        var host = new Argument<string>("HOST[:PORT]") { Description = "As `list` names it; an IPv6 address with a port in brackets. Without a port: every port of it." };
        var command = new Command("forget", "Lets a host go that gave up TLS: its mail goes without, until it has TLS again.") { host };
        access.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var text = parsed.GetRequiredValue(host);
            if (!TryParse(text, out var name, out var port))
            {
                throw new UsageException($"{Shown.Text(text)} is no host, nor host:port");
            }

            var end = await access.DoAsync(parsed, ControlRequest.Of(ControlCommand.TlsForget) with { Host = name, Port = port }, cancel);
            await terminal.Error.WriteLineAsync(end.Changed > 0
                ? $"{Shown.Plain(text)} is not held to TLS any more, until it has it again"
                : $"{Shown.Plain(text)} is not held to TLS");
            return end.Changed > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    /// <summary>In the form in which hosts are kept.</summary>
    internal static bool TryParse(string text, out string host, out int? port)
    {
        port = null;
        host = text;
        if (IPAddress.TryParse(text, out var address) && text.Contains(':', StringComparison.Ordinal) && !text.StartsWith('['))
        {
            host = address.ToString();
            return true;
        }

        var colon = text.LastIndexOf(':');
        if (colon >= 0 && colon > text.LastIndexOf(']'))
        {
            if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
            {
                return false;
            }

            port = number;
            host = text[..colon];
        }

        if (host is ['[', .. var inner, ']'])
        {
            var isAddress = IPAddress.TryParse(inner, out address);
            host = isAddress ? address!.ToString() : host;
            return isAddress;
        }

        if (DomainName.TryParse(host, out var name))
        {
            host = name.Ascii;
            return true;
        }

        return IPAddress.TryParse(host, out address) && address.ToString() == host;
    }

    static async Task WriteAsync(TextWriter output, ControlLine.TlsHost host, bool isFirst)
    {
        if (isFirst)
        {
            await output.WriteLineAsync($"{"LAST TLS",-16}  {"LAST VERIFIED",-16}  {"MISSING SINCE",-16}  HOST");
        }

        var name = host.Host.Contains(':', StringComparison.Ordinal) ? $"[{host.Host}]" : host.Host;
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{Time(host.LastProvenAt),-16}  {Time(host.LastVerifiedAt),-16}  {Time(host.MissingSince),-16}  {Shown.Plain(name)}:{host.Port}"));
    }

    static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";
}
