using System.Globalization;
using System.Text;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Reports.Tests.Tlsrpt;

/// <summary>Reports as others make them, one file for each defect, made for these tests. What becomes of each stands in
/// <c>Corpus/expected.txt</c>.</summary>
public sealed class CorpusTests
{
    static string Folder => Path.Combine(AppContext.BaseDirectory, "Tlsrpt", "Corpus");

    [Fact]
    public async Task Each_report_of_the_corpus_is_accepted_with_its_warnings_or_rejected_with_its_reason()
    {
        var actual = new StringBuilder();
        foreach (var file in Directory.EnumerateFiles(Folder).Order(StringComparer.Ordinal).Where(file => !file.EndsWith("expected.txt", StringComparison.Ordinal)))
        {
            actual.Append(Path.GetFileName(file)).Append('\n');
            await using var content = File.OpenRead(file);
            await foreach (var item in ReportFile.ReadAsync(content, Path.GetFileName(file), TestContext.Current.CancellationToken))
            {
                Describe(item, actual);
            }
        }

        // To compare, and to replace the expected one when a difference is meant.
        await File.WriteAllTextAsync(Path.Combine(AppContext.BaseDirectory, "corpus.actual.txt"), actual.ToString(), TestContext.Current.CancellationToken);
        var expected = await File.ReadAllTextAsync(Path.Combine(Folder, "expected.txt"), TestContext.Current.CancellationToken);
        Assert.Equal(expected, actual.ToString());
    }

    static void Describe(ReportItem item, StringBuilder text)
    {
        if (item.Where.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {item.Where}\n");
        }

        switch (item.Result)
        {
            case ReadReport.Rejected rejected:
                text.Append(CultureInfo.InvariantCulture, $"  rejected: {rejected.Why}\n");
                break;
            case ReadReport.Accepted { Report: var report, Warnings: var warnings }:
                text.Append(CultureInfo.InvariantCulture, $"  accepted: {report.Organization}, {report.Period.FirstDay:yyyy-MM-dd} to {report.Period.LastDay:yyyy-MM-dd}\n");
                foreach (var policy in report.Policies)
                {
                    text.Append(
                        CultureInfo.InvariantCulture,
                        $"    {policy.Kind} {policy.Domain}: {policy.Successful} good, {policy.Failed} failed ({string.Join(", ", policy.Failures.Select(failure => $"{failure.Sessions} {failure.Type}"))}), {policy.PolicyText.Length} lines, {policy.MxHosts.Length} hosts\n");
                }

                foreach (var warning in warnings)
                {
                    text.Append(CultureInfo.InvariantCulture, $"    warning: {warning}\n");
                }

                break;
        }
    }
}
