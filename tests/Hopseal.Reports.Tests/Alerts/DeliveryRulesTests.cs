using Hopseal.Reports.Alerts;
using Hopseal.Reports.Sessions;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class DeliveryRulesTests
{
    static readonly DateOnly s_today = DateOnly.FromDateTime(Records.Noon.UtcDateTime);

    [Theory]
    [InlineData(100, 5, 0, null)]
    [InlineData(100, 20, 0, AlertSeverity.Warning)]
    [InlineData(100, 60, 0, AlertSeverity.Critical)]
    [InlineData(4, 4, 0, null)]
    [InlineData(100, 20, 15, null)]
    [InlineData(100, 90, 30, AlertSeverity.Critical)]
    public void Failures_count_when_they_are_many_and_more_than_usual(int attempts, int failures, int usual, AlertSeverity? severity)
    {
        var before = Enumerable.Range(2, 10).Select(ago => Day(s_today.AddDays(-ago), 100, usual));

        var troubles = DeliveryRules.Failures(before.Append(Day(s_today, attempts, failures)), s_today);

        Assert.Equal(severity is { } expected ? [expected] : Array.Empty<AlertSeverity>(), troubles.Select(trouble => trouble.Severity));
        Assert.All(troubles, trouble => Assert.Equal("example.org", trouble.Subject));
    }

    [Fact]
    public void Only_destinations_that_may_be_in_trouble_are_looked_at_further() => Assert.Equal(["example.org"], DeliveryRules.Suspects(
    [
        Day(s_today.AddDays(-1), 5, 2), Day(s_today, 5, 3),
        Day(s_today, 100, 10) with { Domain = "fine.example" },
        Day(s_today, 9, 9) with { Domain = "few.example" },
    ]));

    [Theory]
    [InlineData(50, 50, 0, true)]
    [InlineData(10, 90, 0, false)]
    [InlineData(50, 50, 40, false)]
    [InlineData(30, 70, 10, true)]
    public void More_plaintext_than_usual_is_told(int plain, int encrypted, int usual, bool told)
    {
        var points = Enumerable.Range(1, 13).SelectMany(ago => Points(Records.Noon.AddDays(-ago).AddHours(-1), usual, 100 - usual)).Concat(Points(Records.Noon.AddHours(-2), plain, encrypted));

        Assert.Equal(told, DeliveryRules.Plaintext(points, Records.Noon).Length == 1);
    }

    static DestinationDay Day(DateOnly day, int attempts, int failures) => new("example.org", day, attempts - failures, 0, 0, failures, 0, attempts, failures);

    static IEnumerable<TrafficPoint> Points(DateTimeOffset at, int plain, int encrypted) =>
    [
        new(at, Direction.Out, TransportLevel.Plaintext, plain, plain),
        new(at, Direction.Out, TransportLevel.Encrypted, encrypted, encrypted),
        new(at, Direction.In, TransportLevel.Plaintext, 1000, 1000),
    ];
}
