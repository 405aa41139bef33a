using System.Text;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A delivery report as Python's <c>email</c> package reads it.</summary>
/// <param name="ReportType">Of the outermost part; null when that is no multipart/report.</param>
/// <param name="Parts">The types of the three parts.</param>
/// <param name="Status">The groups of the part for machines: the first is about the message, the others about recipients.</param>
/// <param name="Defects">What the reader did not like.</param>
sealed record ReadReport(
    string Subject,
    string? ReportType,
    IReadOnlyList<string> Parts,
    string Words,
    IReadOnlyList<IReadOnlyDictionary<string, string>> Status,
    string Returned,
    IReadOnlyList<string> Defects)
{
    const string Reader =
        """
        import email, email.policy, json, sys
        message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
        report = message.get_content_type() == "multipart/report"
        parts = list(message.iter_parts()) if report else []
        print(json.dumps({
            "Subject": message["Subject"],
            "ReportType": message.get_param("report-type") if report else None,
            "Parts": [part.get_content_type() for part in parts],
            "Words": " ".join(parts[0].get_content().split()) if report else "",
            "Status": [dict(group.items()) for group in parts[1].get_payload()] if report else [],
            "Returned": parts[2].as_string() if len(parts) > 2 else "",
            "Defects": [str(defect) for part in message.walk() for defect in part.defects],
        }))
        """;

    /// <summary>What mailing lists use: says whose address failed, and how.</summary>
    const string BounceParser =
        """
        use Mail::DeliveryStatus::BounceParser;
        local $/;
        my $bounce = Mail::DeliveryStatus::BounceParser->new(<STDIN>);
        print join("\n", map { join(" ", $_->get("email"), $_->get("smtp_code") // "-", $_->get("std_reason")) } $bounce->reports);
        """;

    public static async Task<ReadReport> OfAsync(Arrival arrival, CancellationToken cancel)
    {
        var read = (await Command.RunAsync("/usr/bin/python3", ["-c", Reader], cancel, Text(arrival))).Succeeded("Python");
        return JsonSerializer.Deserialize<ReadReport>(read.Output)!;
    }

    /// <summary>Lines of address, SMTP code and reason.</summary>
    public static async Task<string> AsABounceAsync(Arrival arrival, CancellationToken cancel) =>
        (await Command.RunAsync("perl", ["-e", BounceParser], cancel, Text(arrival))).Succeeded("Mail::DeliveryStatus::BounceParser").Output.Trim();

    static string Text(Arrival arrival) => Encoding.ASCII.GetString(arrival.Content.Span);
}
