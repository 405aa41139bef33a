using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <param name="Until">The last day (UTC) on which the rule applies; null for a rule without end.</param>
sealed record DatedRule(OutboundRule Rule, DateOnly? Until)
{
    public bool AppliesOn(DateOnly day) => Until is null || day <= Until;
}

/// <summary>The list <c>Outbound.Rules</c>. A rule that lets mail go in plaintext is an exception: somebody owns it, there is a
/// reason, and it ends.</summary>
static class OutboundRules
{
    public static ImmutableArray<DatedRule> Read(Section outbound, DateOnly today)
    {
        var rules = ImmutableArray.CreateBuilder<DatedRule>();
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
        var reason = section.Find("Reason");
        reason?.Text();
        var owner = section.Find("Owner");
        owner?.Text();
        section.Close();

        if (floor is SecurityFloor.Plaintext)
        {
            string[] missing = [.. Missing(("Until", untilSetting), ("Reason", reason), ("Owner", owner))];
            if (missing.Length > 0)
            {
                section.Error($"Plaintext needs {string.Join(", ", missing)}: an exception has an end, a reason and an owner");
            }
        }

        if (namesSetting is not null && floor is SecurityFloor.Plaintext or SecurityFloor.Encrypted)
        {
            namesSetting?.Error($"means nothing with Tls {floor}: names are checked with Authenticated only");
        }

        if (until < today)
        {
            untilSetting?.Warn(string.Create(CultureInfo.InvariantCulture, $"has passed ({until:yyyy-MM-dd}): the rule is not applied"));
        }

        return destination is null || floor is null
            ? null
            : new DatedRule(new OutboundRule(destination, floor.Value, names, section.Key), until);
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

    static IEnumerable<string> Missing(params (string Name, Setting? Setting)[] settings) =>
        settings.Where(pair => pair.Setting is null).Select(pair => pair.Name);
}
