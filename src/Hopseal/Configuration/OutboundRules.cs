using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <param name="Until">The last day (UTC) on which the rule applies; null for a rule without end.</param>
sealed record DatedRule(OutboundRule Rule, DateOnly? Until)
{
    /// <summary>So many days before its end people are told of it.</summary>
    public const int DaysOfNotice = 7;

    public bool AppliesOn(DateOnly day) => Until is null || day <= Until;

    /// <summary>Days on which it still applies, today included, once so few are left that people are told; else null.</summary>
    public int? LastDays(DateOnly today) =>
        Until is { } until && until.DayNumber - today.DayNumber + 1 is > 0 and <= DaysOfNotice and var days ? days : null;
}

/// <summary>The list <c>Outbound.Rules</c>. A rule that has Until, Reason and Owner is an exception: somebody owns it, there is a
/// reason, and it ends. Only such a rule lowers what another one asks for.</summary>
static class OutboundRules
{
    static readonly string[] s_terms = ["Until", "Reason", "Owner"];

    /// <param name="directory">Relative paths start here.</param>
    public static ImmutableArray<DatedRule> Read(Section outbound, string directory, TimeProvider clock)
    {
        var today = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
        var rules = ImmutableArray.CreateBuilder<DatedRule>();
        var sections = new List<Section>();
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in outbound.Children("Rules"))
        {
            if (ReadRule(section, directory, clock) is not { } dated)
            {
                continue;
            }

            var scope = Scope(dated.Rule);
            if (!keys.TryAdd(scope, section.Key))
            {
                (section.Find("Destination") ?? section.Find("Sender"))?.Error($"{keys[scope]} is for {scope} already");
            }

            rules.Add(dated);
            sections.Add(section);
        }

        foreach (var (rule, section) in rules.Zip(sections))
        {
            CheckLowering(rule, rules, section, today);
        }

