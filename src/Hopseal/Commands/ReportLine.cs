using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Commands;

/// <summary>One line of <c>hopseal report import --json</c>. Members may be added, and keep their names.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Report), "report")]
[JsonDerivedType(typeof(Rejected), "rejected")]
abstract record ReportLine([property: JsonPropertyOrder(-2)] string File, [property: JsonPropertyOrder(-1)] string? Part)
{
    /// <param name="Start">In UTC, and <paramref name="End"/> too.</param>
    public sealed record Report(
        string File,
        string? Part,
        string? Organization,
        string? Contact,
        string? Id,
        DateTime Start,
        DateTime End,
        ImmutableArray<Policy> Policies,
        ImmutableArray<Warning> Warnings) : ReportLine(File, Part)
    {
        /// <summary>Who stands for it, in words; null where that was not looked for.</summary>
        public string? Proof { get; init; }

        /// <summary>What became of it, in words; null where it was not to be kept.</summary>
        public string? Kept { get; init; }
    }

    public sealed record Rejected(string File, string? Part, string Reason) : ReportLine(File, Part);

    public sealed record Policy(
        string PolicyType,
        string? Domain,
        ImmutableArray<string> Text,
        ImmutableArray<string> MxHosts,
        long Successful,
        long Failed,
        ImmutableArray<Failure> Failures);

    public sealed record Failure(
        string ResultType,
        long Sessions,
        string? MxHostname,
        string? MxHelo,
        string? ReceivingIp,
        string? SendingIp,
        string? Reason,
        string? MoreInformation,
        string Meaning,
        string ToDo)
    {
        /// <summary>What this gateway saw, in words; null where nothing is to be said.</summary>
        public string? OurSide { get; init; }
    }

    public sealed record Warning(string Where, string What);

    /// <param name="ourSide">See <see cref="ReportOutput.OurSide"/>.</param>
    public static ReportLine Of(string file, ReportItem item, string? proof, string? kept, Func<FailureDetail, ReportPeriod, string?> ourSide)
    {
        var part = item.Where.Length > 0 ? item.Where : null;
        return item.Result switch
        {
            ReadReport.Accepted accepted => Of(file, part, accepted, ourSide) with { Proof = proof, Kept = kept },
            ReadReport.Rejected rejected => new Rejected(file, part, rejected.Why),
            _ => throw new ArgumentException($"unknown result {item.Result}", nameof(item)),
        };
    }

    static Report Of(string file, string? part, ReadReport.Accepted accepted, Func<FailureDetail, ReportPeriod, string?> ourSide)
    {
        var report = accepted.Report;
        return new Report(
            file,
            part,
            report.Organization,
            report.Contact,
            report.Id,
            report.Period.Start.UtcDateTime,
            report.Period.End.UtcDateTime,
            [.. report.Policies.Select(policy => Of(policy, failure => ourSide(failure, report.Period)))],
            [.. accepted.Warnings.Select(warning => new Warning(warning.Where, warning.What))]);
    }

    static Policy Of(PolicyResult policy, Func<FailureDetail, string?> ourSide) => new(
        policy.Kind.Text,
        policy.Domain,
        policy.PolicyText,
        policy.MxHosts,
        policy.Successful,
        policy.Failed,
        [.. policy.Failures.Select(failure => Of(failure, policy.Domain) with { OurSide = ourSide(failure) })]);

    static Failure Of(FailureDetail failure, string? domain)
    {
        var words = ResultWords.Of(failure.Type, domain);
        return new Failure(
            failure.Type.Text,
            failure.Sessions,
            failure.MxHostname,
            failure.MxHelo,
            failure.ReceivingIp?.ToString(),
            failure.SendingIp?.ToString(),
            failure.Reason,
            failure.MoreInformation,
            words.Meaning,
            words.ToDo);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReportLine))]
sealed partial class ReportLineJson : JsonSerializerContext;
