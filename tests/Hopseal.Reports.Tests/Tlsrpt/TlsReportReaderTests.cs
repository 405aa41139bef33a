using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Reports.Tests.Tlsrpt;

public sealed class TlsReportReaderTests
{
    static readonly byte[] s_valid = TlsReportWriter.ToJson(SampleReports.Full);

    [Property(MaxTest = 500)]
    public bool Any_octets_are_accepted_or_rejected(byte[] octets) => IsWhole(TlsReportReader.Read(octets));

    [Property(MaxTest = 1000)]
    public Property Any_mutation_of_a_report_is_accepted_whole_or_rejected() => Prop.ForAll(Mutations(s_valid).ToArbitrary(), octets => IsWhole(TlsReportReader.Read(octets)));

    [Property(MaxTest = 500)]
    public Property Any_value_in_the_place_of_another_is_accepted_whole_or_rejected()
    {
        var text = Encoding.UTF8.GetString(s_valid);
        var values = Gen.Elements(
            "null", "true", "-1", "1e400", "0.5", "\"\"", "\"x\"", "\"\\ud800\"", "[]", "{}", "[null]", "[{}]", "[[[]]]", "\"\\u0000\\u202e\"",
            "99999999999999999999999999999999", "\"2026-02-30T00:00:00Z\"", "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T24:00:00Z\"");
        var places = Enumerable.Range(0, text.Length).Where(at => text[at] == ':' && text[at - 1] == '"').ToArray();
        return Prop.ForAll(
            Gen.Elements(places).ToArbitrary(),
            values.ToArbitrary(),
            (at, value) => IsWhole(TlsReportReader.Read(Encoding.UTF8.GetBytes(Replace(text, at + 1, value)))));
    }

    [Fact]
    public void What_is_too_much_is_rejected_with_the_bound()
    {
        Assert.Equal("it is larger than 20971520 octets", Why($"{{\"x\":\"{new string('x', 21 * 1024 * 1024)}\"}}"));
        Assert.Equal("it has more than 1000000 members and values", Why($"[{string.Join(',', Enumerable.Repeat("1", 1_000_001))}]"));

        Assert.Equal("it is nested more than 16 deep", Why(new string('[', 1_000_000)));
        Assert.Equal("it is JSON, but no object", Why(new string('[', 16) + new string(']', 16)));

        const string Range = "\"date-range\":{\"start-datetime\":\"2026-11-01T00:00:00Z\",\"end-datetime\":\"2026-11-01T23:59:59Z\"}";
        Assert.Equal("policies: has more than 1000 entries", Why($"{{{Range},\"policies\":[{string.Join(',', Enumerable.Repeat("{}", 1001))}]}}"));

        var failures = string.Join(',', Enumerable.Repeat("{}", 10_001));
        var policy = $"{{\"policy\":{{}},\"failure-details\":[{failures}]}}";
        Assert.Equal("policies: more than 20000 failure details", Why($"{{{Range},\"policies\":[{policy},{policy}]}}"));
    }

    [Fact]
    public void Warnings_and_lines_are_bounded()
    {
        var policies = string.Join(',', Enumerable.Repeat("{\"policy\":{}}", 100));
        var lines = string.Join(',', Enumerable.Range(0, 200).Select(i => i.ToString("'\"line '0'\"'", CultureInfo.InvariantCulture)));
        var read = Accepted($$"""
            {"date-range":{"start-datetime":"2026-11-01T00:00:00Z","end-datetime":"2026-11-01T23:59:59Z"},
             "policies":[{"policy":{"policy-type":"sts","policy-string":[{{lines}}] } }, {{policies}}] }
            """);

        Assert.Equal(101, read.Report.Policies.Length);
        Assert.Equal(100, read.Report.Policies[0].PolicyText.Length);
        Assert.Equal(51, read.Warnings.Length);
        Assert.EndsWith("more warnings are not shown", read.Warnings[50].What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-11-01T00:00:00Z", "2026-11-01T23:59:59Z", 1)]
    [InlineData("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", 1)]
    [InlineData("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", 1)]
    [InlineData("2026-11-01T12:00:00Z", "2026-11-02T11:59:59Z", 2)]
    [InlineData("2026-11-01T00:00:00Z", "2026-11-07T23:59:59Z", 7)]
    public void A_period_touches_days(string start, string end, int days) =>
        Assert.Equal(days, Accepted($$"""{ "date-range": { "start-datetime": "{{start}}", "end-datetime": "{{end}}" }, "policies": [] }""").Report.Period.Days);

    static ReadReport.Accepted Accepted(string json) => Assert.IsType<ReadReport.Accepted>(TlsReportReader.Read(Encoding.UTF8.GetBytes(json)));

    static string Why(string json) => Assert.IsType<ReadReport.Rejected>(TlsReportReader.Read(Encoding.UTF8.GetBytes(json))).Why;

    /// <summary>Nothing in it is default, beyond its bound, or would drive a terminal.</summary>
    static bool IsWhole(ReadReport read) => read switch
    {
        ReadReport.Accepted { Report: var report } =>
            report.Period.End >= report.Period.Start && report.Period.Start.Year >= 1970 && report.Policies.All(IsWhole),
        ReadReport.Rejected { Why: var why } => why.Length > 0 && !why.Any(char.IsControl),
        _ => false,
    };

    static bool IsWhole(PolicyResult policy) =>
        policy is { Successful: >= 0, Failed: >= 0, Kind.Text: not null }
        && policy.PolicyText.Concat(policy.MxHosts).All(IsWhole)
        && policy.Failures.All(failure => failure is { Sessions: >= 0, Type.Text: not null } && IsWhole(failure.Reason) && IsWhole(failure.MxHostname));

    static bool IsWhole(string? text) => text is null || (text.Length is > 0 and <= 1000 && !text.Any(char.IsControl));

    /// <summary>Replaces the value that begins at <paramref name="start"/>, up to the next separator: the result need not be JSON.</summary>
    static string Replace(string text, int start, string value) => text[..start] + value + text[text.IndexOfAny([',', '}'], start)..];

    internal static Gen<byte[]> Mutations(byte[] original) =>
        from edits in Gen.Resize(Gen.NonEmptyListOf(Gen.Choose(0, original.Length - 1).Zip(Gen.Choose(0, 1023))), 6)
        select Mutate(original, edits);

    static byte[] Mutate(byte[] original, IEnumerable<(int At, int What)> edits)
    {
        var octets = original.ToList();
        foreach (var (at, what) in edits)
        {
            var place = Math.Min(at, octets.Count - 1);
            if (place < 0)
            {
                break;
            }

            switch (what / 256)
            {
                case 0:
                    octets[place] = (byte)what;
                    break;
                case 1:
                    octets.Insert(place, (byte)what);
                    break;
                case 2:
                    octets.RemoveAt(place);
                    break;
                default:
                    octets.RemoveRange(place, Math.Min(what % 256, octets.Count - place));
                    break;
            }
        }

        return [.. octets];
    }
}
