using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Smtp.Mail;

namespace Hopseal.Policy;

/// <summary>A plan's floors for each kind of message (RFC 8689), as a table for people.</summary>
static class MessageFloors
{
    const string Heading = "floor for";
    const string NoMail = "no mail";

    static readonly ImmutableArray<(MessageTls Kind, string Heading)> s_kinds =
    [
        (MessageTls.Unspecified, "most mail"),
        (MessageTls.Required, "REQUIRETLS"),
        (MessageTls.Optional, "TLS-Required: No"),
    ];

    /// <summary>Nothing where the plan has no hosts.</summary>
    public static void Write(StringBuilder text, DeliveryPlan plan)
    {
        var hosts = HostsOf(plan);
        if (hosts.IsEmpty)
        {
            return;
        }

        var plans = s_kinds.Select(kind => plan.For(kind.Kind)).ToArray();
        var width = hosts.Max(host => Math.Max(Heading.Length, host.ToString().Length));
        Row(Heading, s_kinds.Select(kind => kind.Heading));
        foreach (var host in hosts)
        {
            Row(host.ToString(), plans.Select(one => FloorOf(one, host)));
        }

        foreach (var ((kind, heading), one) in s_kinds.Zip(plans))
        {
            var words = (kind, plan, one) switch
            {
                (MessageTls.Unspecified, _, _) or (_, DeliveryPlan.Defer, DeliveryPlan.Defer) => null,
                (_, _, DeliveryPlan.Bounce bounce) => $"return to sender, {bounce.Status} {bounce.Reason}",
                (_, _, DeliveryPlan.Defer defer) => $"wait, {defer.Status} {defer.Reason}",
                _ => null,
            };
            if (words is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {heading}: {words}\n");
            }
            else if (kind is not MessageTls.Unspecified && plan is DeliveryPlan.Relay && one is DeliveryPlan.Defer defer)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {heading}: wait, {defer.Status} {defer.Reason}\n");
            }
        }

        void Row(string head, IEnumerable<string> cells) =>
            text.Append("  ").Append(string.Concat([head.PadRight(width), .. cells.Select(cell => $"  {cell,-13}")]).TrimEnd()).Append('\n');
    }

    static ImmutableArray<PlannedHost> HostsOf(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Relay relay => [.. relay.Hosts.Select(host => host.Host), .. relay.Excluded.Select(host => host.Plan.Host)],
        DeliveryPlan.Defer defer => [.. defer.Excluded.Select(host => host.Plan.Host)],
        _ => [],
    };

    static string FloorOf(DeliveryPlan plan, PlannedHost host) =>
        (plan as DeliveryPlan.Relay)?.Hosts.FirstOrDefault(one => one.Host == host)?.Floor.ToString() ?? NoMail;
}
