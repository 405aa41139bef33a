using Hopseal.Dashboard.Web;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MudBlazor.Services;

namespace Hopseal.Dashboard;

/// <summary>The dashboard within a web application that somebody else listens for.</summary>
public static class DashboardWeb
{
    const int MostForgottenCircuits = 20;
    const int MostUnseenBatches = 10;

    static readonly TimeSpan s_forgetCircuit = TimeSpan.FromMinutes(2);

    /// <exception cref="IOException">The directory of the keys cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void AddTo(WebApplicationBuilder builder, GatewayView view, DashboardOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(options);
        var services = builder.Services;
        services.AddSingleton(view).AddSingleton(options).AddSingleton(view.Clock);
        services.AddSingleton(new RequestGuard(new OwnNames(options.Names))).AddSingleton<LoginSessions>().AddSingleton<LoginFailures>();
        services.AddSingleton(new LoginDemand(!options.Users.IsEmpty)).AddSingleton(options.Users).AddSingleton<LoginEndpoints>();
        services.AddSingleton<EvidenceDownload>();
        services.AddRouting();
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            circuits.DisconnectedCircuitMaxRetained = MostForgottenCircuits;
            circuits.DisconnectedCircuitRetentionPeriod = s_forgetCircuit;
            circuits.MaxBufferedUnacknowledgedRenderBatches = MostUnseenBatches;
        });
        services.AddMudServices();

        // The keys are in a directory of this user only; whatever could decrypt them would have to be there too. It would warn of that at the first start.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error));
        services.AddDataProtection().SetApplicationName("hopseal").PersistKeysToFileSystem(KeyDirectory(options.KeyDirectory));
        AddLogin(services, required: !options.Users.IsEmpty);
    }

    public static void Map(WebApplication application)
    {
        ArgumentNullException.ThrowIfNull(application);
        var guard = application.Services.GetRequiredService<RequestGuard>();
        application.UseWebSockets(); // the guard asks for them
        application.Use(guard.RunAsync);
        application.UseExceptionHandler(failed => failed.Run(context =>
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync("The page could not be made; the gateway's log says why.\n", context.RequestAborted);
        }));
        application.UseRouting();
        application.UseAuthentication();
        application.UseAuthorization();
        application.UseAntiforgery();
        application.MapGet(EmbeddedAssets.Path + "{name}", EmbeddedAssets.ServeAsync).AllowAnonymous();
        application.MapGet("/favicon.ico", () => Results.Redirect(EmbeddedAssets.UrlOf("seal.svg"))).AllowAnonymous();
        application.MapGet("/evidence/export", application.Services.GetRequiredService<EvidenceDownload>().SendAsync);
        application.Services.GetRequiredService<LoginEndpoints>().Map(application);
        application.MapRazorComponents<App>().AddInteractiveServerRenderMode(circuits => circuits.ContentSecurityFrameAncestorsPolicy = "'none'");
    }

    static void AddLogin(IServiceCollection services, bool required)
    {
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
        {
            cookie.LoginPath = "/login";
            cookie.ReturnUrlParameter = "to";
            cookie.ExpireTimeSpan = LoginSessions.Longest;
            cookie.SlidingExpiration = false;
            cookie.Cookie.Name = "hopseal-login";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            cookie.Events.OnValidatePrincipal = context =>
            {
                if (!context.HttpContext.RequestServices.GetRequiredService<LoginSessions>().IsOpen(context.Principal))
                {
                    context.RejectPrincipal();
                }

                return Task.CompletedTask;
            };
        });
        services.AddAntiforgery(forms =>
        {
            forms.Cookie.Name = "hopseal-form";
            forms.Cookie.SameSite = SameSiteMode.Strict;
            forms.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
        var policy = required
            ? new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build()
            : new AuthorizationPolicyBuilder().RequireAssertion(_ => true).Build();
        services.AddAuthorization(authorization => authorization.DefaultPolicy = authorization.FallbackPolicy = policy);
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, CircuitLogin>();
    }

    static DirectoryInfo KeyDirectory(string path) => OperatingSystem.IsWindows()
        ? Directory.CreateDirectory(path)
        : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
