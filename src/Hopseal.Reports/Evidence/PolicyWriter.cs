using System.Globalization;
using System.Text.Json;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Evidence;

/// <summary>One policy of a plan as evidence: what kind it is, what it asked for, and who says so.</summary>
static class PolicyWriter
{
    const string Day = "yyyy-MM-dd";

    public static void Write(Utf8JsonWriter json, TransportPolicy policy)
    {
        json.WriteStartObject();
        var (kind, source) = Words(policy);
        json.WriteString("kind", kind);
        json.WriteString("floor", EvidenceOf.Word(policy.Floor));
        json.WriteString("source", LineWriter.Clip(source));
        if (policy is TransportPolicy.MinimumVersion minimum)
        {
            json.WriteString("minimum", minimum.Version is TlsVersion.Tls13 ? "TLSv1.3" : "TLSv1.2");
        }

        switch (policy)
        {
            case TransportPolicy.Operator { Exception: { } terms }:
                Terms(json, terms);
                break;
            case TransportPolicy.Excepted excepted:
                if (excepted.By.Exception is { } by)
                {
                    Terms(json, by);
                }

                json.WritePropertyName("instead");
                Write(json, excepted.Policy);
                break;
            case TransportPolicy.Waived waived:
                json.WritePropertyName("instead");
                Write(json, waived.Policy);
                break;
        }

        json.WriteEndObject();
    }

    static void Terms(Utf8JsonWriter json, ExceptionTerms terms)
    {
        json.WriteString("until", terms.Until.ToString(Day, CultureInfo.InvariantCulture));
        json.WriteString("reason", LineWriter.Clip(terms.Reason));
        json.WriteString("owner", LineWriter.Clip(terms.Owner));
    }

    static (string Kind, string Source) Words(TransportPolicy policy) => policy switch
    {
        TransportPolicy.Opportunistic => ("opportunistic", "nothing demands more"),
        TransportPolicy.Operator { Exception: not null } exception => ("exception", exception.Source),
        TransportPolicy.Operator configured => ("operator", configured.Source),
        TransportPolicy.Excepted excepted => ("excepted", excepted.By.Source),
        TransportPolicy.Pinned pinned => ("pinned", pinned.Source),
        TransportPolicy.PrivateAuthority authority => ("private-authority", authority.Source),
        TransportPolicy.MinimumVersion minimum => ("minimum-version", minimum.Source),
        TransportPolicy.Credentials => ("credentials", "we authenticate there"),
        TransportPolicy.ProvenTls proven => (
            "proven-tls", $"completed TLS on {proven.LastProvenAt.UtcDateTime.ToString(Day, CultureInfo.InvariantCulture)}"),
        TransportPolicy.Dane dane => ("dane", $"TLSA at {dane.Base}"),
        TransportPolicy.DaneUnusable unusable => ("dane-unusable", $"TLSA at {unusable.Base}"),
        TransportPolicy.MtaSts sts => ("mta-sts", $"{Word(sts.Policy.Mode)}, id {sts.Policy.Id}"),
        TransportPolicy.RequireTls { RelaxedBy: { } rule } => ("requiretls", $"the sender; relaxed by {rule}"),
        TransportPolicy.RequireTls => ("requiretls", "the sender"),
        TransportPolicy.Waived => ("waived", "the sender, TLS-Required: No"),
        _ => throw new ArgumentException($"unknown policy {policy}", nameof(policy)),
    };

    static string Word(StsMode mode) => mode switch
    {
        StsMode.None => "none",
        StsMode.Testing => "testing",
        StsMode.Enforce => "enforce",
    };
}
