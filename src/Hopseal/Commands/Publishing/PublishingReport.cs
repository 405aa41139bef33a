using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Hopseal.Commands.Publishing;

/// <summary>A record to publish.</summary>
/// <param name="Owner">Absolute, without the final dot.</param>
/// <param name="Ttl">Seconds.</param>
/// <param name="Data">In presentation format.</param>
/// <param name="Purpose">For people: which key, which policy.</param>
sealed record RecordToPublish(string Owner, int Ttl, string Type, string Data, string Purpose)
{
    /// <summary>A line of a zone file (RFC 1035 §5.1).</summary>
    public override string ToString() => $"{Owner}. {Ttl} IN {Type} {Data}";
}

[JsonConverter(typeof(JsonStringEnumConverter<DifferenceKind>))]
enum DifferenceKind
{
    /// <summary>Not published.</summary>
    Missing,

    /// <summary>Published, and something else is wanted.</summary>
    Wrong,

    /// <summary>Published, and matches nothing any more.</summary>
    Stale,

    /// <summary>Published in a form that senders ignore.</summary>
    Unusable,

    /// <summary>Published more than once where one only counts.</summary>
    Several,

    /// <summary>Not signed with DNSSEC, where it is worth nothing without.</summary>
    Unsigned,
}

/// <summary>What is published and what is wanted are not the same.</summary>
/// <param name="Owner">Of the records.</param>
/// <param name="Detail">For people.</param>
sealed record PublishingDifference(DifferenceKind Kind, string Owner, string Type, string Detail);

/// <summary>The answer of <c>hopseal dns</c>.</summary>
/// <param name="Records">All that is to be published, whether it is or not.</param>
/// <param name="Unknown">What could not be looked up, and why.</param>
/// <param name="Notes">What a person should know, and no script needs to act on.</param>
sealed record PublishingReport(
    string Domain,
    ImmutableArray<RecordToPublish> Records,
    ImmutableArray<PublishingDifference> Differences,
    ImmutableArray<string> Unknown,
    ImmutableArray<string> Notes)
{
    public int ExitCode => !Differences.IsEmpty ? Commands.ExitCode.No : !Unknown.IsEmpty ? Commands.ExitCode.Unknown : Commands.ExitCode.Done;

    public static PublishingReport Of(string domain) => new(domain, [], [], [], []);

    public PublishingReport With(PublishingReport more) => this with
    {
        Records = [.. Records.Concat(more.Records).Distinct()],
        Differences = [.. Differences, .. more.Differences],
        Unknown = [.. Unknown, .. more.Unknown],
        Notes = [.. Notes, .. more.Notes],
    };

    public PublishingReport Differs(DifferenceKind kind, string owner, string type, string detail) =>
        this with { Differences = [.. Differences, new PublishingDifference(kind, owner, type, detail)] };

    public PublishingReport Wants(RecordToPublish record) => this with { Records = [.. Records, record] };

    public PublishingReport Says(string note) => this with { Notes = [.. Notes, note] };
}
