using Deque.AxeCore.Playwright;
using Hopseal.Interop.Tests.Fixtures;
using Microsoft.Playwright;

namespace Hopseal.Interop.Tests;

/// <summary>The dashboard of the real executable, in a real browser.</summary>
public sealed class DashboardTests(WatchedGateway gateway) : IClassFixture<WatchedGateway>
{
    static readonly string[] s_pages =
    [
        "", "?span=month", "destinations", $"destinations/{WatchedGateway.Stuck}", "peers", "sessions", "sessions/1", "queue", "alerts", "reports", "evidence", "certificates", "domains", "domains/nobody.test",
        "queue/00000000000000000000000000", "queue?after=x", "sessions?after=%00", "peers?at=1e99&peer=x", "reports?before=-&sent=-", "alerts?before=99999999999999999999",
    ];

    [Theory(Timeout = 120_000)]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Every_page_loads_without_a_fault_asks_nobody_else_and_can_be_used_by_everybody(ColorScheme scheme)
    {
        var cancel = TestContext.Current.CancellationToken;
        await gateway.SendAsync($"bob@{WatchedGateway.Stuck}", cancel);
        await gateway.SendAsync($"bob@{WatchedGateway.Kept}", cancel);
        await using var window = await gateway.Browser.OpenAsync(gateway.Site, scheme);
        var found = new List<string>();
        var titles = new HashSet<string>();
        foreach (var path in s_pages)
        {
            await window.GoAsync(path, TestContext.Current.CancellationToken);
            await Assertions.Expect(window.Page.Locator("h1")).ToHaveCountAsync(1);
            await Assertions.Expect(window.Page.Locator(".fetching")).ToHaveCountAsync(0);
            Assert.EndsWith("Hopseal", await window.Page.TitleAsync(), StringComparison.Ordinal);
            titles.Add(await window.Page.TitleAsync());
            var axe = await window.Page.RunAxe();
            found.AddRange(axe.Violations.SelectMany(violation => violation.Nodes.Select(node => $"/{path}: {violation.Id}: {violation.Help}: {node.Html}")));
        }

        Assert.Empty(found);
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
        Assert.True(titles.Count >= s_pages.Count(path => !path.Contains('?', StringComparison.Ordinal)), "pages have the same title");
        Assert.DoesNotContain("   at ", gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("XML encryptor", gateway.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task On_a_phone_nothing_is_wider_than_the_screen_and_the_menu_opens()
    {
        await gateway.SendAsync($"bob@{WatchedGateway.Stuck}", TestContext.Current.CancellationToken);
        await using var window = await gateway.Browser.OpenAsync(gateway.Site, size: (360, 740));
        foreach (var path in s_pages)
        {
            await window.GoAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(0, await window.Page.EvaluateAsync<int>("Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"));
        }

        var queue = window.Page.GetByRole(AriaRole.Navigation, new() { Name = "Pages", Exact = true }).GetByRole(AriaRole.Link, new() { Name = "Queue" });
        await Assertions.Expect(queue).ToBeHiddenAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Menu" }).ClickAsync();
        await queue.ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Queue");
        await Assertions.Expect(queue).ToBeHiddenAsync();
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_session_appears_by_itself_when_it_ends()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        await window.GoAsync("", TestContext.Current.CancellationToken);
        var rows = window.Page.GetByRole(AriaRole.Region, new() { Name = "Latest sessions" }).Locator("tbody tr");
        var before = await rows.CountAsync();

        await gateway.SendAsync($"bob@{WatchedGateway.Kept}", cancel);

        await Assertions.Expect(rows).ToHaveCountAsync(Math.Min(before + 1, 15));
        await Assertions.Expect(rows.First).ToContainTextAsync("encrypted");
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Fact(Timeout = 90_000)]
    public async Task An_attack_appears_as_an_alert_and_resolves_when_it_ends()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        var open = window.Page.GetByRole(AriaRole.Region, new() { Name = "stripping.host" });
        var patience = new LocatorAssertionsToBeVisibleOptions { Timeout = 30_000 };
        await window.GoAsync("alerts", cancel);
        await gateway.SendAsync($"before@{WatchedGateway.Attacked}", cancel);
        await gateway.LoggedAsync(1101, $"before@{WatchedGateway.Attacked}", cancel);
        await Assertions.Expect(open).ToHaveCountAsync(0);

        gateway.Attacker.Attack = Attack.Strip;
        await gateway.SendAsync($"during@{WatchedGateway.Attacked}", cancel);
        await Assertions.Expect(open).ToBeVisibleAsync(patience);
        await Assertions.Expect(open).ToContainTextAsync("does not start TLS");

        gateway.Attacker.Attack = Attack.None;
        await window.GoAsync($"destinations/{WatchedGateway.Attacked}", cancel);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" }).ClickAsync();
        await gateway.LoggedAsync(1101, $"during@{WatchedGateway.Attacked}", cancel);
        await window.GoAsync("alerts", cancel);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "stripping.host" })).ToContainTextAsync("resolved", new() { Timeout = 30_000 });
        await Assertions.Expect(open).ToHaveCountAsync(0);
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Fact(Timeout = 60_000)]
    public async Task Mail_is_held_released_and_deleted_from_its_page_and_only_when_it_is_confirmed()
    {
        var cancel = TestContext.Current.CancellationToken;
        var mailbox = $"only{Guid.NewGuid():N}"[..20];
        await gateway.SendAsync($"{mailbox}@{WatchedGateway.Stuck}", cancel);
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        var page = window.Page;
        await window.GoAsync("queue", TestContext.Current.CancellationToken);
        await page.Locator("tbody tr").Last.Locator("th a").ClickAsync();
        await Assertions.Expect(page.GetByText($"{mailbox}@{WatchedGateway.Stuck}")).ToBeVisibleAsync();
        var state = page.GetByRole(AriaRole.Region, new() { Name = "Destinations" }).Locator(".mark");
        await Assertions.Expect(state).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Hold" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Assertions.Expect(state).Not.ToHaveTextAsync("held");

        await ConfirmAsync("Hold");
        await Assertions.Expect(state).ToHaveTextAsync("held");
        await ConfirmAsync("Release");
        await Assertions.Expect(state).Not.ToHaveTextAsync("held");
        await ConfirmAsync("Delete");
        await Assertions.Expect(page.GetByTestId("gone")).ToBeVisibleAsync();
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));

        async Task ConfirmAsync(string action)
        {
            await page.GetByRole(AriaRole.Group).GetByRole(AriaRole.Button, new() { Name = action }).ClickAsync();
            await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = action }).ClickAsync();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task The_plan_of_a_destination_and_its_last_failure_are_told_in_words()
    {
        var cancel = TestContext.Current.CancellationToken;
        await gateway.SendAsync($"bob@{WatchedGateway.Stuck}", cancel);
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        await window.GoAsync("destinations", TestContext.Current.CancellationToken);
        await window.Page.GetByLabel("Domain").FillAsync(WatchedGateway.Stuck);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Show its plan" }).ClickAsync();

        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(WatchedGateway.Stuck);
        await window.Page.GetByText("The plan in full").ClickAsync();
        await Assertions.Expect(window.Page.Locator("pre")).ToContainTextAsync($"{WatchedGateway.Stuck}: relay to one host");
        await Assertions.Expect(window.Page.GetByTestId("failure")).ToContainTextAsync("no connection to 127.0.0.1");
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_keyboard_reaches_the_content_first_and_then_the_pages_and_is_seen()
    {
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        var page = window.Page;
        await window.GoAsync("queue", TestContext.Current.CancellationToken);

        // From the top of the page: a page that was just opened has its heading in focus.
        await page.EvaluateAsync("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')");

        await page.Keyboard.PressAsync("Tab");
        var skip = page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" });
        await Assertions.Expect(skip).ToBeFocusedAsync();
        Assert.True((await skip.BoundingBoxAsync())!.X >= 0, "the focused link is out of sight");

        string[] expected = ["Hopseal", "Overview", "Alerts", "Destinations", "Watched domains", "Inbound peers", "Sessions", "Queue"];
        foreach (var name in expected)
        {
            await page.Keyboard.PressAsync("Tab");
            Assert.Contains(name, await page.EvaluateAsync<string>("document.activeElement.textContent"), StringComparison.Ordinal);
            Assert.NotEqual("none", await page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
        }

        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Queue");
    }

    [Fact(Timeout = 60_000)]
    public async Task The_appearance_that_was_chosen_is_kept()
    {
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        await window.GoAsync("", TestContext.Current.CancellationToken);
        var light = await BackgroundAsync();

        await window.Page.GetByLabel("Appearance").SelectOptionAsync("dark");
        await Assertions.Expect(window.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        var dark = await BackgroundAsync();
        Assert.NotEqual(light, dark);

        await window.GoAsync("queue", TestContext.Current.CancellationToken);
        Assert.Equal(dark, await BackgroundAsync());
        await Assertions.Expect(window.Page.GetByLabel("Appearance")).ToHaveValueAsync("dark");

        Task<string> BackgroundAsync() => window.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
    }

    [Fact(Timeout = 60_000)]
    public async Task Evidence_is_downloaded_and_its_chain_is_verified()
    {
        await gateway.SendAsync($"bob@{WatchedGateway.Kept}", TestContext.Current.CancellationToken);
        await using var window = await gateway.Browser.OpenAsync(gateway.Site);
        await window.GoAsync("evidence", TestContext.Current.CancellationToken);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Verify" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByTestId("whole")).ToBeVisibleAsync();

        await window.Page.Locator("select[name=format]").SelectOptionAsync("jsonl");
        var download = await window.Page.RunAndWaitForDownloadAsync(() => window.Page.GetByRole(AriaRole.Button, new() { Name = "Download" }).ClickAsync());
        Assert.EndsWith(".jsonl", download.SuggestedFilename, StringComparison.Ordinal);
        Assert.Contains(WatchedGateway.Kept, await File.ReadAllTextAsync((await download.PathAsync())!, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.True(window.Faults.Count == 0, string.Join("\n", window.Faults));
    }
}