        return rules.ToImmutable();
    }

    static string Scope(OutboundRule rule) => rule.Sender is null ? rule.Destination : $"{rule.Destination} from {rule.Sender}";

    static DatedRule? ReadRule(Section section, string directory, TimeProvider clock)
    {
        var senderSetting = section.Find("Sender");
        var sender = senderSetting is null ? null : ReadSender(senderSetting);
        var destinationSetting = section.Find("Destination");
        var destination = destinationSetting is not null ? ReadDestination(destinationSetting) : senderSetting is null ? null : "*";
        var floor = section.Require("Tls")?.Choice<SecurityFloor>();
        var namesSetting = section.Find("Names");
        ImmutableArray<string> names = [.. namesSetting?.Items().Select(ReadName).OfType<string>() ?? []];
        var demands = RuleDemands.Read(section, floor, directory, clock);
        var hop = section.Find("RequireTls")?.Word("Strict", "AuthenticatedHop");
        var (until, terms) = ReadTerms(section);
        section.Close();

        if (destinationSetting is null && senderSetting is null)
        {
            section.Error("needs Destination or Sender, or both; the destination \"*\" is every one");
        }

        if (floor is SecurityFloor.Plaintext)
        {
            RequireTerms(section, "Plaintext");
        }

        if (namesSetting is not null && floor is SecurityFloor.Plaintext or SecurityFloor.Encrypted)
        {
            namesSetting?.Error($"means nothing with Tls {floor}: names are checked with Authenticated only");
        }

        if (destination is null || floor is null || (senderSetting is not null && sender is null))
        {
            return null;
        }

        var rule = demands.Of(new OutboundRule(destination, floor.Value, names, section.Key, terms)
        {
            Sender = sender,
            AuthenticatedHop = hop is null ? null : hop == "AuthenticatedHop",
        });
        var dated = new DatedRule(rule, until);
        TellEnd(section.Find("Until"), dated, DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime));
        return dated;
    }

    static (DateOnly? Until, ExceptionTerms? Terms) ReadTerms(Section section)
    {
        var until = section.Find("Until")?.Date();
        var reason = section.Find("Reason")?.Text();
        var owner = section.Find("Owner")?.Text();
        return (until, until is { } end && reason is not null && owner is not null ? new ExceptionTerms(end, reason, owner) : null);
    }

    static void TellEnd(Setting? setting, DatedRule dated, DateOnly today)
    {
        if (!dated.AppliesOn(today))
        {
            setting?.Warn(string.Create(CultureInfo.InvariantCulture, $"has passed ({dated.Until:yyyy-MM-dd}): the rule is not applied"));
        }
        else if (dated.LastDays(today) is { } days)
        {
            setting?.Warn(days == 1
                ? "is today: from tomorrow (UTC) on the rule is not applied"
                : string.Create(CultureInfo.InvariantCulture, $"is near: in {days} days the rule is not applied any more"));
        }
    }

    /// <summary>A rule that asks for less than one that is for more does nothing, unless it is an exception: whoever wrote it meant
    /// one.</summary>
    static void CheckLowering(DatedRule dated, IReadOnlyCollection<DatedRule> all, Section section, DateOnly today)
    {
        var (rule, _) = dated;
        if (rule.Exception is not null || rule.Floor is SecurityFloor.Plaintext || !dated.AppliesOn(today))
        {
            return;
        }

        ImmutableArray<OutboundRule> wider =
        [
            .. all.Where(other => other.AppliesOn(today) && other.Rule.Exception is null && OperatorRules.IsWider(other.Rule, rule))
                .Select(other => other.Rule),
        ];
        if (wider.FirstOrDefault(other => other.Floor > rule.Floor) is { } higher)
        {
            RequireTerms(section, $"{rule.Floor} is less than the {higher.Floor} of {higher.Source} for {Scope(higher)}, and");
        }
        else if (wider.FirstOrDefault(other => other.MinimumVersion > rule.MinimumVersion) is { } newer)
        {
            RequireTerms(section, $"its MinimumVersion is less than that of {newer.Source} for {Scope(newer)}, and");
        }

        WarnOfBoth("Fingerprints", !rule.Pins.IsEmpty, wider.FirstOrDefault(other => !other.Pins.IsEmpty));
        WarnOfBoth("Roots", rule.Authority is not null, wider.FirstOrDefault(other => other.Authority is not null));

        void WarnOfBoth(string key, bool asked, OutboundRule? other)
        {
            if (asked && other is not null)
            {
                section.Find(key)?.Warn($"is asked for beside that of {other.Source} for {Scope(other)}: a certificate has to meet both");
            }
        }
    }

    static void RequireTerms(Section section, string what)
    {
        string[] missing = [.. s_terms.Where(name => section.Find(name) is null)];
        if (missing.Length > 0)
        {
            section.Error($"{what} needs {string.Join(", ", missing)}: an exception has an end, a reason and an owner");
        }
    }

    static SenderPattern? ReadSender(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (SenderPattern.TryParse(text, out var sender))
        {
            return sender;
        }

        setting.Error($"{Shown.Text(text)} is no sender: write {SenderPattern.Forms}");
        return null;
    }

    /// <summary>In the form names are compared in; see <see cref="OperatorRules"/>.</summary>
    static string? ReadDestination(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (OperatorRules.IsDestination(text))
        {
            return text[0] is '[' || text == "*" ? text : Canonical(text);
        }

        setting.Error($"{Shown.Text(text)} is not a domain name, nor \"*.\" and a domain name, an address in brackets, or \"*\"");
        return null;
    }

    /// <summary>A name that a certificate may be for; a leading <c>*.</c> stands for one label.</summary>
    static string? ReadName(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (Canonical(text) is { } name)
        {
            return name;
        }

        setting.Error($"{Shown.Text(text)} is not a host name, nor \"*.\" and a domain name");
        return null;
    }

    static string? Canonical(string text)
    {
        var isWildcard = text.StartsWith("*.", StringComparison.Ordinal);
        return DomainName.TryParse(isWildcard ? text.AsSpan(2) : text, out var name) ? isWildcard ? $"*.{name}" : name.Ascii : null;
    }
}
