using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hopseal.Interop.Tests.Fixtures;
using Microsoft.Playwright;

namespace Hopseal.Interop.Tests;

/// <summary>The dashboard where other machines can reach it: by HTTPS, and for who has a password.</summary>
public sealed class DashboardLoginTests
{
    const string User = "ada";
    const string Password = "correct horse battery staple";

    static readonly IPAddress? s_address = NetworkInterface.GetAllNetworkInterfaces()
        .Where(face => face.OperationalStatus is OperationalStatus.Up)
        .SelectMany(face => face.GetIPProperties().UnicastAddresses)
        .Select(own => own.Address)
        .FirstOrDefault(address => address.AddressFamily is AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));

    [Fact(Timeout = 120_000)]
    public async Task Beyond_loopback_nothing_is_shown_without_a_login()
    {
        Assert.SkipWhen(s_address is null, "this machine has no address but loopback");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("login");
        using var authority = new TestAuthority(directory);
        var (smtp, https) = (Ports.Next(), Ports.Next());
        await using var gateway = new GatewayProcess(directory, await ConfigurationAsync(directory, authority, smtp, https, cancel), smtp);
        await gateway.StartAsync(cancel);
        await Ports.ListenedOnAsync(new IPEndPoint(s_address!, https), () => gateway.Output, cancel);
        await using var browser = new Chromium();
        await browser.StartAsync();
        var site = new Uri($"https://{s_address}:{https}/");
        await using var window = await browser.OpenAsync(site);
        var page = window.Page;

        foreach (var path in new[] { "", "queue", "evidence/export?from=2026-01-01&to=2026-01-01" })
        {
            await page.GotoAsync(new Uri(site, path).ToString()).WaitAsync(cancel);
            Assert.Equal("/login", new Uri(page.Url).AbsolutePath);
        }

        await LogInAsync(page, Password + "!");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("do not go together");
        await page.GotoAsync(new Uri(site, "queue").ToString()).WaitAsync(cancel);
        await LogInAsync(page, Password);
        await window.AliveAsync();
        Assert.Equal("/queue", new Uri(page.Url).AbsolutePath);
        var cookie = Assert.Single(await page.Context.CookiesAsync(), cookie => cookie.Name == "hopseal-login");
        Assert.True(cookie is { HttpOnly: true, Secure: true, SameSite: SameSiteAttribute.Strict });

        // A second window of the same browser is out as well, and the cookie is worth nothing afterwards.
        var other = await page.Context.NewPageAsync();
        await other.GotoAsync(new Uri(site, "sessions").ToString()).WaitAsync(cancel);
        await Assertions.Expect(other.Locator("html[data-connected]")).ToBeAttachedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await page.WaitForURLAsync("**/login");
        await other.WaitForURLAsync("**/login?*", new() { Timeout = 30_000 });
        await page.Context.AddCookiesAsync([new Microsoft.Playwright.Cookie { Name = cookie.Name, Value = cookie.Value, Domain = cookie.Domain, Path = cookie.Path, Secure = true, HttpOnly = true }]);
        await page.GotoAsync(new Uri(site, "queue").ToString()).WaitAsync(cancel);
        Assert.Equal("/login", new Uri(page.Url).AbsolutePath);
        Assert.Empty(window.Faults);
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_guesses_has_to_wait_and_a_page_of_another_site_gets_nothing()
    {
        Assert.SkipWhen(s_address is null, "this machine has no address but loopback");
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("guess");
        using var authority = new TestAuthority(directory);
        var (smtp, https) = (Ports.Next(), Ports.Next());
        await using var gateway = new GatewayProcess(directory, await ConfigurationAsync(directory, authority, smtp, https, cancel), smtp);
        await gateway.StartAsync(cancel);
        await Ports.ListenedOnAsync(new IPEndPoint(s_address!, https), () => gateway.Output, cancel);
        var site = new Uri($"https://{s_address}:{https}/");

        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        using var client = new HttpClient(handler) { BaseAddress = site };
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await StatusAsync(HttpMethod.Get, "login", request => request.Headers.Host = "rebound.attacker.test"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, "login", request => request.Headers.Host = "watched.test"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "session/begin", request => request.Headers.Add("Origin", "https://attacker.test")));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "_blazor/negotiate", request => request.Headers.Add("Origin", "https://attacker.test")));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(HttpMethod.Post, "session/begin", request =>
        {
            request.Headers.Add("Origin", $"https://{site.Authority}");
            request.Content = new FormUrlEncodedContent([new("name", User), new("password", Password)]);
        }));

        await using var browser = new Chromium();
        await browser.StartAsync();
        await using var window = await browser.OpenAsync(site);
        await window.Page.GotoAsync(new Uri(site, "login").ToString()).WaitAsync(cancel);
        for (var i = 0; i < 10; i++)
        {
            await LogInAsync(window.Page, "guess");
            await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("do not go together");
        }

        await LogInAsync(window.Page, Password);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Too many");

        async Task<HttpStatusCode> StatusAsync(HttpMethod method, string path, Action<HttpRequestMessage> with)
        {
            using var request = new HttpRequestMessage(method, path);
            with(request);
            using var response = await client.SendAsync(request, cancel);
            return response.StatusCode;
        }
    }

    static async Task LogInAsync(IPage page, string password)
    {
        await page.GetByLabel("Name").FillAsync(User);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await page.WaitForLoadStateAsync(LoadState.Load);
    }

    static async Task<object> ConfigurationAsync(TestDirectory directory, TestAuthority authority, int smtp, int https, CancellationToken cancel)
    {
        var certificate = authority.Issue("watched.test");
        var hash = (await Command.RunAsync(Executable.Path, ["config", "hash-password"], cancel, Password + "\n")).Succeeded("hash-password");
        return new
        {
            Hostname = "watched.test",
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{smtp}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            Domains = new Dictionary<string, object> { ["kept.test"] = new { Maildir = directory["maildir"] } },
            Dashboard = new { Endpoint = $"{s_address}:{https}", Users = new[] { new { Name = User, PasswordHash = hash.Output.Trim() } } },
        };
    }
}
