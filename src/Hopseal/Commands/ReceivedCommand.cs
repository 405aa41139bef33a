using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Parts;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Commands;

/// <summary><c>hopseal report received</c>: what the gateway was sent about our domains, from its database, whether it runs or not.</summary>
sealed class ReceivedCommand(Terminal terminal, ReceivedReports received, ReportedSessions? sessions, bool json)
{
    const int PageRows = 500;

    /// <summary>Failures of one report, of which there may be thousands, that are looked for among our sessions.</summary>
    const int MostCompared = 200;

    static readonly ReceivedJson s_json = new(new JsonSerializerOptions(ReceivedJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static Command Create(Terminal terminal)
    {
        var id = new Argument<long?>("ID") { Description = "Shows this one, with everything it says; with --aside its content, as it came.", Arity = ArgumentArity.ZeroOrOne };
        var domain = new Option<string?>("--domain") { Description = "Only about this domain.", HelpName = "DOMAIN" };
        var from = new Option<string?>("--from") { Description = "Only about this day (UTC) and later ones.", HelpName = "YYYY-MM-DD" };
        var to = new Option<string?>("--to") { Description = "Only about this day (UTC) and earlier ones.", HelpName = "YYYY-MM-DD" };
        var failed = new Option<bool>("--failed") { Description = "Only with failed sessions." };
        var verified = new Option<bool>("--verified") { Description = "Only those that their author's domain signed." };
        var aside = new Option<bool>("--aside") { Description = "Instead: what came and is no report that could be taken, with the reason." };
        var limit = new Option<int>("--limit") { Description = "At most so many lines.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var config = ConfigurationArgument.OfData();
        var command = new Command("received", "Lists the reports that were sent to us, the latest first, or shows one.")
        {
            id, domain, from, to, failed, verified, aside, limit, json, config,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var filter = new ReceivedFilter(
                parsed.GetValue(domain) is { } name ? DomainOf(name) : null,
                DayOf(parsed.GetValue(from)),
                DayOf(parsed.GetValue(to)),
                parsed.GetValue(verified) ? true : null,
                parsed.GetValue(failed));
            var most = parsed.GetValue(limit);
            var file = parsed.GetValue(config);
            var database = RecordsArgument.Find(file, terminal);
            var show = new ReceivedCommand(terminal, ReceivedReports.OfFile(database), SessionsOf(file, database, terminal), parsed.GetValue(json));
            return (parsed.GetValue(aside), parsed.GetValue(id)) switch
            {
                (false, { } one) => await show.OneAsync(one, cancel),
                (true, { } one) => await show.ContentAsync(one, cancel),
                (true, null) => await show.AsideAsync(most, cancel),
                (false, null) => await show.ListAsync(filter, most, cancel),
            };
        });
        return command;
    }

    async Task<int> OneAsync(long id, CancellationToken cancel)
    {
        if (RecordsArgument.Read(() => received.Find(id)) is not { } report)
        {
            await terminal.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"hopseal: there is no report {id}"));
            return ExitCode.No;
        }

        var place = json ? string.Create(CultureInfo.InvariantCulture, $"report {id}") : $"received {When(report.Source.ReceivedAt)} by {Way(report.Source.Origin)} from {report.Source.From ?? "<>"}";
        var compared = 0;
        var output = new ReportOutput(terminal, json)
        {
            OurSide = (failure, period) => compared++ < MostCompared ? RecordsArgument.Read(() => sessions?.Compare(failure, period).Words) : null,
        };
        await output.WriteAsync(place, new ReportItem("", new ReadReport.Accepted(report.Report, report.Warnings)), report.Source.Proof.ToString());
        await terminal.Out.FlushAsync(cancel);
        return ExitCode.Done;
    }

    async Task<int> ListAsync(ReceivedFilter filter, int most, CancellationToken cancel)
    {
        if (!json)
        {
            await terminal.Out.WriteLineAsync($"{"ID",7}  {"DAY",-10}  {"GOOD",10}  {"FAILED",8}  {"VERIFIED",-8}  DOMAIN, REPORTER");
        }

        for (long? before = null; most > 0;)
        {
            cancel.ThrowIfCancellationRequested();
            var page = RecordsArgument.Read(() => received.List(filter, before, Math.Min(most, PageRows)));
            foreach (var head in page)
            {
                await terminal.Out.WriteLineAsync(json ? JsonSerializer.Serialize(ReceivedLine.Of(head), s_json.ReceivedLine) : Line(head));
                before = head.Id;
            }

            most = page.Length < PageRows ? 0 : most - page.Length;
        }

        await terminal.Out.FlushAsync(cancel);
        return ExitCode.Done;
    }

