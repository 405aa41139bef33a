using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Reports.Evidence;

/// <summary>The report as one HTML file.</summary>
static class ReportPage
{
    public static async Task<string> RenderAsync(EvidenceSummary summary)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        return await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(EvidenceReport.Summary)] = summary });
            return (await renderer.RenderComponentAsync<EvidenceReport>(parameters)).ToHtmlString();
        });
    }
}
