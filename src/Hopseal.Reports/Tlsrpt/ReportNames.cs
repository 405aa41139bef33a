using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Names of RFC 8460 §4.3 and §4.4, in both directions.</summary>
static class ReportNames
{
    static readonly Dictionary<string, TlsResultType> s_results =
        Enum.GetValues<TlsResultType>().ToDictionary(type => type.ToWire(), StringComparer.OrdinalIgnoreCase);

    static readonly Dictionary<string, PolicyKind> s_kinds =
        Enum.GetValues<PolicyKind>().ToDictionary(ToWire, StringComparer.OrdinalIgnoreCase);

    public static ReportedName<PolicyKind> Of(PolicyKind kind) => new(kind, ToWire(kind));

    public static ReportedName<TlsResultType> Of(TlsResultType type) => new(type, type.ToWire());

    public static ReportedName<PolicyKind> KindOf(string text) => s_kinds.TryGetValue(text, out var kind) ? Of(kind) : new(null, text);

    public static ReportedName<TlsResultType> ResultOf(string text) => s_results.TryGetValue(text, out var type) ? Of(type) : new(null, text);

    static string ToWire(PolicyKind kind) => kind switch
    {
        PolicyKind.Tlsa => "tlsa",
        PolicyKind.Sts => "sts",
        PolicyKind.NoPolicyFound => "no-policy-found",
    };
}
