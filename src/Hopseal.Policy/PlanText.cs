using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Hopseal.Policy;

/// <summary>A plan as people read it.</summary>
public static class PlanText
{
    /// <summary>Lines end in LF; the last one too.</summary>
    public static string Write(string domain, DeliveryPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan switch
        {
            DeliveryPlan.Relay relay => Write(domain, relay),
            DeliveryPlan.Keep keep => $"{domain}: kept here, in {keep.Maildir}\n",
            DeliveryPlan.Defer defer => $"{domain}: wait, {defer.Status} {defer.Reason}\n",
            DeliveryPlan.Bounce bounce => $"{domain}: return to sender, {bounce.Status} {bounce.Reason}\n",
            _ => throw new ArgumentException($"unknown plan {plan}", nameof(plan)),
        };
    }

    static void Excluded(StringBuilder text, ImmutableArray<ExcludedHost> hosts)
    {
        foreach (var (plan, why) in hosts)
        {
            text.Append(CultureInfo.InvariantCulture, $"  -  {plan.Host}, {Origin(plan.Host)}: gets no mail: {why.Detail ?? why.ReasonCode}\n");
        }
    }

    static string Write(string domain, DeliveryPlan.Relay relay)
    {
        var text = new StringBuilder();
        var credentials = relay.Credentials ? ", with our credentials" : "";
        text.Append(CultureInfo.InvariantCulture, $"{domain}: relay to {Count(relay.Hosts.Length)}{credentials}\n");
        for (var i = 0; i < relay.Hosts.Length; i++)
        {
            Write(text, i + 1, relay.Hosts[i]);
        }

        Excluded(text, relay.Excluded);

        return text.ToString();
    }

    static void Write(StringBuilder text, int number, HostPlan plan)
    {
        var host = plan.Host;
        text.Append(CultureInfo.InvariantCulture, $"  {number}. {host}, {Origin(host)}\n");
        Line(text, "addresses", host.AddressFailure is { } failure ? $"none, skipped: {failure}" : string.Join(", ", host.Addresses));
        Line(text, "start", host.Start switch
        {
            Smtp.Tls.TlsStart.StartTls => "STARTTLS",
            Smtp.Tls.TlsStart.Implicit => "TLS from the first byte",
            Smtp.Tls.TlsStart.None => "no TLS",
        });
        foreach (var policy in plan.Policies)
        {
            Line(text, "policy", $"{policy.Floor,-13} {Describe(policy)}");
        }

        foreach (var note in plan.Notes)
        {
            Line(text, "no", $"{note.Mechanism}: {note.Detail}");
        }

        Line(text, "floor", plan.Floor.ToString());
        Line(text, "names", plan.ReferenceNames.IsEmpty ? "none" : string.Join(", ", plan.ReferenceNames));
    }

    static string Describe(TransportPolicy policy) => policy switch
    {
        TransportPolicy.Opportunistic => "nothing published: encrypt if offered",
        TransportPolicy.Operator { Exception: { } terms } exception => $"exception: {exception.Source}, {terms}",
        TransportPolicy.Operator configured => $"configured: {configured.Source}",
        TransportPolicy.Excepted excepted =>
            $"instead of {excepted.Policy.Floor}, by the exception {excepted.By.Source}: {Describe(excepted.Policy)}",
        TransportPolicy.Credentials => "credentials never travel in plaintext",
        TransportPolicy.ProvenTls proven => string.Create(
            CultureInfo.InvariantCulture, $"completed TLS before, last {proven.LastProvenAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC"),
        TransportPolicy.Dane dane => string.Create(
            CultureInfo.InvariantCulture,
            $"DANE: {dane.Usable.Length} usable TLSA at {dane.Base}{(dane.SecureMx ? "" : ", of a host that DNS does not vouch for")}"),
        TransportPolicy.DaneUnusable unusable => $"DANE: no usable TLSA at {unusable.Base}",
        TransportPolicy.MtaSts sts => string.Create(
            CultureInfo.InvariantCulture,
            $"MTA-STS: {sts.Policy.Mode}, id {sts.Policy.Id}, fetched {sts.FetchedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC"),
        TransportPolicy.RequireTls => "the sender requires it (REQUIRETLS)",
        TransportPolicy.Waived waived => $"waived by the sender: {Describe(waived.Policy)}",
        _ => throw new ArgumentException($"unknown policy {policy}", nameof(policy)),
    };

    static string Origin(PlannedHost host) => host.Authenticity switch
    {
        HostAuthenticity.Configured => "configured",
        HostAuthenticity.MtaSts => string.Create(CultureInfo.InvariantCulture, $"MX {host.Preference}, named by MTA-STS"),
        HostAuthenticity.Dnssec => string.Create(CultureInfo.InvariantCulture, $"MX {host.Preference}, DNSSEC-validated"),
        HostAuthenticity.None => host.Name is null ? "address literal"
            : string.Create(CultureInfo.InvariantCulture, $"MX {host.Preference}, not signed"),
    };

    static string Count(int hosts) =>
        hosts == 1 ? "one host" : string.Create(CultureInfo.InvariantCulture, $"{hosts} hosts, in this order");

    static void Line(StringBuilder text, string label, string value) =>
        text.Append(CultureInfo.InvariantCulture, $"     {label,-10} {value}\n");
}
