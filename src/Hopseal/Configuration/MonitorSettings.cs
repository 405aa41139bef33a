using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Output;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Profiles;
using Hopseal.Dns;
using Hopseal.Monitor;

namespace Hopseal.Configuration;

/// <summary>Section Monitor: which domains are looked at from outside again and again, and how.</summary>
sealed record MonitorSettings
{
    const int MostDomains = 10_000;
    const int MostOctets = 4 * 1024 * 1024;
    const int MostBadLines = 20;
    const int UsualConnections = 10;
    const int UsualDeepConnections = 40;

    /// <summary>By name; each once, and as ours where it is both.</summary>
    public required ImmutableArray<WatchedDomain> Domains { get; init; }

    public required Profile Profile { get; init; }

    /// <summary>Whom nobody asks.</summary>
    public required Manners Manners { get; init; }

    public required MonitorOptions Options { get; init; }

    /// <summary>Every suite and group.</summary>
    public bool Deep { get; init; }

    /// <summary>To one address in one look, at most.</summary>
    public int Connections { get; init; } = UsualConnections;

    /// <summary>In EHLO; null: our Hostname.</summary>
    public DomainName? EhloName { get; init; }

    /// <summary>Null without the section, or without domains.</summary>
    /// <param name="ours">The domains that mail is taken for.</param>
    public static MonitorSettings? Read(Section root, ImmutableArray<DomainName> ours, string directory)
    {
        if (root.Find("Monitor")?.Section() is not { } section)
        {
            return null;
        }

        var own = section.Find("Own") is { } list ? Names(list) : ours;
        var partners = section.Find("Partners") is { } setting ? Partners(setting, directory) : [];
        var deep = section.Find("Deep")?.Flag() ?? false;
        var usual = new MonitorOptions();
        var settings = new MonitorSettings
        {
            Domains = [.. own.Select(name => new WatchedDomain(name, WatchedAs.Own)).Concat(partners.Select(name => new WatchedDomain(name, WatchedAs.Partner)))
                .DistinctBy(domain => domain.Name).OrderBy(domain => domain.Name.Ascii, StringComparer.Ordinal)],
            Profile = ReadProfile(section.Find("Profile"), directory),
            Manners = section.Find("LeaveOut") is { } leaveOut ? ReadManners(leaveOut, directory) : Manners.Everybody,
            Options = usual with
            {
                Interval = section.Find("IntervalHours")?.Whole(1, 168) is { } hours ? TimeSpan.FromHours(hours) : usual.Interval,
                Confirm = section.Find("ConfirmMinutes")?.Whole(1, 60) is { } minutes ? TimeSpan.FromMinutes(minutes) : usual.Confirm,
            },
            Deep = deep,
            Connections = section.Find("Connections")?.Whole(1, 100) ?? (deep ? UsualDeepConnections : UsualConnections),
            EhloName = section.Find("EhloName")?.Domain(),
        };
        section.Close();
        if (settings.Domains.Length > MostDomains)
        {
            section.Error(string.Create(CultureInfo.InvariantCulture, $"names {settings.Domains.Length} domains, and no more than {MostDomains} can be watched"));
        }
        else if (settings.Domains.IsEmpty && section.Find("Own") is null && section.Find("Partners") is null)
        {
            section.Warn("names no domain, and Domains has none: nothing is watched");
        }

        return settings;
    }

    static ImmutableArray<DomainName> Names(Setting list) => [.. list.Items().Take(MostDomains + 1).Select(item => item.Domain()).OfType<DomainName>()];

    /// <summary>A list, or the name of a file with one in each line.</summary>
    static ImmutableArray<DomainName> Partners(Setting setting, string directory)
    {
        if (setting.Node is not ConfigNode.Text)
        {
            return Names(setting);
        }

        if (ReadFile(setting, directory) is not { } text)
        {
            return [];
        }

        var names = ImmutableArray.CreateBuilder<DomainName>();
        var bad = 0;
        foreach (var (line, number) in text.Split('\n').Select((line, place) => (line.Split('#', 2)[0].Trim(), place + 1)))
        {
            if (line.Length == 0)
            {
                continue;
            }

            if (!DomainName.TryParse(line, out var name))
            {
                if (++bad <= MostBadLines)
                {
                    setting.Error(string.Create(CultureInfo.InvariantCulture, $"line {number} is not a domain name: {Shown.Text(line)}"));
                }

                continue;
            }

            names.Add(name);
        }

        if (bad > MostBadLines)
        {
            setting.Error(Words.Count(bad - MostBadLines, "more line is no domain name", "more lines are no domain names"));
        }

        return names.ToImmutable();
    }

    static Profile ReadProfile(Setting? setting, string directory)
    {
        if (setting?.Text() is not { } name)
        {
            return Profile.Named(Profile.Default);
        }

        if (Profile.BuiltIn.Contains(name))
        {
            return Profile.Named(name);
        }

        if (!name.EndsWith(".json", StringComparison.Ordinal))
        {
            setting.Error($"{Shown.Text(name)} is none of {string.Join(", ", Profile.BuiltIn)}, and no JSON file{Shown.DidYouMean(name, Profile.BuiltIn)}");
        }
        else if (ReadFile(setting, directory) is { } json)
        {
            try
            {
                return Profile.Parse(json);
            }
            catch (InvalidDataException e)
            {
                setting.Error(e.Message);
            }
        }

        return Profile.Named(Profile.Default);
    }

    static Manners ReadManners(Setting setting, string directory)
    {
        if (ReadFile(setting, directory) is not { } text)
        {
            return Manners.Everybody;
        }

        try
        {
            using var lines = new StringReader(text);
            return Manners.Read(lines);
        }
        catch (InvalidDataException e)
        {
            setting.Error(e.Message);
            return Manners.Everybody;
        }
    }

    static string? ReadFile(Setting setting, string directory)
    {
        if (setting.Path(directory) is not { } path)
        {
            return null;
        }

        try
        {
            if (new FileInfo(path) is { Length: > MostOctets })
            {
                setting.Error($"{path} is larger than {MostOctets} octets");
                return null;
            }

            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            setting.Error(e is FileNotFoundException or DirectoryNotFoundException ? $"{path} does not exist" : $"{path} cannot be read: {e.Message}");
            return null;
        }
    }
}
