namespace Hopseal.Reports.Alerts;

/// <summary>How soon somebody should look. The numbers are stored.</summary>
public enum AlertSeverity
{
    Info = 0,
    Warning = 1,
    Critical = 2,
}

/// <summary>What a rule says of one subject now, when something is wrong with it. That nothing is wrong is said by its absence.</summary>
/// <param name="Subject">What it is about: a host, a file, a domain; one alert for each.</param>
/// <param name="Text">One line for people.</param>
/// <param name="Advice">What to do.</param>
/// <param name="Certain">False for what could be a passing fault: it counts when it is seen a second time.</param>
public sealed record Trouble(string Subject, AlertSeverity Severity, string Text, string Advice, bool Certain = true)
{
    /// <summary>Whether something is wrong with this subject cannot be found out now: nothing changes for it.</summary>
    public bool IsUnknown { get; private init; }

    public static Trouble Unknown(string subject) => new(subject, AlertSeverity.Info, "", "") { IsUnknown = true };
}

/// <summary>Something that is wrong, from when it was noticed to when it ended.</summary>
/// <param name="Id">Grows with time.</param>
/// <param name="Rule">See <see cref="AlertRules"/>.</param>
/// <param name="ResolvedAt">Null while it is open.</param>
/// <param name="SilencedUntil">An operator knows of it: no notice before, whatever happens to it.</param>
public sealed record Alert(
    long Id, string Rule, string Subject, AlertSeverity Severity, string Text, string Advice, DateTimeOffset OpenedAt, DateTimeOffset SeenAt, DateTimeOffset? ResolvedAt,
    DateTimeOffset? SilencedUntil)
{
    public bool IsOpen => ResolvedAt is null;
}

public enum NoticeKind
{
    Opened,

    /// <summary>It became more severe.</summary>
    Raised,

    /// <summary>It is critical, and still open a day later.</summary>
    Reminder,

    Resolved,

    /// <summary>Somebody tries whether notices arrive.</summary>
    Test,
}

/// <summary>What is told through the channels.</summary>
public sealed record AlertNotice(NoticeKind Kind, Alert Alert, DateTimeOffset At);
