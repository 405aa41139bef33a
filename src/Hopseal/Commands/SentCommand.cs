using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Sending;

namespace Hopseal.Commands;

/// <summary><c>hopseal report list</c>, <c>show</c> and <c>send</c>: what the gateway reports to others.</summary>
static class SentCommand
{
    const int Page = 500;

    static readonly SentJson s_json = new(new JsonSerializerOptions(SentJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static Command List(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = DomainOption("Only to this domain.");
        var day = new Option<string?>("--day") { Description = "Only about this day (UTC).", HelpName = "YYYY-MM-DD" };
        var sent = new Option<bool>("--sent") { Description = "Only those that somebody took." };
        var failed = new Option<bool>("--failed") { Description = "Only those that were given up." };
        var limit = new Option<int>("--limit") { Description = "At most so many, the latest first.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("list", "Lists the reports that this gateway made for other domains, with what became of each. `received` lists those of others.")
        {
            domain, day, sent, failed, limit, json, config,
        };
        command.SetAction(parsed =>
        {
            var (onlySent, onlyFailed) = (parsed.GetValue(sent), parsed.GetValue(failed));
            var filter = new SentFilter
            {
                Domain = DomainOf(parsed.GetValue(domain))?.Ascii,
                Day = DayOf(parsed.GetValue(day), terminal.Clock),
                State = (onlySent, onlyFailed) switch
                {
                    (true, true) => throw new UsageException("a report is either sent or failed"),
                    (true, false) => SentState.Sent,
                    (false, true) => SentState.Failed,
                    (false, false) => null,
                },
            };
            var reports = Open(parsed.GetValue(config), terminal);
            WriteList(reports, filter, parsed.GetValue(limit), parsed.GetValue(json), terminal);
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Show(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var id = new Argument<long>("ID") { Description = "As `list` names it." };
        var json = new Option<bool>("--json") { Description = "The report itself, as it is sent (RFC 8460)." };
        var command = new Command("show", "Shows a report that this gateway made, where it went, and why not.") { id, json, config };
        command.SetAction(async (parsed, _) =>
        {
            var reports = Open(parsed.GetValue(config), terminal);
            var which = parsed.GetRequiredValue(id);
            var (found, octets) = RecordsArgument.Read(() => (reports.Find(which), Read(reports, which)));
            if (found is null || octets is null)
            {
                await terminal.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"hopseal: there is no report {which}"));
                return ExitCode.No;
            }

            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(Encoding.UTF8.GetString(octets));
                return ExitCode.Done;
            }

            await new ReportOutput(terminal, json: false).WriteAsync(
                string.Create(CultureInfo.InvariantCulture, $"report {found.Id} ({found.ReportId}) to {found.Domain}, made {Time(found.MadeAt)}"),
                new ReportItem("", TlsReportReader.Read(octets)));
            WriteTargets(found, terminal);
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Send(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var domain = DomainOption("Only to this domain.");
        var day = new Option<string?>("--day") { Description = "About this day (UTC); today: as far as it went. Without: every day that is over.", HelpName = "DAY" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Says what would be reported, and does nothing." };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("send", "Makes and sends reports now, instead of when their time has come; and tries those again that wait.")
        {
            day, domain, dryRun, json, config,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var request = new ControlRequest
            {
                Version = ControlRequest.CurrentVersion,
                Command = ControlCommand.ReportSend,
                Domain = DomainOf(parsed.GetValue(domain))?.Ascii,
                Day = DayOf(parsed.GetValue(day), terminal.Clock),
                DryRun = parsed.GetValue(dryRun),
            };
            var socket = await ControlClient.ConnectAsync(ConfigurationArgument.DataDirectory(parsed.GetValue(config), terminal), cancel)
                ?? throw new ControlException("no gateway runs there, and it is the gateway that sends reports");
            var shown = 0;
            await foreach (var line in ControlClient.AskAsync(socket, request, terminal.Clock, cancel))
            {
                switch (line)
                {
                    case ControlLine.Fault fault:
                        throw new ControlException(fault.Why);
                    case ControlLine.TlsReport report:
                        shown++;
                        await terminal.Out.WriteLineAsync(parsed.GetValue(json)
                            ? JsonSerializer.Serialize(line, ControlJson.Default.ControlLine)
                            : string.Create(
                                CultureInfo.InvariantCulture,
                                $"{report.Day:yyyy-MM-dd} {Shown.Plain(report.Domain)}: {report.Successful} good, {report.Failed} failed: {Shown.Plain(report.What)}"));
                        break;
                }
            }

            if (shown == 0)
            {
                await terminal.Error.WriteLineAsync("nothing was counted that is not reported already");
            }

            return shown > 0 ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    static void WriteList(SentReports reports, SentFilter filter, int most, bool json, Terminal terminal)
    {
        if (!json)
        {
            terminal.Out.WriteLine($"{"ID",7}  {"DAY",-10}  {"GOOD",10}  {"FAILED",8}  {"STATE",-7}  DOMAIN");
        }

        for (long? before = null; most > 0;)
        {
            var page = RecordsArgument.Read(() => reports.List(filter, before, Math.Min(Page, most)));
            foreach (var report in page)
            {
                terminal.Out.WriteLine(json ? JsonSerializer.Serialize(report, s_json.SentReport) : Line(report));
                before = report.Id;
            }

            most = page.Length < Page ? 0 : most - page.Length;
        }
    }

    static string Line(SentReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Id,7}  {report.Day:yyyy-MM-dd}  {report.Successful,10}  {report.Failed,8}  {report.State.ToString().ToLowerInvariant(),-7}  {Shown.Plain(report.Domain)}{(report.Why is { } why ? $": {Shown.Plain(why)}" : "")}");

    static void WriteTargets(SentReport report, Terminal terminal)
    {
        foreach (var target in report.Targets)
        {
            var state = (report.State, target.State) switch
            {
                (SentState.Kept, _) => "would get it; this was a dry run",
                (_, TargetState.Waiting) => target.Tries == 0 ? "is next" : $"is tried again at {Time(target.DueAt)}",
                (_, TargetState.Queued) => $"goes as message {target.Message}; see `hopseal queue show {target.Message}`",
                (_, TargetState.Sent) => $"has it since {Time(target.SettledAt ?? target.DueAt)}",
                (_, TargetState.Failed) => "did not get it",
                _ => "is in an unknown state",
            };
            terminal.Out.WriteLine($"{Shown.Plain(target.Uri)} {state}{(target.Why is { } why ? $": {Shown.Plain(why)}" : "")}");
        }

        if (report is { State: SentState.Failed, Targets.IsEmpty: true, Why: { } reason })
        {
            terminal.Out.WriteLine(Shown.Plain(reason));
        }
    }

    static byte[]? Read(SentReports reports, long id)
    {
        try
        {
            return reports.Json(id);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new ControlException($"what is stored of report {id.ToString(CultureInfo.InvariantCulture)} is damaged: {e.Message}", e);
        }
    }

    static SentReports Open(string? config, Terminal terminal) => SentReports.OfFile(RecordsArgument.Find(config, terminal));

    static Option<string?> DomainOption(string description) => new("--domain") { Description = description, HelpName = "DOMAIN" };

    static DomainName? DomainOf(string? text) => text is null ? null
        : DomainName.TryParse(text, out var name) ? name : throw new UsageException($"{Shown.Text(text)} is not a domain name");

    static DateOnly? DayOf(string? text, TimeProvider clock) => text switch
    {
        null => null,
        "today" => DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime),
        _ => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new UsageException($"{Shown.Text(text)} is not a date, such as 2027-01-31"),
    };

    static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>Lines of <c>hopseal report list --json</c>. Members may be added, and keep their names.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(JsonStringEnumConverter<SentState>), typeof(JsonStringEnumConverter<TargetState>)])]
[JsonSerializable(typeof(SentReport))]
sealed partial class SentJson : JsonSerializerContext;
