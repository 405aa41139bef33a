using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>A plan as people read it.</summary>
public static class PlanText
{
    const string Unvouched = ", of a host that DNS does not vouch for";

    /// <summary>Lines end in LF; the last one too.</summary>
    public static string Write(string domain, DeliveryPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var text = new StringBuilder();
        switch (plan)
        {
            case DeliveryPlan.Relay relay:
                var credentials = relay.Credentials ? ", with our credentials" : "";
                text.Append(CultureInfo.InvariantCulture, $"{domain}: relay to {Count(relay.Hosts.Length)}{credentials}\n");
                for (var i = 0; i < relay.Hosts.Length; i++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"  {i + 1}. {relay.Hosts[i].Host}, {Origin(relay.Hosts[i].Host)}\n");
                    Write(text, relay.Hosts[i]);
                }

                Write(text, relay.Excluded);
                break;
            case DeliveryPlan.Keep keep:
                text.Append(CultureInfo.InvariantCulture, $"{domain}: kept here, in {keep.Maildir}\n");
                break;
            case DeliveryPlan.Defer defer:
                text.Append(CultureInfo.InvariantCulture, $"{domain}: wait, {defer.Status} {defer.Reason}\n");
                Write(text, defer.Excluded);
                break;
            case DeliveryPlan.Bounce bounce:
                text.Append(CultureInfo.InvariantCulture, $"{domain}: return to sender, {bounce.Status} {bounce.Reason}\n");
                break;
            default:
                throw new ArgumentException($"unknown plan {plan}", nameof(plan));
        }

