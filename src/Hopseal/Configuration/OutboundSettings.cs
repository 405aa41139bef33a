using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The section <c>Outbound</c>: how mail leaves.</summary>
/// <param name="Port">Of MX hosts.</param>
/// <param name="DelayWarning">After which wait senders are told; null: never.</param>
/// <param name="IdleTime">How long a session is kept for the next message; zero: not at all.</param>
/// <param name="RememberTls">How long a host that completed TLS is held to it.</param>
/// <param name="SmartHostPasswordFile">Kept as a path in messages; the password is read when the gateway starts.</param>
sealed record OutboundSettings(
    int Port,
    NextHop? SmartHost,
    SecurityFloor? SmartHostFloor,
    string? SmartHostUser,
    Setting? SmartHostPasswordFile,
    RetrySchedule Schedule,
    TimeSpan? DelayWarning,
    int Connections,
    int ConnectionsPerDestination,
    TimeSpan IdleTime,
    int MessagesPerSession,
    TimeSpan RememberTls,
    ImmutableArray<DatedRule> Rules)
{
    const int StandardDelayWarningHours = 4;

    static readonly ImmutableArray<int> s_retryMinutes = [5, 10, 30, 60, 120, 240];

    /// <summary>What holds when nothing is said.</summary>
    public static OutboundSettings Standard { get; } = Read(
        new Section(new ConfigNode.Table(new Origin(""), []), "Outbound", new FaultList()), "", TimeProvider.System);

    /// <param name="directory">Relative paths start here.</param>
    public static OutboundSettings Read(Section section, string directory, TimeProvider clock)
    {
        var retry = section.Find("RetryMinutes");
        var minutes = retry is null ? s_retryMinutes : [.. retry.Items().Select(item => item.Whole(1, 7 * 24 * 60)).OfType<int>()];
        if (retry?.Node is ConfigNode.List { Items.Length: 0 or > 100 })
        {
            retry.Error("needs 1 to 100 delays");
        }

        var giveUp = section.Find("GiveUpHours")?.Whole(1, 30 * 24) ?? 120;
        var delayWarning = DelayWarningOf(section.Find("DelayWarningHours"), giveUp);
        var smartHostSetting = section.Find("SmartHost");
        var smartHost = smartHostSetting?.NextHop();
        var floorSetting = section.Find("SmartHostTls");
        var floor = floorSetting?.Choice<SecurityFloor>();
        var userSetting = section.Find("SmartHostUser");
        var passwordFile = section.Find("SmartHostPasswordFile");
        CheckSmartHost(smartHostSetting, smartHost, floorSetting, floor, userSetting, passwordFile);

        var settings = new OutboundSettings(
            section.Find("Port")?.Whole(1, 65535) ?? 25,
            smartHost,
            floor,
            userSetting?.Text(),
            passwordFile,
            new RetrySchedule([.. minutes.Select(minute => TimeSpan.FromMinutes(minute))], TimeSpan.FromHours(giveUp)),
            delayWarning,
            section.Find("Connections")?.Whole(1, 100_000) ?? 200,
            section.Find("ConnectionsPerDestination")?.Whole(1, 1000) ?? 10,
            TimeSpan.FromSeconds(section.Find("IdleSeconds")?.Whole(0, 60) ?? 5),
            section.Find("MessagesPerSession")?.Whole(1, 100_000) ?? 500,
            TimeSpan.FromDays(section.Find("RememberTlsDays")?.Whole(0, 3650) ?? 30),
            OutboundRules.Read(section, directory, clock));
        section.Close();
        return settings;
    }

    /// <summary>What nobody asked for gives way to a short GiveUpHours.</summary>
    static TimeSpan? DelayWarningOf(Setting? setting, int giveUpHours)
    {
        var hours = setting?.Whole(0, 30 * 24) ?? (giveUpHours > StandardDelayWarningHours ? StandardDelayWarningHours : 0);
        if (hours >= giveUpHours)
        {
            setting?.Error("must be less than GiveUpHours; 0 for no warning");
        }

        return hours == 0 ? null : TimeSpan.FromHours(hours);
    }

    static void CheckSmartHost(
        Setting? hostSetting, NextHop? host, Setting? floorSetting, SecurityFloor? floor, Setting? user, Setting? passwordFile)
    {
        foreach (var setting in new[] { floorSetting, user, passwordFile })
        {
            if (hostSetting is null)
            {
                setting?.Error("means nothing without a SmartHost");
            }
        }

        if (user is null != passwordFile is null)
        {
            (user ?? passwordFile)?.Error("SmartHostUser and SmartHostPasswordFile belong together");
        }

        if (user is not null && floor is SecurityFloor.Plaintext)
        {
            floorSetting?.Error("Plaintext would send the password of SmartHostUser readable over the network");
        }

        if (user is not null && floor is not SecurityFloor.Authenticated)
        {
            (floorSetting ?? user).Warn("without SmartHostTls Authenticated the password goes to whoever answers at that address");
        }

        DomainTable.CheckNamed(floorSetting, floor, host);
    }
}
