using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Hopseal.Reports.Alerts;

/// <summary>What one mail a day says: what is open, whatever its severity, and what ended since the mail before.</summary>
/// <param name="Open">The most severe first.</param>
/// <param name="Ended">The newest first.</param>
public sealed record AlertDigest(DateTimeOffset Since, ImmutableArray<Alert> Open, ImmutableArray<Alert> Ended)
{
    const int MostOfEach = 100;

    /// <summary>There is nothing to say, and no mail.</summary>
    public bool IsEmpty => Open.IsEmpty && Ended.IsEmpty;

    public string Subject
    {
        get
        {
            var begun = Open.Count(alert => alert.OpenedAt >= Since);
            return string.Create(CultureInfo.InvariantCulture, $"daily: {Open.Length} open{(begun > 0 ? $", {begun} of them new" : "")}; {Ended.Length} ended");
        }
    }

    public string Text
    {
        get
        {
            var text = new StringBuilder();
            Write(text, "Open", Open, alert => string.Create(
                CultureInfo.InvariantCulture,
                $"since {alert.OpenedAt:u}{(alert.OpenedAt >= Since ? ", new" : "")}{(alert.SilencedUntil is { } until ? $", silent until {until:u}" : "")}\n  What to do: {alert.Advice}"));
            Write(text, "Ended", Ended, alert => string.Create(CultureInfo.InvariantCulture, $"from {alert.OpenedAt:u} to {alert.ResolvedAt:u}"));
            return text.ToString();
        }
    }

    static void Write(StringBuilder text, string title, ImmutableArray<Alert> alerts, Func<Alert, string> words)
    {
        if (alerts.IsEmpty)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"{title}\n\n");
        foreach (var alert in alerts.Take(MostOfEach))
        {
            text.Append(CultureInfo.InvariantCulture, $"* {alert.Text}\n  {WebhookBody.Word(alert.Severity)}, {alert.Rule}, alert {alert.Id}, {words(alert)}\n");
        }

        text.Append(alerts.Length > MostOfEach ? string.Create(CultureInfo.InvariantCulture, $"* and {alerts.Length - MostOfEach} more: hopseal alerts list --all\n\n") : "\n");
    }
}