        return text.ToString();
    }

    /// <summary>With the floors for each kind of message.</summary>
    public static string WriteInFull(string domain, DeliveryPlan plan)
    {
        var text = new StringBuilder(Write(domain, plan));
        MessageFloors.Write(text, plan);
        return text.ToString();
    }

    static void Write(StringBuilder text, ImmutableArray<ExcludedHost> hosts)
    {
        foreach (var (plan, why) in hosts)
        {
            text.Append(CultureInfo.InvariantCulture, $"  -  {plan.Host}, {Origin(plan.Host)}\n");
            Line(text, "no mail", why.Detail ?? why.ReasonCode);
            Write(text, plan);
        }
    }

    static void Write(StringBuilder text, HostPlan plan)
    {
        var host = plan.Host;
        Line(text, "addresses", Addresses(host));
        Line(text, "start", host.Start switch
        {
            TlsStart.StartTls => "STARTTLS",
            TlsStart.Implicit => "TLS from the first byte",
            TlsStart.None => "no TLS",
        });
        foreach (var policy in plan.Policies)
        {
            Line(text, "policy", $"{policy.Floor,-13} {Describe(policy)}");
        }

        foreach (var note in plan.Notes)
        {
            var (label, type) = note.Failure is { } failure ? (note.Mechanism, $" ({failure.Type.ToWire()})") : ($"no {note.Mechanism}", "");
            Line(text, label, note.Detail + type);
        }

        if (plan.Certificate is { } certificate)
        {
            Line(text, "shows", $"{Path.GetFileName(certificate.Files.Chain)}, if it asks: {certificate.Source}");
        }

        Line(text, "floor", plan.Floor.ToString());
        Line(text, "names", plan.ReferenceNames.IsEmpty ? "none" : string.Join(", ", plan.ReferenceNames));
    }

    static string Addresses(PlannedHost host)
    {
        if (host.AddressFailure is { } failure)
        {
            return $"none, skipped: {failure}";
        }

        var addresses = string.Join(", ", host.Addresses);
        var alias = host.ExpandedName is { } expanded ? $", of {expanded}" : "";
        return host.Name is null ? addresses
            : $"{addresses}{alias} ({(host.AddressStatus is DnssecStatus.Secure ? "DNSSEC-validated" : "not signed")})";
    }

    /// <summary>One policy in a few words.</summary>
    public static string Describe(TransportPolicy policy) => policy switch
    {
        TransportPolicy.Opportunistic => "default: encrypt if offered",
        TransportPolicy.Operator { Exception: { } terms } exception => $"exception: {exception.Source}, {terms}",
        TransportPolicy.Operator configured => $"configured: {configured.Source}",
        TransportPolicy.Excepted excepted =>
            $"instead of {excepted.Policy.Floor}, by the exception {excepted.By.Source}: {Describe(excepted.Policy)}",
        TransportPolicy.Pinned pinned => $"only {string.Join(" or ", pinned.Pins)}: {pinned.Source}{(pinned.Vouched ? "" : Unvouched)}",
        TransportPolicy.PrivateAuthority authority =>
            $"only authorities of {authority.Roots.Description}: {authority.Source}{(authority.Vouched ? "" : Unvouched)}",
        TransportPolicy.MinimumVersion minimum => $"{Words(minimum.Version)} or newer: {minimum.Source}",
        TransportPolicy.Credentials => "credentials never travel in plaintext",
        TransportPolicy.ProvenTls proven => string.Create(
            CultureInfo.InvariantCulture, $"completed TLS before, last {proven.LastProvenAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC{Verified(proven)}"),
        TransportPolicy.Dane dane => string.Create(
            CultureInfo.InvariantCulture,
            $"DANE: TLSA at {dane.Base}: {Records(dane.Usable)}{(dane.SecureMx ? "" : "; DNSSEC does not vouch for the MX record, so they prove the host and not that it is the right one")}"),
        TransportPolicy.DaneUnusable unusable => $"DANE: TLS is mandatory; no TLSA at {unusable.Base} can be used: {Records(unusable.Published)}",
        TransportPolicy.MtaSts sts => string.Create(
            CultureInfo.InvariantCulture,
            $"MTA-STS: {ModeName(sts.Policy.Mode)}, id {sts.Policy.Id}, fetched {sts.FetchedAt.UtcDateTime:yyyy-MM-dd HH:mm}, good until {(sts.FetchedAt + sts.Policy.MaxAge).UtcDateTime:yyyy-MM-dd HH:mm} UTC"),
        TransportPolicy.RequireTls { RelaxedBy: { } rule } => $"the sender requires it (REQUIRETLS); the host need not offer it, by {rule}",
        TransportPolicy.RequireTls => "the sender requires it (REQUIRETLS)",
        TransportPolicy.Waived waived => $"waived by the sender: {Describe(waived.Policy)}",
        _ => throw new ArgumentException($"unknown policy {policy}", nameof(policy)),
    };

    static string Words(TlsVersion version) => version switch
    {
        TlsVersion.Tls12 => "TLS 1.2",
        TlsVersion.Tls13 => "TLS 1.3",
    };

    static string Verified(TransportPolicy.ProvenTls proven) => proven.LastVerifiedAt switch
    {
        null => "",
        var at when at == proven.LastProvenAt => ", and proved who it is",
        { } at => string.Create(CultureInfo.InvariantCulture, $", and proved who it is, last {at.UtcDateTime:yyyy-MM-dd HH:mm} UTC"),
    };

    /// <summary>In presentation form, without what nobody reads of a long one.</summary>
    public static string Shorten(TlsaRecord record)
    {
        const int MostOctets = 64; // of SHA-512
        ArgumentNullException.ThrowIfNull(record);
        return record.Data.Length <= MostOctets
            ? record.ToString()
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{record with { Data = record.Data[..8] }}… ({record.Data.Length} octets)");
    }

    static string Records(ImmutableArray<TlsaRecord> records)
    {
        const int Most = 8;
        var shown = string.Join(", ", records.Take(Most).Select(record => record.Data.Length <= 8
            ? record.ToString()
            : $"{record with { Data = record.Data[..8] }}…"));
        return records.Length <= Most ? shown : string.Create(CultureInfo.InvariantCulture, $"{shown}, and {records.Length - Most} more");
    }

    static string ModeName(StsMode mode) => mode switch
    {
        StsMode.None => "none",
        StsMode.Testing => "testing",
        StsMode.Enforce => "enforce",
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
