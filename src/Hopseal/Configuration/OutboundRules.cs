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

    public static ImmutableArray<DatedRule> Read(Section outbound, DateOnly today)
    {
        var rules = ImmutableArray.CreateBuilder<DatedRule>();
        var sections = new List<Section>();
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in outbound.Children("Rules"))
        {
            if (ReadRule(section, today) is not { } dated)
            {
                continue;
            }

            var destination = dated.Rule.Destination;
            if (!keys.TryAdd(destination, section.Key))
            {
                section.Find("Destination")?.Error($"{keys[destination]} is for {destination} already");
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

    static DatedRule? ReadRule(Section section, DateOnly today)
    {
        var destination = section.Require("Destination") is { } destinationSetting ? ReadDestination(destinationSetting) : null;
        var floor = section.Require("Tls")?.Choice<SecurityFloor>();
        var namesSetting = section.Find("Names");
        ImmutableArray<string> names = [.. namesSetting?.Items().Select(ReadName).OfType<string>() ?? []];
        var untilSetting = section.Find("Until");
        var until = untilSetting?.Date();
        var reasonSetting = section.Find("Reason");
        var reason = reasonSetting?.Text();
        var ownerSetting = section.Find("Owner");
        var owner = ownerSetting?.Text();
        section.Close();

        if (floor is SecurityFloor.Plaintext)
        {
            RequireTerms(section, "Plaintext");
        }

        if (namesSetting is not null && floor is SecurityFloor.Plaintext or SecurityFloor.Encrypted)
        {
            namesSetting?.Error($"means nothing with Tls {floor}: names are checked with Authenticated only");
        }

        if (until < today)
        {
            untilSetting?.Warn(string.Create(CultureInfo.InvariantCulture, $"has passed ({until:yyyy-MM-dd}): the rule is not applied"));
        }

        if (destination is null || floor is null)
        {
            return null;
        }

        var terms = until is { } end && reason is not null && owner is not null ? new ExceptionTerms(end, reason, owner) : null;
        var dated = new DatedRule(new OutboundRule(destination, floor.Value, names, section.Key, terms), until);
        if (dated.LastDays(today) is { } days)
        {
            untilSetting?.Warn(days == 1
                ? "is today: from tomorrow (UTC) on the rule is not applied"
                : string.Create(CultureInfo.InvariantCulture, $"is near: in {days} days the rule is not applied any more"));
        }

        return dated;
    }

    /// <summary>A rule that asks for less than one for a wider destination does nothing, unless it is an exception: whoever wrote it meant
    /// one.</summary>
    static void CheckLowering(DatedRule dated, IEnumerable<DatedRule> all, Section section, DateOnly today)
    {
        var (rule, _) = dated;
        if (rule.Exception is not null || rule.Floor is SecurityFloor.Plaintext || !dated.AppliesOn(today))
        {
            return;
        }

        var wider = all.FirstOrDefault(other => other.AppliesOn(today)
            && other.Rule.Exception is null
            && other.Rule.Floor > rule.Floor
            && OperatorRules.IsWider(other.Rule.Destination, rule.Destination));
        if (wider is not null)
        {
            RequireTerms(section, $"{rule.Floor} is less than the {wider.Rule.Floor} of {wider.Rule.Source} for {wider.Rule.Destination}, and");
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
