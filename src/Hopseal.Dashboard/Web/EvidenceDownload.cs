using System.Globalization;
using Hopseal.Dns;
using Hopseal.Reports.Evidence;
using Microsoft.AspNetCore.Http;

namespace Hopseal.Dashboard.Web;

/// <summary>Hands out evidence as a file, while it is read.</summary>
sealed class EvidenceDownload(GatewayView view) : IDisposable
{
    /// <summary>At a time; each reads the whole time that was asked for.</summary>
    const int Most = 2;

    readonly SemaphoreSlim _running = new(Most);

    public async Task SendAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (view.Evidence is not { } files
            || !DateOnly.TryParseExact(query["from"], "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
            || !DateOnly.TryParseExact(query["to"], "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var to)
            || to < from || to == DateOnly.MaxValue)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "The evidence of a time is asked for by its first and its last day.");
            return;
        }

        DomainName? domain = null;
        if (query["domain"].ToString().Trim() is { Length: > 0 } text && !DomainName.TryParse(text, out domain))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "That is no domain name.");
            return;
        }

        if (!await _running.WaitAsync(TimeSpan.Zero, context.RequestAborted))
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Evidence is being exported already; try again when that is done.");
            return;
        }

        try
        {
            var html = query["format"] == "html";
            var name = string.Create(CultureInfo.InvariantCulture, $"evidence-{from:O}-{to:O}{(domain is null ? "" : $"-{domain}")}.{(html ? "html" : "jsonl")}");
            context.Response.ContentType = html ? "text/html; charset=utf-8" : "application/x-ndjson";
            context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
            var asked = new EvidenceQuery(
                new DateTimeOffset(from, TimeOnly.MinValue, TimeSpan.Zero), new DateTimeOffset(to.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero), domain?.Ascii);
            await EvidenceExport.WriteAsync(
                files, asked, html ? EvidenceFormat.Html : EvidenceFormat.Jsonl, view.Clock, context.Response.Body, context.RequestAborted);
        }
        finally
        {
            _running.Release();
        }
    }

    public void Dispose() => _running.Dispose();

    static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }
}
