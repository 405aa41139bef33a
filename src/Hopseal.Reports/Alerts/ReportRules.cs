using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Reports.Alerts;

/// <summary>What the TLS reports of others say of our domains, and that they say nothing any more. Pure. Every rule takes days of reports that somebody
/// stands for, of the last <see cref="Memory"/>.</summary>
public static class ReportRules
{
    /// <summary>Days before today.</summary>
    public const int Memory = 17;

    /// <summary>A report on a day comes on the next one, or a day later.</summary>
    const int RecentDays = 2;

    const int UsualDays = 14;
    const int SilentDays = 3;

    /// <summary>Of <see cref="UsualDays"/>: who reports on so many reports always.</summary>
    const int LeastUsual = 12;

    /// <summary>Before a domain's usual is known.</summary>
    const int LeastKnown = 5;

    const long LeastFailures = 5;
    const long LeastOfSpike = 20;
    const long LeastOfNew = 3;
    const double Some = 0.1;
    const double Most = 0.5;

    /// <summary>Domains whose senders fail more than a tenth of the time, or much more often than in the two weeks before.</summary>
    public static ImmutableArray<Trouble> Failures(IReadOnlyCollection<ReportedDay> days, DateOnly today)
    {
        var troubles = ImmutableArray.CreateBuilder<Trouble>();
        foreach (var domain in Domains(days))
        {
            var (recent, before) = Split(domain, today);
            var (all, failed) = (recent.Sum(day => day.Successful + day.Failed), recent.Sum(day => day.Failed));
            var share = all == 0 ? 0 : (double)failed / all;
            var usual = Median([.. FailedByDay(before)]);
            var peak = FailedByDay(recent).DefaultIfEmpty(0).Max();
            var isSpike = peak >= LeastOfSpike && usual is { } median && peak > median * 3;
            if ((failed >= LeastFailures && share > Some) || isSpike)
            {
                troubles.Add(new Trouble(
                    domain.Key, failed >= LeastFailures && share >= Most ? AlertSeverity.Critical : AlertSeverity.Warning,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"TLS failed in {failed} of {all} sessions to {domain.Key} ({share:P0}), say the reports on the last days{(isSpike ? $"; up to {peak} a day, usual are {usual}" : "")}: {Types(recent)}"),
                    $"hopseal report received --domain {domain.Key} --failed shows who met what; with the number of a report, what we saw of it."));
            }
        }

        return troubles.ToImmutable();
    }

    /// <summary>Failures of a type that nobody reported in the two weeks before.</summary>
    public static ImmutableArray<Trouble> NewResults(IReadOnlyCollection<ReportedDay> days, DateOnly today)
    {
        var troubles = ImmutableArray.CreateBuilder<Trouble>();
        foreach (var domain in Domains(days))
        {
            var (recent, before) = Split(domain, today);
            if (before.Select(day => day.Day).Distinct().Count() < LeastKnown)
            {
                continue;
            }

            var known = before.SelectMany(day => day.Failures).Select(failure => failure.Type).ToHashSet(StringComparer.Ordinal);
            troubles.AddRange(recent.SelectMany(day => day.Failures).GroupBy(failure => failure.Type, StringComparer.Ordinal)
                .Select(type => (Type: type.Key, Sessions: type.Sum(failure => failure.Sessions)))
                .Where(type => type.Sessions >= LeastOfNew && !known.Contains(type.Type))
                .Select(type => new Trouble(
                    $"{domain.Key} {type.Type}", AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"Senders to {domain.Key} meet {type.Type}, which nobody did in two weeks: in {type.Sessions} sessions of the last days"),
                    $"hopseal report received --domain {domain.Key} --failed shows who met it, and when it began.")));
        }

        return troubles.ToImmutable();
    }

    /// <summary>Reporters who reported every day, and do not any more.</summary>
    public static ImmutableArray<Trouble> Silent(IReadOnlyCollection<ReportedDay> days, DateOnly today)
    {
        ArgumentNullException.ThrowIfNull(days);
        var first = today.AddDays(-(UsualDays + SilentDays));
        var last = today.AddDays(-SilentDays);
        var usual = days.Where(day => day.Signer is not null).GroupBy(day => day.Signer!, StringComparer.Ordinal)
            .Where(reporter => reporter.Where(day => day.Day >= first && day.Day < last).Select(day => day.Day).Distinct().Count() >= LeastUsual)
            .ToArray();
        var silent = usual.Where(reporter => reporter.All(day => day.Day < last)).Select(reporter => (Name: reporter.Key, Last: reporter.Max(day => day.Day))).ToArray();
        return silent.Length > 1 && silent.Length == usual.Length
            ?
            [
                new Trouble(
                    "all reporters", AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"No TLS reports come in any more: the last one, of {silent.Length} usual reporters, was on {silent.Max(one => one.Last):yyyy-MM-dd}"),
                    "hopseal dns DOMAIN shows whether the TLSRPT record is still published; hopseal report received --aside, what was refused."),
            ]
            :
            [
                .. silent.Select(one => new Trouble(
                    one.Name, AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"{one.Name} reported on TLS with us every day, and has not since the report on {one.Last:yyyy-MM-dd}"),
                    "Either it sends us no mail, or its reports do not arrive: hopseal report received --aside shows what was refused."))
            ];
    }

    static IEnumerable<IGrouping<string, ReportedDay>> Domains(IReadOnlyCollection<ReportedDay> days)
    {
        ArgumentNullException.ThrowIfNull(days);
        return days.Where(day => day.Domain.Length > 0).GroupBy(day => day.Domain, StringComparer.Ordinal);
    }

    static (ReportedDay[] Recent, ReportedDay[] Before) Split(IEnumerable<ReportedDay> days, DateOnly today)
    {
        var border = today.AddDays(-RecentDays);
        return ([.. days.Where(day => day.Day >= border)], [.. days.Where(day => day.Day < border && day.Day >= border.AddDays(-UsualDays))]);
    }

    static IEnumerable<long> FailedByDay(IEnumerable<ReportedDay> days) => days.GroupBy(day => day.Day).Select(day => day.Sum(one => one.Failed));

    /// <summary>Null while too little is known.</summary>
    static long? Median(long[] values) => values.Length < LeastKnown ? null : values.Order().ElementAt(values.Length / 2);

    static string Types(IEnumerable<ReportedDay> days)
    {
        var types = days.SelectMany(day => day.Failures).GroupBy(failure => failure.Type, StringComparer.Ordinal)
            .Select(type => (Type: type.Key, Sessions: type.Sum(failure => failure.Sessions))).OrderByDescending(type => type.Sessions).Take(3)
            .Select(type => string.Create(CultureInfo.InvariantCulture, $"{type.Type} ({type.Sessions})")).ToArray();
        return types.Length == 0 ? "no report says why" : string.Join(", ", types);
    }
}
