using System.Text.RegularExpressions;
using Hopseal.Reports.Alerts;

namespace Hopseal.Reports.Tests.Alerts;

public sealed partial class AlertRulesTests
{
    [Fact]
    public void Every_rule_is_described_and_nothing_else()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        var described = Row().Matches(File.ReadAllText(Path.Combine(directory.FullName, "docs", "alerts.md"))).Select(row => row.Groups[1].Value);
        Assert.Equal(AlertRules.All.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"(?m)^\| `([a-z.-]+)` \|")]
    private static partial Regex Row();
}
