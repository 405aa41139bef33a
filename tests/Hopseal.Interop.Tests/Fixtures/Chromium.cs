using System.Text;
using Microsoft.Playwright;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Debian's Chromium, driven by Playwright. Nothing of it is left running afterwards: that is looked for.</summary>
sealed class Chromium : IAsyncDisposable
{
    const string Path = "/usr/bin/chromium";

    static readonly TimeSpan s_longestEnd = TimeSpan.FromSeconds(20);

    // A switch that Chromium does not know, and passes on to each of its processes.
    readonly string _mark = $"--hopseal-test={Guid.NewGuid():N}";
    IPlaywright? _playwright;
    IBrowser? _browser;

    public async Task StartAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Path,
            Args = [_mark, .. Environment.IsPrivilegedProcess ? ["--no-sandbox"] : Array.Empty<string>()],
        });
    }

    /// <summary>A window of its own, with no cookie.</summary>
    /// <param name="size">Width and height.</param>
    public async Task<Window> OpenAsync(Uri site, ColorScheme scheme = ColorScheme.Light, (int Width, int Height)? size = null)
    {
        var browser = _browser ?? throw new InvalidOperationException("not started");
        var context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = scheme,
            IgnoreHTTPSErrors = true,
            ViewportSize = new ViewportSize { Width = size?.Width ?? 1280, Height = size?.Height ?? 900 },
        });
        context.SetDefaultTimeout(20_000);
        return new Window(context, await context.NewPageAsync(), site);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
        await Eventually.TrueAsync("the end of Chromium", s_longestEnd, () => Remaining().Count == 0, () => string.Join('\n', Remaining()), CancellationToken.None);
    }

    List<string> Remaining()
    {
        var found = new List<string>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(directory => char.IsAsciiDigit(System.IO.Path.GetFileName(directory)[0])))
        {
            try
            {
                var line = Encoding.UTF8.GetString(File.ReadAllBytes($"{process}/cmdline"));
                if (line.Contains(_mark, StringComparison.Ordinal))
                {
                    found.Add($"{process}: {line.Replace('\0', ' ')}");
                }
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return found;
    }
}

/// <summary>One window, and everything in it that went wrong.</summary>
sealed class Window : IAsyncDisposable
{
    readonly IBrowserContext _context;
    readonly Uri _site;
    readonly List<string> _faults = [];

    public Window(IBrowserContext context, IPage page, Uri site)
    {
        (_context, Page, _site) = (context, page, site);

        // Violations of the policy are told here too.
        page.Console += (_, message) => Keep(message.Type is "error" or "warning" ? $"{message.Type}: {message.Text}" : null);
        page.PageError += (_, error) => Keep(error);
        page.Request += (_, request) => Keep(IsHere(request.Url) ? null : $"asked {request.Url}");
        page.WebSocket += (_, socket) => Keep(IsHere(socket.Url) ? null : $"opened {socket.Url}");
        page.RequestFailed += (_, request) => Keep(IsAbandoned(request) ? null : $"{request.Url}: {request.Failure}");
        page.Response += (_, response) => Keep(response.Status >= 400 ? $"{response.Url}: {response.Status}" : null);
    }

    public IPage Page { get; }

    /// <summary>Console errors, violations of the policy, requests to others, answers that are errors.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_faults)
            {
                return [.. _faults];
            }
        }
    }

    /// <summary>Goes there, and waits until the page is alive.</summary>
    public async Task GoAsync(string path, CancellationToken cancel)
    {
        await Page.GotoAsync(new Uri(_site, path).ToString()).WaitAsync(cancel);
        await AliveAsync().WaitAsync(cancel);
    }

    public Task AliveAsync() => Page.Locator("html[data-connected]").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Attached });

    public async ValueTask DisposeAsync() => await _context.CloseAsync();

    bool IsHere(string url) => Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Authority == _site.Authority || uri.Scheme is "data" or "blob");

    // What the page before had asked for and nobody waits for any more.
    static bool IsAbandoned(IRequest request) => request.Failure is "net::ERR_ABORTED";

    void Keep(string? fault)
    {
        if (fault is not null)
        {
            lock (_faults)
            {
                _faults.Add(fault);
            }
        }
    }
}
