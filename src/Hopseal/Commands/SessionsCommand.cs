using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Reports.Sessions;
using Spectre.Console;

namespace Hopseal.Commands;

/// <summary><c>hopseal sessions</c>: what happened, session by session.</summary>
static class SessionsCommand
{
    const int Page = 500;

    public static Command Create(Terminal terminal)
    {
        var config = ConfigurationArgument.OfData();
        var direction = new Option<Direction?>("--direction") { Description = "in or out." };
        var domain = new Option<string?>("--domain") { Description = "Outbound sessions for this recipient domain.", HelpName = "DOMAIN" };
        var peer = new Option<string?>("--peer") { Description = "Sessions with this address.", HelpName = "ADDRESS" };
        var level = new Option<TransportLevel?>("--level") { Description = "plaintext, encrypted, authenticated, refused or undecided." };
        var failed = new Option<bool>("--failed") { Description = "Only those that failed, or that somebody attacked." };
        var from = new Option<DateTimeOffset?>("--from") { Description = "Ended at or after this time.", HelpName = "TIME" };
        var to = new Option<DateTimeOffset?>("--to") { Description = "Ended before this time.", HelpName = "TIME" };
        var limit = new Option<int>("--limit") { Description = "At most so many, the newest first.", DefaultValueFactory = _ => 50, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line." };
        var command = new Command("sessions", "Lists the sessions of the gateway, with what was wanted of TLS and what was reached.")
        {
            direction, domain, peer, level, failed, from, to, limit, json, config,
        };
        command.SetAction(parsed =>
        {
            var filter = new SessionFilter
            {
                Direction = parsed.GetValue(direction),
                Domain = parsed.GetValue(domain) is { } text ? Domain(text) : null,
                Peer = parsed.GetValue(peer) is { } address ? Address(address) : null,
                Level = parsed.GetValue(level),
                Trouble = parsed.GetValue(failed),
                From = parsed.GetValue(from),
                To = parsed.GetValue(to),
            };
            var most = parsed.GetValue(limit);
            if (most < 1)
            {
                throw new UsageException("--limit is at least 1");
            }

            var query = SessionQuery.OfFile(RecordsArgument.Find(parsed.GetValue(config), terminal));
            var rows = Rows(query, filter, most);
            if (parsed.GetValue(json))
            {
                foreach (var row in rows)
                {
                    terminal.Out.WriteLine(JsonSerializer.Serialize(row, SessionsJson.Default.SessionRow));
                }
            }
            else
            {
                Write(rows, terminal);
            }

            return ExitCode.Done;
        });
        return command;
    }

    static IEnumerable<SessionRow> Rows(SessionQuery query, SessionFilter filter, int most)
    {
        for (long? after = null; most > 0;)
        {
            var page = RecordsArgument.Read(() => query.Page(filter, after, Math.Min(Page, most)));
            foreach (var row in page.Rows)
            {
                yield return row;
            }

            if (page.Next is null)
            {
                yield break;
            }

            most -= page.Rows.Length;
            after = page.Next;
        }
    }

    static void Write(IEnumerable<SessionRow> rows, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("ended", "", "peer", "name", "wanted", "reached", "version", "mail", "what went wrong");
        foreach (var row in rows)
        {
            table.AddRow([.. Cells(row).Select(cell => new Text(Shown.Plain(cell)))]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            Out = new AnsiConsoleOutput(terminal.Out),
        });
        console.Profile.Width = terminal.OutWidth ?? 240;
        console.Write(table);
    }

    static IEnumerable<string> Cells(SessionRow row)
    {
        yield return row.Ended.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        yield return row.Direction is Direction.In ? "in" : "out";
        yield return row.Peer;
        yield return row.Direction is Direction.In ? row.Name ?? "" : $"{row.Domain} at {row.Name}";
        yield return row.Wanted is { } wanted ? Transport.Word(wanted) : "";
        yield return Transport.Word(row.Level);
        yield return row.Version ?? "";
        yield return row.Accepted.ToString(CultureInfo.InvariantCulture);
        yield return row.Trouble ? string.Join(", ", new[] { row.Failure, row.Reason, row.Fault }.OfType<string>()) : "";
    }

    static string Domain(string text) => DomainName.TryParse(text, out var name) ? name.Ascii : text;

    static string Address(string text) =>
        IPAddress.TryParse(text, out var address) ? address.ToString() : throw new UsageException($"{Shown.Text(text)} is no IP address");
}

/// <summary>Without reflection, and with the names that scripts expect.</summary>
[JsonSerializable(typeof(SessionRow))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
sealed partial class SessionsJson : JsonSerializerContext;
