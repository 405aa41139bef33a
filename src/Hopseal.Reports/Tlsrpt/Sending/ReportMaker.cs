using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;
using Hopseal.Reports.Store;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>What became of what was counted for one domain on one day.</summary>
public abstract record Made
{
    Made()
    {
    }

    public sealed record Report(SentReport Sent) : Made;

    /// <summary>The domain wants none, or is to get none; what was counted is forgotten.</summary>
    /// <param name="Why">For people.</param>
    public sealed record Unwanted(string Why) : Made;

    /// <summary>Whether it wants one cannot be known now; what was counted stays.</summary>
    /// <param name="Why">For people.</param>
    public sealed record Unknown(string Why) : Made;

    public sealed record Nothing : Made;
}

/// <summary>Makes a report of what was counted. What is in a report is counted no more: a report about the day so far and the one about the rest
/// of it add up.</summary>
sealed class ReportMaker(RecordsDatabase database, IDnsResolver resolver, SendingOptions options, TimeProvider clock)
{
    /// <param name="giveUp">What cannot be looked up now is not looked up again: a report without targets says why.</param>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">Nothing was done.</exception>
    public async Task<Made> MakeAsync(DateOnly day, DomainName domain, bool giveUp, CancellationToken cancel)
    {
        if (options.IsExcepted(domain))
        {
            return await ForgetAsync(day, domain, "TlsReports.Send.Except names it", cancel);
        }

        switch (await TlsRptFinding.AskAsync(resolver, domain, cancel))
        {
            case TlsRptFinding.None none:
                return await ForgetAsync(day, domain, none.Why, cancel);
            case TlsRptFinding.Failed failed when giveUp:
                return await KeepAsync(day, domain, [], $"_smtp._tls.{domain} could not be looked up for a day: {failed.Why}");
            case TlsRptFinding.Failed failed:
                return new Made.Unknown(failed.Why);
            case TlsRptFinding.Found found:
                return await KeepAsync(day, domain, [.. found.Record.Targets.Distinct()], null);
            case var unknown:
                throw new InvalidOperationException($"unknown finding {unknown}");
        }
    }

    async Task<Made> ForgetAsync(DateOnly day, DomainName domain, string why, CancellationToken cancel)
    {
        await database.WriteAsync(connection => TallyRows.Delete(connection, day, domain.Ascii), cancel);
        return new Made.Unwanted(why);
    }

    /// <summary>Not cancelled: it is done or not.</summary>
    async Task<Made> KeepAsync(DateOnly day, DomainName domain, ImmutableArray<ReportTarget> targets, string? why)
    {
        var now = clock.GetUtcNow();
        SentReport? made = null;
        await database.WriteAsync(
            connection =>
            {
                made = null;
                var results = TallyRows.Read(connection, day, domain.Ascii);
                TallyRows.Delete(connection, day, domain.Ascii);
                if (results.IsEmpty)
                {
                    return;
                }

                var report = Report(day, domain, results, now);
                var sent = new SentReport(
                    0, report.Id!, day, domain.Ascii, now, now + ReportSchedule.Patience, results.Sum(result => result.Successful), results.Sum(result => result.Failed),
                    why is not null ? SentState.Failed : options.DryRun ? SentState.Kept : SentState.Waiting, why);
                made = sent with { Id = SentRows.Insert(connection, sent, TlsReportWriter.ToGzip(report), [.. targets.Select(target => target.ToString()!)]) };
            },
            CancellationToken.None);
        return made is null ? new Made.Nothing() : new Made.Report(made);
    }

    TlsReport Report(DateOnly day, DomainName domain, ImmutableArray<PolicyResult> results, DateTimeOffset now)
    {
        // A day that is not over is reported as far as it went.
        var whole = ReportPeriod.Day(day);
        return new TlsReport
        {
            Organization = options.Organization,
            Contact = options.Contact.ToString(),
            Id = IdOf(day, domain, now),
            Period = whole with { End = now < whole.End ? now : whole.End },
            Policies = results,
        };
    }

    /// <summary>Unique for our domain, of which there may be several hosts (RFC 8460 §4.4), and good for a Message-ID.</summary>
    string IdOf(DateOnly day, DomainName domain, DateTimeOffset now)
    {
        var seed = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{options.Hostname}\n{domain}\n{now.Ticks}")));
        return string.Create(CultureInfo.InvariantCulture, $"{day:yyyy-MM-dd}.{Convert.ToHexStringLower(seed.AsSpan(0, 10))}");
    }
}
