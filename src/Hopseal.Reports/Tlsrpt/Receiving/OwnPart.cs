using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>What a report says of our own domains, about a time that can be meant.</summary>
static class OwnPart
{
    /// <summary>How far a reporter's clock may be ahead; the next midnight ends some of their days.</summary>
    static readonly TimeSpan s_ahead = TimeSpan.FromDays(2);

    /// <summary>Pure. A policy without a domain stays: some leave it out where they found no policy.</summary>
    public static ReadReport Of(ReadReport read, Func<DomainName, PolicyKind?, bool> isOurs, DateTimeOffset now, IntakeLimits limits)
    {
        if (read is not ReadReport.Accepted accepted)
        {
            return read;
        }

        var (report, period) = (accepted.Report, accepted.Report.Period);
        if (period.End > now + s_ahead)
        {
            return new ReadReport.Rejected(string.Create(CultureInfo.InvariantCulture, $"it is about {period.LastDay:yyyy-MM-dd}, which is to come"));
        }

        if (period.Days > limits.LongestPeriod)
        {
            return new ReadReport.Rejected(string.Create(CultureInfo.InvariantCulture, $"it is about {period.Days} days at once"));
        }

        if (period.FirstDay.DayNumber < ReportRows.DayOf(now) - limits.Days)
        {
            return new ReadReport.Rejected(string.Create(CultureInfo.InvariantCulture, $"it is about {period.FirstDay:yyyy-MM-dd}; reports are kept for {limits.Days} days"));
        }

        ImmutableArray<PolicyResult> ours = [.. report.Policies.Where(IsOurs)];
        if (ours.Length == report.Policies.Length)
        {
            return ours.IsEmpty ? new ReadReport.Rejected("it reports on nothing") : accepted;
        }

        var names = string.Join(", ", report.Policies.Where(policy => !IsOurs(policy)).Select(policy => policy.Domain).Distinct().Take(3));
        return ours.IsEmpty
            ? new ReadReport.Rejected($"it is about {names}, and not about a domain of ours")
            : new ReadReport.Accepted(
                report with { Policies = ours },
                [.. accepted.Warnings, new ReportWarning("policies", $"what it says of {names} was left out: not a domain of ours")]);

        bool IsOurs(PolicyResult policy) => policy.Domain is not { } text || (DomainName.TryParse(text, out var domain) && isOurs(domain, policy.Kind.Known));
    }
}
