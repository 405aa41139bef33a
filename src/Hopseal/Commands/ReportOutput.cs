using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Commands;

/// <summary>Reports as a person reads them, or as lines for a machine.</summary>
sealed class ReportOutput(Terminal terminal, bool json)
{
    static readonly ReportLineJson s_json = new(new JsonSerializerOptions(ReportLineJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    int _read;

    /// <summary>What our side saw of a failure of that period, in words; null where nothing is to be said.</summary>
    public Func<FailureDetail, ReportPeriod, string?> OurSide { get; init; } = (_, _) => null;

    public int Rejected { get; private set; }

    /// <param name="file">As the command line names it.</param>
    /// <param name="proof">Who stands for it, and <paramref name="kept"/> what became of it, in words; null where that was not asked for.</param>
    public async Task WriteAsync(string file, ReportItem item, string? proof = null, string? kept = null)
    {
        var isReport = item.Result is ReadReport.Accepted;
        _read += isReport ? 1 : 0;
        Rejected += isReport ? 0 : 1;
        if (json)
        {
            await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(ReportLine.Of(file, item, proof, kept, OurSide), s_json.ReportLine));
            return;
        }

        var place = Shown.Plain(item.Where.Length > 0 ? $"{file}, {item.Where}" : file);
        switch (item.Result)
        {
            case ReadReport.Accepted accepted:
                await WriteAsync(place, accepted, [proof, kept]);
                break;
            case ReadReport.Rejected rejected:
                await LineAsync($"{place}: {Colour("no report", "31")}: {Shown.Plain(rejected.Why)}");
                await LineAsync("");
                break;
            default:
                throw new ArgumentException($"unknown result {item.Result}", nameof(item));
        }
    }

    public async Task EndAsync()
    {
        await terminal.Out.FlushAsync();
        await terminal.Error.WriteLineAsync($"{QueueTable.Count(_read, "report")} read, {Rejected.ToString(CultureInfo.InvariantCulture)} rejected");
    }

    async Task WriteAsync(string place, ReadReport.Accepted accepted, string?[] remarks)
    {
        var report = accepted.Report;
        var contact = report.Contact is { } address ? $" <{address}>" : "";
        await LineAsync($"{report.Organization ?? "Somebody without a name"}{contact} reports on {Days(report.Period)}");
        await LineAsync($"  {place}");
        foreach (var remark in remarks.OfType<string>())
        {
            await LineAsync($"  {Shown.Plain(remark)}");
        }

        var explained = new HashSet<string>(StringComparer.Ordinal);
        foreach (var policy in report.Policies)
        {
            await WriteAsync(policy, report.Period, explained);
        }

        foreach (var warning in accepted.Warnings)
        {
            await LineAsync($"  {Colour("note", "33")}: {warning}");
        }

        await LineAsync("");
    }

    async Task WriteAsync(PolicyResult policy, ReportPeriod period, HashSet<string> explained)
    {
        var failed = policy.Failed == 0 && policy.Failures.IsEmpty ? "none failed" : Colour(string.Create(CultureInfo.InvariantCulture, $"{policy.Failed} failed"), "31");
        var domain = policy.Domain ?? "a domain that it does not name";
        await LineAsync(string.Create(CultureInfo.InvariantCulture, $"  {domain}, {Policy(policy)}: {Sessions(policy.Successful)} good, {failed}"));
        foreach (var failure in policy.Failures)
        {
            await WriteAsync(failure);
            if (OurSide(failure, period) is { } ours)
            {
                await LineAsync($"      Our side: {Shown.Plain(ours)}");
            }

            if (explained.Add(failure.Type.Text))
            {
                var words = ResultWords.Of(failure.Type, policy.Domain);
                await LineAsync($"      {words.Meaning}");
                await LineAsync($"      What to do: {words.ToDo}");
            }
        }
    }

    async Task WriteAsync(FailureDetail failure)
    {
        var host = failure.MxHostname ?? failure.MxHelo;
        var at = (host, failure.ReceivingIp) switch
        {
            (null, null) => "",
            (null, var address) => $" at {address}",
            (var name, null) => $" at {name}",
            var (name, address) => $" at {name} ({address})",
        };
        var from = failure.SendingIp is { } sender ? $", from {sender}" : "";
        await LineAsync($"    {Sessions(failure.Sessions)}: {(failure.Type.Text.Length > 0 ? failure.Type.Text : "no result named")}{at}{from}");
        if (failure.Reason is { } reason)
        {
            await LineAsync($"      Reason: {reason}");
        }

        if (failure.MoreInformation is { } more)
        {
            await LineAsync($"      More: {more}");
        }
    }

    static string Policy(PolicyResult policy) => policy.Kind.Known switch
    {
        PolicyKind.Sts => "MTA-STS",
        PolicyKind.Tlsa => "DANE",
        PolicyKind.NoPolicyFound => "no policy",
        null => policy.Kind.Text.Length > 0 ? $"policy \"{policy.Kind}\"" : "policy not named",
    };

    static string Days(ReportPeriod period) => period.Days == 1
        ? string.Create(CultureInfo.InvariantCulture, $"{period.FirstDay:yyyy-MM-dd}")
        : string.Create(CultureInfo.InvariantCulture, $"{period.FirstDay:yyyy-MM-dd} to {period.LastDay:yyyy-MM-dd}");

    static string Sessions(long number) => QueueTable.Count(number, "session");

    string Colour(string text, string code) => terminal.OutColours ? $"\e[{code}m{text}\e[0m" : text;

    /// <summary>Texts of a report are clean already (<see cref="TlsReport"/>).</summary>
    Task LineAsync(string text) => terminal.Out.WriteLineAsync(text);
}
