using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Hopseal.Dashboard.Web;

/// <summary>Which requests are answered at all, and with which headers. A page of somebody else's that a browser has open beside this one gets
/// nothing: not by a name of its own that leads here (DNS rebinding), not by a request or a WebSocket across sites.</summary>
/// <param name="names">By which the dashboard is called.</param>
sealed class RequestGuard(OwnNames names)
{
    /// <summary>Scripts and style sheets are our files; so is, by its hash, the one sheet that the component library writes into its charts. Styles of single
    /// elements are let, for the library places dialogs and draws charts with them.</summary>
    const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-elem 'self' 'sha256-XzQsP9HYv5dA8MQauHPLC9ALegSBxGglPvgN6fxiZvk='; "
        + "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    /// <summary>Whether a request may come from where it came from: what changes something, and every WebSocket, only from our own pages.</summary>
    public static bool IsFromHere(HttpRequest request, bool upgrade)
    {
        ArgumentNullException.ThrowIfNull(request);
        return !upgrade && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            ? request.Headers["Sec-Fetch-Site"].ToString() is not "cross-site" || request.Headers["Sec-Fetch-Mode"].ToString() is "navigate"
            : request.Headers[HeaderNames.Origin].ToString().Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a circuit is to run over plain requests: only WebSockets are counted, and a browser that runs the pages has them.</summary>
    public static bool IsUncountedCircuit(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Path.ToString().TrimEnd('/').Equals("/_blazor", StringComparison.OrdinalIgnoreCase) && !context.WebSockets.IsWebSocketRequest;
    }

    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(next);
        context.Response.OnStarting(() =>
        {
            Protect(context.Response.Headers);
            return Task.CompletedTask;
        });
        var upgrade = context.Request.Headers.ContainsKey(HeaderNames.Upgrade) || HttpMethods.IsConnect(context.Request.Method);
        if (!names.Hold(context.Request.Host))
        {
            await RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, "The dashboard is not known by this name.");
        }
        else if (!IsFromHere(context.Request, upgrade))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "The request comes from another site.");
        }
        else if (IsUncountedCircuit(context))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "This is for WebSockets.");
        }
        else
        {
            await next(context);
        }
    }

    static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (!headers.CacheControl.ToString().Contains("immutable", StringComparison.Ordinal))
        {
            headers.CacheControl = "no-store";
        }
    }

    static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }
}
