using System.Collections.Immutable;
using Hopseal.Smtp.Server;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Hopseal.Dashboard.Web;

/// <summary>The two forms of the login: they work without a script.</summary>
sealed partial class LoginEndpoints(
    ImmutableDictionary<string, PasswordHash> users, LoginSessions sessions, LoginFailures failures, ILogger<LoginEndpoints> log)
{
    const int MostCharacters = 256;

    // What a name that nobody has is checked against, so that it takes as long.
    readonly PasswordHash _nobody = PasswordHash.Create(Guid.NewGuid().ToString());

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/session/begin", BeginAsync).AllowAnonymous();
        routes.MapPost("/session/end", (Delegate)EndAsync);
    }

    /// <summary>A path on this site, whatever was asked for.</summary>
    public static string PathOf(string? to) =>
        to is ['/', ..] and not ['/', '/' or '\\', ..] && to.All(c => c is > ' ' and <= '~' and not '\\') ? to : "/";

    async Task<IResult> BeginAsync(HttpContext context, [FromForm] string? name, [FromForm] string? password, [FromForm] string? to)
    {
        var address = context.Connection.RemoteIpAddress;
        if (!failures.TryAdd(address))
        {
            return Results.Redirect("/login?why=many");
        }

        var known = name is { Length: > 0 and <= MostCharacters } ? users.GetValueOrDefault(name) : null;
        var right = password is { Length: > 0 and <= MostCharacters } && await (known ?? _nobody).VerifyAsync(password, context.RequestAborted);
        if (known is null || !right)
        {
            LogFailed(known is null ? "?" : name!, address?.ToString() ?? "?");
            return Results.Redirect($"/login?why=wrong&to={Uri.EscapeDataString(PathOf(to))}");
        }

        failures.TakeBack(address);
        await context.SignInAsync(sessions.Begin(name!));
        LogBegan(name!, address?.ToString() ?? "?");
        return Results.LocalRedirect(PathOf(to));
    }

    async Task<IResult> EndAsync(HttpContext context, IAntiforgery forms)
    {
        if (!await forms.IsRequestValidAsync(context))
        {
            return Results.BadRequest();
        }

        sessions.End(context.User);
        await context.SignOutAsync();
        return Results.Redirect("/login");
    }

    [LoggerMessage(3301, LogLevel.Information, "{User} logged in to the dashboard from {Address}")]
    partial void LogBegan(string user, string address);

    [LoggerMessage(3302, LogLevel.Warning, "A login to the dashboard as {User} from {Address} failed")]
    partial void LogFailed(string user, string address);
}
