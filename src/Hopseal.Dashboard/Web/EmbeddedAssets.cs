using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Hopseal.Dashboard.Web;

/// <summary>What the browser loads besides pages: a few files within the program. Nothing comes from another host.</summary>
static class EmbeddedAssets
{
    public const string Path = "/assets/";

    static readonly FrozenDictionary<string, Asset> s_assets = new[]
    {
        Load("mudblazor.css", "text/css; charset=utf-8"),
        Load("theme.css", "text/css; charset=utf-8"),
        Load("dashboard.css", "text/css; charset=utf-8"),
        Load("mudblazor.js", "text/javascript; charset=utf-8"),
        Load("blazor.web.js", "text/javascript; charset=utf-8"),
        Load("dashboard.js", "text/javascript; charset=utf-8"),
        Load("seal.svg", "image/svg+xml"),
    }.ToFrozenDictionary(asset => asset.Name, StringComparer.Ordinal);

    /// <summary>Changes with the content, so that it can be kept for ever.</summary>
    public static string UrlOf(string name) => $"{Path}{name}?v={s_assets[name].Version}";

    /// <summary>404 for what there is not.</summary>
    public static async Task ServeAsync(HttpContext context, string name)
    {
        if (!s_assets.TryGetValue(name, out var asset))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var response = context.Response;
        response.ContentType = asset.Type;
        response.ContentLength = asset.Content.Length;
        response.Headers[HeaderNames.CacheControl] = "public, max-age=31536000, immutable";
        await response.Body.WriteAsync(asset.Content, context.RequestAborted);
    }

    static Asset Load(string name, string type)
    {
        using var stream = typeof(EmbeddedAssets).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not embedded");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new Asset(name, type, content, Convert.ToHexStringLower(SHA256.HashData(content))[..16]);
    }

    sealed record Asset(string Name, string Type, byte[] Content, string Version);
}
