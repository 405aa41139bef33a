using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>What of a report is for us.</summary>
public sealed class OwnPartTests
{
    static readonly DateTimeOffset s_now = new(2026, 11, 2, 3, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("ours.example", "ours.example")]
    [InlineData("ours.example other.example", "ours.example")]
    [InlineData("-", "-")]
    [InlineData("- other.example", "-")]
    [InlineData("other.example", "it is about other.example, and not about a domain of ours")]
    [InlineData("other.example other.example", "it is about other.example, and not about a domain of ours")]
    [InlineData("a.example b.example c.example d.example", "it is about a.example, b.example, c.example, and not about a domain of ours")]
    [InlineData("", "it reports on nothing")]
    public void Only_what_it_says_of_our_domains_is_left(string domains, string expected)
    {
        var policies = domains.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(domain => Policy(domain == "-" ? null : domain));
        var result = Of(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), 1, [.. policies]);
        Assert.Equal(expected, result is ReadReport.Accepted accepted
            ? string.Join(' ', accepted.Report.Policies.Select(policy => policy.Domain ?? "-"))
            : ((ReadReport.Rejected)result).Why);
        Assert.Equal(result is ReadReport.Accepted && domains.Contains("other", StringComparison.Ordinal), result is ReadReport.Accepted { Warnings.Length: 1 });
    }

    [Theory]
    [InlineData("2026-11-01", 1, null)]
    [InlineData("2026-11-03", 1, null)]
    [InlineData("2026-11-04", 1, "it is about 2026-11-04, which is to come")]
    [InlineData("2026-10-01", 31, null)]
    [InlineData("2026-10-01", 32, "it is about 32 days at once")]
    [InlineData("2025-09-28", 1, null)]
    [InlineData("2025-09-27", 1, "it is about 2025-09-27; reports are kept for 400 days")]
    [InlineData("1999-01-01", 1, "it is about 1999-01-01; reports are kept for 400 days")]
    public void It_is_about_a_time_that_can_be_meant(string first, int days, string? why)
    {
        var start = new DateTimeOffset(DateOnly.Parse(first, System.Globalization.CultureInfo.InvariantCulture).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        Assert.Equal(why, (Of(start, days, [Policy("ours.example")]) as ReadReport.Rejected)?.Why);
    }

    static ReadReport Of(DateTimeOffset start, int days, ImmutableArray<PolicyResult> policies)
    {
        var report = new TlsReport { Period = new ReportPeriod(start, start.AddDays(days).AddSeconds(-1)), Policies = policies };
        return OwnPart.Of(new ReadReport.Accepted(report, []), (domain, _) => domain == DomainName.Parse("ours.example"), s_now, new IntakeLimits());
    }

    static PolicyResult Policy(string? domain) => new() { Kind = ReportNames.Of(PolicyKind.NoPolicyFound), Domain = domain, Successful = 1, Failed = 0 };
}