    async Task<int> AsideAsync(int most, CancellationToken cancel)
    {
        for (long? before = null; most > 0;)
        {
            cancel.ThrowIfCancellationRequested();
            var page = RecordsArgument.Read(() => received.Aside(before, Math.Min(most, PageRows)));
            foreach (var head in page)
            {
                await terminal.Out.WriteLineAsync(json
                    ? JsonSerializer.Serialize(AsideLine.Of(head), s_json.AsideLine)
                    : $"{head.Id.ToString(CultureInfo.InvariantCulture),7}  {When(head.Source.ReceivedAt)}  by {Way(head.Source.Origin)} from {Shown.Plain(head.Source.From ?? "<>")}, {Octets(head.Octets)}: {Shown.Plain(head.Why)}");
                before = head.Id;
            }

            most = page.Length < PageRows ? 0 : most - page.Length;
        }

        await terminal.Out.FlushAsync(cancel);
        return ExitCode.Done;
    }

    /// <summary>Octets of anybody, for a file or another program.</summary>
    async Task<int> ContentAsync(long id, CancellationToken cancel)
    {
        if (RecordsArgument.Read(() => received.AsideContent(id)) is not { } content)
        {
            await terminal.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"hopseal: nothing was put aside as {id}, or it was too large to be kept"));
            return ExitCode.No;
        }

        await using var output = terminal.OpenOutput();
        await output.WriteAsync(content, cancel);
        return ExitCode.Done;
    }

    static string Line(ReceivedHead head) => string.Create(
        CultureInfo.InvariantCulture,
        $"{head.Id,7}  {head.Period.FirstDay:yyyy-MM-dd}  {head.Successful,10}  {head.Failed,8}  {(head.Source.Proof.VerifiedBy is null ? "no" : "yes"),-8}  {Shown.Plain(head.Domain ?? "no domain")}, {Shown.Plain(head.Organization ?? "somebody without a name")}");

    /// <summary>Which hosts are ours is in the configuration only. Null where there is none that can be used: reports can be shown without.</summary>
    static ReportedSessions? SessionsOf(string? file, string database, Terminal terminal) =>
        file is not null && ConfigurationFile.Load(file, terminal.Directory, terminal.Variables, terminal.Clock) is ConfigurationResult.Usable { Configuration: var configuration }
            ? new ReportedSessions(SessionQuery.OfFile(database), TlsReportIntake.OwnHosts(configuration))
            : null;

    static string DomainOf(string text) =>
        DomainName.TryParse(text, out var name) ? name.Ascii : throw new UsageException($"{Shown.Text(text)} is not a domain name");

    static DateOnly? DayOf(string? text) => text is null ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day
        : throw new UsageException($"{Shown.Text(text)} is not a date, such as 2027-01-31");

    static string When(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    static string Octets(long octets) => QueueTable.Count(octets, "octet");

    static string Way(ReportOrigin origin) => origin switch
    {
        ReportOrigin.Mail => "mail",
        ReportOrigin.Https => "HTTPS",
        ReportOrigin.File => "import",
    };
}

/// <summary>One line of <c>hopseal report received --json</c>. Members may be added, and keep their names.</summary>
sealed record ReceivedLine(
    long Id,
    DateTime Received,
    string Origin,
    string? From,
    string Proof,
    string? Signer,
    string? Organization,
    string? Contact,
    string? ReportId,
    DateTime Start,
    DateTime End,
    string? Domain,
    long Successful,
    long Failed)
{
    public static ReceivedLine Of(ReceivedHead head) => new(
        head.Id, head.Source.ReceivedAt.UtcDateTime, OriginOf(head.Source), head.Source.From, head.Source.Proof.ToString(), head.Source.Proof.VerifiedBy?.Ascii,
        head.Organization, head.Contact, head.ReportId, head.Period.Start.UtcDateTime, head.Period.End.UtcDateTime, head.Domain, head.Successful, head.Failed);

    public static string OriginOf(ReportSource source) => source.Origin.ToString().ToLowerInvariant();
}

/// <summary>One line of <c>hopseal report received --aside --json</c>.</summary>
sealed record AsideLine(long Id, DateTime Received, string Origin, string? From, string Proof, string Why, long Octets)
{
    public static AsideLine Of(AsideHead head) => new(
        head.Id, head.Source.ReceivedAt.UtcDateTime, ReceivedLine.OriginOf(head.Source), head.Source.From, head.Source.Proof.ToString(), head.Why, head.Octets);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReceivedLine))]
[JsonSerializable(typeof(AsideLine))]
sealed partial class ReceivedJson : JsonSerializerContext;
