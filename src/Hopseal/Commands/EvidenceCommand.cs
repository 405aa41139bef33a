using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json;
using Hopseal.Audit.Output;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Reports.Evidence;

namespace Hopseal.Commands;

/// <summary><c>hopseal evidence</c>: whether the ledger is as it was written, and what it says. It reads beside a running gateway.</summary>
static class EvidenceCommand
{
    public static Command Create(Terminal terminal) => new("evidence", "Shows what was required and reached on each hop, and proves that nobody changed it.")
    {
        Verify(terminal),
        Export(terminal),
    };

    static Command Export(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var (from, to) = (Day("--from", "The first day (UTC), as 2026-12-31."), Day("--to", "The last day (UTC), itself included."));
        from.Required = to.Required = true;
        var domain = new Option<string?>("--domain") { Description = "Only mail for recipients of this domain.", HelpName = "DOMAIN" };
        var format = new Option<string>("--format") { Description = "jsonl: the entries as they are. html: a report to read and to print.", DefaultValueFactory = _ => "jsonl" };
        format.AcceptOnlyFromAmong("jsonl", "html");
        var file = new Option<string?>("--output", "-o") { Description = "The file to write; without: standard output.", HelpName = "FILE" };
        var command = new Command("export", "Hands out the evidence of a time, and checks the chain on the way.") { from, to, domain, format, file, config };
        command.SetAction(async (parsed, cancel) =>
        {
            var (first, last) = (parsed.GetValue(from)!.Value, parsed.GetValue(to)!.Value);
            if (last < first)
            {
                throw new UsageException("--to is before --from");
            }

            var query = new EvidenceQuery(Midnight(first), last == DateOnly.MaxValue ? DateTimeOffset.MaxValue : Midnight(last.AddDays(1)), Domain(parsed.GetValue(domain)));
            var files = FilesOf(parsed.GetValue(config), terminal);
            var kind = parsed.GetValue(format) == "html" ? EvidenceFormat.Html : EvidenceFormat.Jsonl;
            await using var output = parsed.GetValue(file) is { } path ? Create(Path.GetFullPath(path, terminal.Directory)) : terminal.OpenOutput();
            var status = await ReadAsync(() => EvidenceExport.WriteAsync(files, query, kind, terminal.Clock, output, cancel))
                ?? throw new UsageException($"there is no evidence in {Shown.Plain(files.Directory)}");
            await output.FlushAsync(cancel);
            await WriteAsync(terminal.Error, status);
            return status.IsWhole ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static Command Verify(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var place = new Argument<string?>("DIRECTORY|FILE")
        {
            Description = "A copy of a ledger, or one file of it. Without: the gateway's own.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var (from, to) = (Day("--from", "The first day (UTC), as 2026-12-31."), Day("--to", "The last day (UTC)."));
        var head = new Option<string?>("--head")
        {
            Description = "The hash of an entry that has to be there, as a log line of event 3101 told it.",
            HelpName = "HASH",
        };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var command = new Command("verify", "Finds any entry that was changed, dropped, inserted or moved, and says where.") { place, from, to, head, json, config };
        command.SetAction(async (parsed, cancel) =>
        {
            var (first, last) = (parsed.GetValue(from), parsed.GetValue(to));
            var hash = Hash(parsed.GetValue(head));
            var where = parsed.GetValue(place) is { } named
                ? Path.GetFullPath(named, terminal.Directory)
                : FilesOf(parsed.GetValue(config), terminal).Directory;
            var status = await ReadAsync(async () => File.Exists(where)
                ? await LedgerVerification.RunAsync(where, hash, cancel)
                : await LedgerVerification.RunAsync(new LedgerFiles(where), first, last, hash, cancel));
            if (status is null)
            {
                throw new UsageException($"there is no evidence in {Shown.Plain(where)}");
            }

            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(status, EvidenceJson.Default.ChainStatus));
            }
            else
            {
                await WriteAsync(terminal.Out, status);
            }

            return status.IsWhole ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    internal static async Task WriteAsync(TextWriter output, ChainStatus status)
    {
        foreach (var fault in status.Faults)
        {
            await output.WriteLineAsync(Shown.Plain(fault.ToString()));
        }

        if (status.FaultCount > status.Faults.Length)
        {
            await output.WriteLineAsync($"and {Words.Count(status.FaultCount - status.Faults.Length, "more fault")}");
        }

        foreach (var note in status.Notes)
        {
            await output.WriteLineAsync($"note: {note}");
        }

        var range = status.Last is { } last
            ? string.Create(CultureInfo.InvariantCulture, $"{Words.Count(status.Entries, "entry", "entries")}, {status.First} to {last.Seq}, the last with the hash {last.Hash}")
            : "no entries";
        await output.WriteLineAsync(status.IsWhole ? $"whole: {range}" : $"NOT WHOLE: {range}");
    }

    static DateTimeOffset Midnight(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);

    /// <summary>For its owner only: evidence names correspondents.</summary>
    static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            return new FileStream(path, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{Shown.Text(path)} cannot be written: {Shown.Plain(e.Message)}");
        }
    }

    static string? Domain(string? text) => text switch
    {
        null => null,
        ['[', ..] => text,
        _ => DomainName.TryParse(text, out var name) ? name.Ascii : throw new UsageException($"--domain: {Shown.Text(text)} is no domain"),
    };

    /// <exception cref="UsageException">The configuration names no directory.</exception>
    static LedgerFiles FilesOf(string? configuration, Terminal terminal) => LedgerFiles.In(ConfigurationArgument.DataDirectory(configuration, terminal));

    /// <exception cref="Control.ControlException">The files cannot be read.</exception>
    static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Control.ControlException($"the evidence cannot be read: {Shown.Plain(e.Message)}");
        }
    }

    static string? Hash(string? text) => text?.ToLowerInvariant() switch
    {
        null => null,
        { Length: 64 } hash when hash.All(char.IsAsciiHexDigitLower) => hash,
        _ => throw new UsageException($"--head: {Shown.Text(text!)} is no hash of 64 hexadecimal digits"),
    };

    static Option<DateOnly?> Day(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DAY",
        CustomParser = result =>
        {
            if (DateOnly.TryParseExact(result.Tokens[0].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            {
                return day;
            }

            result.AddError($"{name}: {Shown.Text(result.Tokens[0].Value)} is no day: write 2026-12-31");
            return null;
        },
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ChainStatus))]
sealed partial class EvidenceJson : JsonSerializerContext;
