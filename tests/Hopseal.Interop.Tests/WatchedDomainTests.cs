using System.Net;
using System.Text.Json;
using Deque.AxeCore.Playwright;
using Hopseal.Interop.Tests.Fixtures;
using Microsoft.Playwright;

namespace Hopseal.Interop.Tests;

/// <summary>A partner's domain that is watched by the real executable, on its pages in a real browser.</summary>
public sealed class WatchedDomainTests : IAsyncLifetime
{
    const string Partner = "bank.test";
    const string Host = "mx.bank.test";
    const string Unreachable = "silent.test";

    readonly TestDirectory _directory = new("domains");
    readonly Chromium _browser = new();
    readonly int _http = Ports.Next();
    readonly IPEndPoint _partner = new(new IPAddress([127, (byte)Random.Shared.Next(64, 128), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]), Ports.Next());
    TestAuthority? _authority;
    UnboundInstance? _dns;
    GatewayProcess? _gateway;
    TlsHost? _host;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    Uri Site => new($"http://127.0.0.1:{_http}/");

    public async ValueTask InitializeAsync()
    {
        _authority = new TestAuthority(_directory);
        _dns = await UnboundInstance.StartAsync([$"{Partner}. IN MX 10 {Host}.", $"{Host}. IN A {_partner.Address}", $"{Unreachable}. IN MX 10 mx.{Unreachable}.", $"mx.{Unreachable}. IN A 127.63.255.254"], Cancel);
        _host = new TlsHost(_partner, ShownCertificate.Of(_authority.Issue(Host)));
        var port = Ports.Next();
        _gateway = new GatewayProcess(_directory, Settings(port), port);
        await _gateway.StartAsync(Cancel);
        await Ports.ListenedOnAsync(new IPEndPoint(IPAddress.Loopback, _http), () => _gateway.Output, Cancel);
        await _browser.StartAsync();
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_browser, _gateway, _host, _dns], _authority, _directory);

    [Fact(Timeout = 180_000)]
    public async Task What_a_partner_has_proved_is_required_by_one_button_and_taken_back_by_another()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var window = await _browser.OpenAsync(Site);
        var page = window.Page;
        await window.GoAsync("domains", cancel);
        var row = page.GetByRole(AriaRole.Region, new() { Name = "Watched domains" }).GetByRole(AriaRole.Row).Filter(new() { HasText = Partner });
        await Assertions.Expect(row).ToContainTextAsync("partner");
        await window.GoAsync($"domains/{Partner}", cancel);
        var actions = page.GetByRole(AriaRole.Group, new() { Name = $"Actions for {Partner}" });
        var require = actions.GetByRole(AriaRole.Button, new() { Name = "Require what it has proved" });
        await Assertions.Expect(require).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.GetByTestId("required")).ToHaveCountAsync(0);

        await require.ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog).ToContainTextAsync("TLS 1.3");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(page.GetByTestId("required")).ToHaveCountAsync(0);

        await require.ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Require" }).ClickAsync();
        await Assertions.Expect(page.GetByTestId("required")).ToContainTextAsync("prove who they are");
        await Assertions.Expect(require).ToHaveCountAsync(0);
        Assert.Equal("authenticated", await FloorAsync());

        await actions.GetByRole(AriaRole.Button, new() { Name = "Take the requirement back" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Take back" }).ClickAsync();
        await Assertions.Expect(page.GetByTestId("required")).ToHaveCountAsync(0);
        Assert.Equal("plaintext", await FloorAsync());
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Fact(Timeout = 180_000)]
    public async Task What_a_partner_lost_waits_for_a_second_look_and_can_be_accepted()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var window = await _browser.OpenAsync(Site);
        var page = window.Page;
        await window.GoAsync($"domains/{Partner}", cancel);
        await Assertions.Expect(page.GetByTestId("confidential")).ToHaveTextAsync("ok", new() { Timeout = 60_000 });
        var history = page.GetByRole(AriaRole.List, new() { Name = "What it looked like" }).Locator("> li");
        await Assertions.Expect(history).ToHaveCountAsync(1);

        await _host!.DisposeAsync();
        _host = new TlsHost(_partner, null);
        var look = page.GetByRole(AriaRole.Button, new() { Name = "Look now" });
        await look.ClickAsync();
        await Assertions.Expect(page.GetByTestId("pending")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(history).ToHaveCountAsync(1);

        await look.ClickAsync();
        await Assertions.Expect(history).ToHaveCountAsync(2, new() { Timeout = 60_000 });
        await Assertions.Expect(history.First).ToContainTextAsync("worse");
        await Assertions.Expect(page.GetByTestId("confidential")).ToHaveTextAsync("failure");
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "starttls.offered" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Require what it has proved" })).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Accept as it is now" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Accept" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Accept as it is now" })).ToHaveCountAsync(0);
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task The_pages_can_be_used_by_everybody_and_fit_a_phone(ColorScheme scheme)
    {
        var cancel = TestContext.Current.CancellationToken;
        var found = new List<string>();
        await using var window = await _browser.OpenAsync(Site, scheme, (360, 740));
        await window.GoAsync($"domains/{Partner}", cancel);
        await Assertions.Expect(window.Page.GetByTestId("confidential")).ToHaveTextAsync("ok", new() { Timeout = 60_000 });
        foreach (var path in new[] { "domains", "domains?verdict=unknown&as=partner", $"domains/{Partner}", $"domains/{Unreachable}", "domains/nobody.test" })
        {
            await window.GoAsync(path, cancel);
            await Assertions.Expect(window.Page.Locator(".fetching")).ToHaveCountAsync(0);
            Assert.Equal(0, await window.Page.EvaluateAsync<int>("Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"));
            var axe = await window.Page.RunAxe();
            found.AddRange(axe.Violations.SelectMany(violation => violation.Nodes.Select(node => $"/{path}: {violation.Id}: {violation.Help}: {node.Html}")));
        }

        Assert.Empty(found);
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    async Task<string?> FloorAsync()
    {
        var plan = (await Command.RunAsync(Executable.Path, ["plan", Partner, "--json", "--config", _directory["hopseal.json"]], Cancel)).Succeeded("plan");
        return JsonDocument.Parse(plan.Output).RootElement.GetProperty("hosts")[0].GetProperty("floor").GetString();
    }

    object Settings(int port)
    {
        var certificate = _authority!.Issue("gateway.test");
        string[] servers = [$"127.0.0.1:{_dns!.Port}"], roots = [_authority.RootPath], partners = [Partner, Unreachable];
        return new
        {
            Hostname = "gateway.test",
            DataDirectory = _directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            Outbound = new { _partner.Port },
            Dns = new { Servers = servers },
            Trust = new { Roots = roots },
            Monitor = new { Partners = partners, IntervalHours = 24, ConfirmMinutes = 60 },
            Dashboard = new { Endpoint = $"127.0.0.1:{_http}" },
        };
    }
}
