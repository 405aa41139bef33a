using System.CommandLine;
using System.CommandLine.Invocation;
using Hopseal.Commands.Check;
using Hopseal.Commands.Demo;
using Hopseal.Commands.Monitoring;
using Hopseal.Commands.Publishing;
using Hopseal.Commands.Queue;
using Hopseal.Commands.Require;
using Hopseal.Control;

namespace Hopseal.Commands;

/// <summary>The whole command line: every command, and how its outcome becomes an exit code.</summary>
static class CommandLine
{
    /// <summary>An argument that begins with @ is an argument, such as every sender of a domain, and no file to read others from.</summary>
    static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    /// <summary>Never throws: what no command expected is one line and <see cref="ExitCode.Internal"/>.</summary>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancel)
    {
        var parsed = Root(terminal).Parse(args, s_parsing);

        // Whoever asks for help gets it, whatever else is wrong.
        if ((parsed.Action is ParseErrorAction || parsed.Errors.Count == 0) && ParseFaults.Describe(parsed) is { } fault)
        {
            await terminal.Error.WriteLineAsync($"hopseal: {fault}");
            await terminal.Error.WriteLineAsync($"`hopseal {CommandPath(parsed)}--help` shows how it is used.");
            return ExitCode.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,

            // Commands stop in their own way; see StopSignals.
            ProcessTerminationTimeout = null,
        };
        return await InvokeAsync(parsed, invocation, terminal, cancel);
    }

    /// <summary>Every command.</summary>
    internal static RootCommand Root(Terminal terminal) =>
        new("A mail gateway: no mail crosses a hop unencrypted unless somebody decided so.")
        {
            DemoCommand.Create(terminal),
            ServeCommand.Create(terminal),
            SendCommand.Create(terminal),
            PlanCommand.Create(terminal),
            CheckCommand.Create(terminal),
            MonitorCommand.Create(terminal),
            QueueCommand.Create(terminal),
            SessionsCommand.Create(terminal),
            AlertsCommand.Create(terminal),
            TlsCommand.Create(terminal),
            RequireCommand.Create(terminal),
            DnsCommand.Create(terminal),
            CertificateCommand.Create(terminal),
            ReportCommand.Create(terminal),
            EvidenceCommand.Create(terminal),
            SinkCommand.Create(terminal),
            ConfigCommand.Create(terminal),
        };

    static async Task<int> InvokeAsync(ParseResult parsed, InvocationConfiguration invocation, Terminal terminal, CancellationToken cancel)
    {
        try
        {
            return await parsed.InvokeAsync(invocation, cancel);
        }
        catch (UsageException e)
        {
            await terminal.Error.WriteLineAsync($"hopseal: {e.Message}");
            return ExitCode.Usage;
        }
        catch (ControlException e)
        {
            await terminal.Error.WriteLineAsync($"hopseal: {e.Message}");
            return ExitCode.Unknown;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCode.Unknown;
        }
#pragma warning disable CA1031 // the last resort: the process must end with a word and a code, not with a stack trace
        catch (Exception e)
#pragma warning restore CA1031
        {
            await terminal.Error.WriteLineAsync($"hopseal: internal error: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
            if (terminal.Variables.GetValueOrDefault("HOPSEAL_DEBUG", "").Length > 0)
            {
                await terminal.Error.WriteLineAsync(e.ToString());
            }

            return ExitCode.Internal;
        }
    }

    static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var command = parsed.CommandResult; command is { Parent: not null }; command = command.Parent as System.CommandLine.Parsing.CommandResult)
        {
            names.Push(command.Command.Name);
        }

        return string.Concat(names.Select(name => name + " "));
    }
}

/// <summary>The person asked for something that cannot be done; the message says what, in one line.</summary>
sealed class UsageException(string message) : Exception(message);
