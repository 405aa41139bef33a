using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The list <c>Outbound.Rules</c>. A rule that lets mail go in plaintext is an exception: somebody owns it, there is a
/// reason, and it ends.</summary>
static class OutboundRules
{
    public static ImmutableArray<OutboundRule> Read(Section outbound, DateOnly today)
    {
        var rules = ImmutableArray.CreateBuilder<OutboundRule>();
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in outbound.Children("Rules"))
        {
            var rule = ReadRule(section, today, out var expired);
            if (rule is null)
            {
                continue;
            }

            if (!keys.TryAdd(rule.Destination, section.Key))
            {
                section.Find("Destination")?.Error($"{keys[rule.Destination]} is for {rule.Destination} already");
            }

            if (!expired)
            {
                rules.Add(rule);
            }
        }

        return rules.ToImmutable();
    }

    static OutboundRule? ReadRule(Section section, DateOnly today, out bool expired)
    {
        var destination = section.Require("Destination") is { } destinationSetting ? ReadDestination(destinationSetting) : null;
        var floor = section.Require("Tls")?.Choice<SecurityFloor>();
        var namesSetting = section.Find("Names");
        ImmutableArray<string> names = [.. namesSetting?.Items().Select(ReadDestination).OfType<string>() ?? []];
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

        expired = until < today;
        if (expired)
        {
            untilSetting?.Warn(string.Create(CultureInfo.InvariantCulture, $"has passed ({until:yyyy-MM-dd}): the rule is not applied"));
        }

        return destination is null || floor is null ? null : new OutboundRule(destination, floor.Value, names, section.Key);
    }

    /// <summary>A domain, or <c>*.</c> and a domain; in the form names are compared in.</summary>
    static string? ReadDestination(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        var isWildcard = text.StartsWith("*.", StringComparison.Ordinal);
        if (!DomainName.TryParse(isWildcard ? text.AsSpan(2) : text, out var name))
        {
            setting.Error($"{Shown.Text(text)} is not a domain name, nor \"*.\" and a domain name");
            return null;
        }

        return isWildcard ? $"*.{name}" : name.Ascii;
    }

    static IEnumerable<string> Missing(params (string Name, Setting? Setting)[] settings) =>
        settings.Where(pair => pair.Setting is null).Select(pair => pair.Name);
}
