using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using Hopseal.Audit.Output;
using Hopseal.Commands.Import;
using Hopseal.Configuration;
using Hopseal.Monitor.Requiring;
using Hopseal.Parts;
using Hopseal.Rollover;
using Hopseal.Smtp.Server;

namespace Hopseal.Commands;

/// <summary><c>hopseal config check</c> and <c>hopseal config hash-password</c>.</summary>
static class ConfigCommand
{
    const int MostPasswordOctets = 1024;

    public static Command Create(Terminal terminal)
    {
        var file = new Option<string>("--config", "-c")
        {
            Description = "The configuration file.",
            DefaultValueFactory = _ => "hopseal.json",
            HelpName = "FILE",
        };
        var check = new Command("check", "Shows everything that is wrong with a configuration, each with its key and line.") { file };
        check.SetAction((parsed, cancel) => CheckAsync(parsed.GetRequiredValue(file), terminal, cancel));

        var hash = new Command("hash-password", "Reads a password (from standard input, or asks) and prints what goes into Users[].PasswordHash.");
        hash.SetAction(_ => HashPassword(terminal));

        return new Command("config", "Checks a configuration, and makes parts of one.")
        {
            check, hash, ImportCommand.Create(terminal),
        };
    }

    /// <summary>Faults go to standard output, because they are the answer; the sum of them to standard error.</summary>
    static async Task<int> CheckAsync(string path, Terminal terminal, CancellationToken cancel)
    {
        switch (ConfigurationFile.Load(path, terminal.Directory, terminal.Variables, terminal.Clock))
        {
            case ConfigurationResult.Unreadable unreadable:
                terminal.Error.WriteLine($"hopseal: {unreadable.Why}");
                return ExitCode.Usage;
            case ConfigurationResult.Faulty { Faults: var faults }:
                Write(terminal.Out, faults);
                var errors = faults.Count(fault => fault.Severity is Severity.Error);
                terminal.Error.WriteLine($"{path}: {Words.Count(errors, "error")}, {Words.Count(faults.Length - errors, "warning")}");
                return ExitCode.No;
            case ConfigurationResult.Usable { Configuration: var configuration, Warnings: var found }:
                var warnings = found
                    .AddRange(await LookAtResolverAsync(path, configuration, terminal, cancel))
                    .AddRange(await LookAtTlsaAsync(path, configuration, terminal, cancel));
                var (required, requirements) = LookAtRequired(path, configuration);
                warnings = warnings.AddRange(required);
                Write(terminal.Out, warnings);
                var wrong = warnings.Count(fault => fault.Severity is Severity.Error);
                terminal.Error.WriteLine($"{path}: {(wrong == 0 ? "no errors" : Words.Count(wrong, "error"))}, {Words.Count(warnings.Length - wrong, "warning")}");
                if (requirements > 0)
                {
                    terminal.Error.WriteLine($"{path}: beside it, something is required of {Words.Count(requirements, "domain")}: `hopseal require list` shows it");
                }

                return wrong == 0 ? ExitCode.Done : ExitCode.No;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Rules beside the configuration: an error where no gateway would start with them, a warning for each that asks nothing of those it was made for.</summary>
    static (ImmutableArray<ConfigFault> Faults, int Rules) LookAtRequired(string path, GatewayConfiguration configuration)
    {
        try
        {
            var rules = RequiredFile.In(configuration.DataDirectory).Load();
            return (
            [
                .. rules.Select(rule => (rule, Why: Requiring.Refuse(configuration, rule.Domain))).Where(found => found.Why is not null)
                    .Select(found => new ConfigFault(Severity.Warning, new Origin(path), "", Shown.Plain($"{found.rule.Source}: {found.Why}"))),
            ], rules.Length);
        }
        catch (InvalidDataException e)
        {
            return ([new ConfigFault(Severity.Error, new Origin(path), "DataDirectory", Shown.Plain(e.Message))], 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ([new ConfigFault(Severity.Warning, new Origin(path), "DataDirectory", e.Message)], 0);
        }
    }

    /// <summary>A warning when the resolver answers and proves nothing; a machine without network has none.</summary>
    static async Task<ImmutableArray<ConfigFault>> LookAtResolverAsync(
        string path, GatewayConfiguration configuration, Terminal terminal, CancellationToken cancel)
    {
        try
        {
            return Resolvers.BriefProbe(configuration.Dns, terminal.Clock) is { } probe && await probe.CheckAsync(cancel) is { IsBlind: true } health
                ? [new ConfigFault(Severity.Warning, new Origin(path), "Dns", $"the resolver {health}")]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new ConfigFault(Severity.Warning, new Origin(path), "Dns", e.Message)];
        }
    }

    /// <summary>A warning for each certificate that does not go with the TLSA records that are published for it.</summary>
    static async Task<ImmutableArray<ConfigFault>> LookAtTlsaAsync(
        string path, GatewayConfiguration configuration, Terminal terminal, CancellationToken cancel)
    {
        // Who does not want the resolver looked at does not want it asked either.
        if (configuration.Dns.Health is null && terminal.Zone is null)
        {
            return [];
        }

        try
        {
            var resolver = terminal.Zone ?? Resolvers.CreateBrief(configuration.Dns, terminal.Clock);
            var advice = await TlsaAdvice.LookAsync(configuration, resolver, terminal.Clock, cancel);
            return [.. advice.Select(words => new ConfigFault(Severity.Warning, new Origin(path), "MxNames", Shown.Plain(words)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new ConfigFault(Severity.Warning, new Origin(path), "Dns", e.Message)];
        }
    }

    public static void Write(TextWriter writer, IEnumerable<ConfigFault> faults)
    {
        foreach (var fault in faults)
        {
            writer.WriteLine(fault);
        }
    }

    static int HashPassword(Terminal terminal)
    {
        var password = terminal.AskSecret is { } ask ? AskTwice(ask) : ReadLine(terminal.OpenInput());
        if (password.Length == 0)
        {
            throw new UsageException("the password is empty");
        }

        terminal.Out.WriteLine(PasswordHash.Create(password));
        return ExitCode.Done;
    }

    static string AskTwice(Func<string, string?> ask)
    {
        var password = ask("Password: ") ?? "";
        return ask("Once more: ") == password ? password : throw new UsageException("the two passwords differ");
    }

    /// <summary>The first line of the input, without its line break.</summary>
    static string ReadLine(Stream input)
    {
        var buffer = new byte[MostPasswordOctets + 2];
        var length = 0;
        while (length < buffer.Length && buffer.AsSpan(0, length).IndexOf((byte)'\n') < 0)
        {
            var read = input.Read(buffer, length, buffer.Length - length);
            if (read == 0)
            {
                break;
            }

            length += read;
        }

        var line = buffer.AsSpan(0, length);
        var end = line.IndexOfAny((byte)'\r', (byte)'\n');
        line = end < 0 ? line : line[..end];
        return line.Length <= MostPasswordOctets
            ? Encoding.UTF8.GetString(line)
            : throw new UsageException($"the password is longer than {MostPasswordOctets} octets");
    }

}
