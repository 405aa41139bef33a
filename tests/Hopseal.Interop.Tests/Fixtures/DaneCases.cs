using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <param name="Plan">As <see cref="DaneRoute.PlanAsync"/> puts it.</param>
/// <param name="Outcome">How it begins, as <see cref="DaneRoute.OutcomeAsync"/> puts it.</param>
/// <param name="Says">What else is in it.</param>
sealed record DaneCase(string Domain, string Plan, string Outcome, string Says = "");

/// <param name="Shown">Null: no STARTTLS.</param>
sealed record DaneHost(IPEndPoint Endpoint, ShownCertificate? Shown);

/// <summary>Destinations with what they publish, what their servers show, and what has to become of mail for them.</summary>
sealed class DaneCases
{
    static readonly X509Certificate2 s_top = ShownCertificate.Authority("Top");
    static readonly X509Certificate2 s_middle = ShownCertificate.Authority("Middle", s_top);
    static readonly X509Certificate2 s_stale = ShownCertificate.Authority("Stale", s_top, expired: true);
    static readonly X509Certificate2 s_stranger = ShownCertificate.Authority("Stranger");
    static readonly string s_digest = new('a', 64);

    readonly List<string> _records = [];
    readonly Dictionary<string, DaneHost> _hosts = [];
    byte _lastAddress;

    DaneCases() => All = [.. Certificates(), .. Unusable(), .. Names(), .. Dns(), .. SeveralHosts()];

    /// <summary>Of every server.</summary>
    public static int Port { get; } = Ports.Next();

    public static DaneCases World { get; } = new();

    /// <summary>Everything that is wrong with DNS is wrong in a zone of its own.</summary>
    public static IReadOnlyList<TreeZone> Zones { get; } =
    [
        new("test", ZoneState.Signed),
        new("unsigned.test", ZoneState.Unsigned),
        new("forged.test", ZoneState.Forged),
        new("_tcp.mx.expired-signatures.test", ZoneState.Expired),
        new("_tcp.mx.silence.test", ZoneState.Silent),
        new("_tcp.mx.silence.unsigned.test", ZoneState.Silent),
        new("dark.test", ZoneState.Silent),
    ];

    public IReadOnlyList<string> Records => _records;

    /// <summary>By the name that the case calls it.</summary>
    public IReadOnlyDictionary<string, DaneHost> Hosts => _hosts;

    public IReadOnlyList<DaneCase> All { get; }

    IEnumerable<DaneCase> Certificates()
    {
        var own = ShownCertificate.Of("mx.ee.test");
        Mx("ee.test", "mx.ee.test", own, own.Tlsa(3, 1, 1));
        yield return Delivered("ee.test", "mx.ee.test", "dnssec dane:authenticated", "dane-ee");

        Mx("ee-mismatch.test", "mx.ee-mismatch.test", ShownCertificate.Of("mx.ee-mismatch.test"), own.Tlsa(3, 1, 1));
        yield return Deferred("ee-mismatch.test", "mx.ee-mismatch.test", "dnssec dane:authenticated", "4.7.5 no-tlsa-match");

        var old = ShownCertificate.Of("another.test", expired: true);
        Mx("ee-expired.test", "mx.ee-expired.test", old, old.Tlsa(3, 0, 2));
        yield return Delivered("ee-expired.test", "mx.ee-expired.test", "dnssec dane:authenticated", "dane-ee");

        Mx("rollover.test", "mx.rollover.test", own, ShownCertificate.Of("next.test").Tlsa(3, 1, 1), own.Tlsa(3, 1, 1));
        yield return Delivered("rollover.test", "mx.rollover.test", "dnssec dane:authenticated", "dane-ee");

        Mx("ta.test", "mx.ta.test", ShownCertificate.Under("mx.ta.test", [s_top]), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Delivered("ta.test", "mx.ta.test", "dnssec dane:authenticated", "dane-ta");

        Mx("ta-mismatch.test", "mx.ta-mismatch.test", ShownCertificate.Under("mx.ta-mismatch.test", [s_top]), ShownCertificate.Tlsa(2, 0, 1, s_stranger));
        yield return Deferred("ta-mismatch.test", "mx.ta-mismatch.test", "dnssec dane:authenticated", "4.7.5 no-tlsa-match");

        Mx("ta-middle.test", "mx.ta-middle.test", ShownCertificate.Under("mx.ta-middle.test", [s_middle, s_top]), ShownCertificate.Tlsa(2, 1, 1, s_middle));
        yield return Delivered("ta-middle.test", "mx.ta-middle.test", "dnssec dane:authenticated", "dane-ta");

        Mx("ta-above.test", "mx.ta-above.test", ShownCertificate.Under("mx.ta-above.test", [s_middle, s_top]), ShownCertificate.Tlsa(2, 1, 2, s_top));
        yield return Delivered("ta-above.test", "mx.ta-above.test", "dnssec dane:authenticated", "dane-ta");

        Mx("ta-whole.test", "mx.ta-whole.test", ShownCertificate.Under("mx.ta-whole.test", [s_middle]) with { Chain = [] }, ShownCertificate.Tlsa(2, 0, 0, s_middle));
        yield return Delivered("ta-whole.test", "mx.ta-whole.test", "dnssec dane:authenticated", "dane-ta");

        Mx("ta-domain.test", "mx.ta-domain.test", ShownCertificate.Under("ta-domain.test", [s_top]), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Delivered("ta-domain.test", "mx.ta-domain.test", "dnssec dane:authenticated", "dane-ta");

        Mx("ta-name.test", "mx.ta-name.test", ShownCertificate.Under("mx.ta.test", [s_top]), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Deferred("ta-name.test", "mx.ta-name.test", "dnssec dane:authenticated", "4.7.5 name-mismatch");

        Mx("ta-expired.test", "mx.ta-expired.test", ShownCertificate.Under("mx.ta-expired.test", [s_top], expired: true), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Deferred("ta-expired.test", "mx.ta-expired.test", "dnssec dane:authenticated", "4.7.5 expired");

        Mx("ta-stale.test", "mx.ta-stale.test", ShownCertificate.Under("mx.ta-stale.test", [s_stale, s_top]), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Deferred("ta-stale.test", "mx.ta-stale.test", "dnssec dane:authenticated", "4.7.5 issuer-expired");

        Mx("mixed.test", "mx.mixed.test", ShownCertificate.Under("mx.mixed.test", [s_top]), own.Tlsa(3, 1, 1), ShownCertificate.Tlsa(2, 0, 1, s_top));
        yield return Delivered("mixed.test", "mx.mixed.test", "dnssec dane:authenticated", "dane-ta");
    }

    IEnumerable<DaneCase> Unusable()
    {
        var shown = ShownCertificate.Of("nobody.test");
        Mx("pkix.test", "mx.pkix.test", shown, $"0 0 1 {s_digest}", $"1 1 1 {s_digest}");
        yield return Delivered("pkix.test", "mx.pkix.test", "dnssec daneUnusable:encrypted", "unauthenticated");

        Mx("lengths.test", "mx.lengths.test", shown, $"3 1 1 {s_digest[..62]}", $"3 1 2 {s_digest}", $"3 1 3 {s_digest}", $"3 2 1 {s_digest}", "3 0 0 3082");
        yield return Delivered("lengths.test", "mx.lengths.test", "dnssec daneUnusable:encrypted", "unauthenticated");

        Mx("unusable-plain.test", "mx.unusable-plain.test", null, $"1 1 1 {s_digest}");
        yield return Deferred("unusable-plain.test", "mx.unusable-plain.test", "dnssec daneUnusable:encrypted", "4.7.4 TLS");

        Mx("stripped.test", "mx.stripped.test", null, $"3 1 1 {s_digest}");
        yield return Deferred("stripped.test", "mx.stripped.test", "dnssec dane:authenticated", "4.7.4 TLS");
    }

    IEnumerable<DaneCase> Names()
    {
        // Both the alias and what it leads to are signed: the records of the latter come first.
        var target = ShownCertificate.Under("target.expanded.test", [s_top]);
        Alias("mx.expanded.test", "target.expanded.test", target, ShownCertificate.Tlsa(2, 0, 1, s_top));
        Publish("mx.expanded.test", $"3 1 1 {s_digest}");
        Add("expanded.test. MX 10 mx.expanded.test.");
        yield return Delivered("expanded.test", "mx.expanded.test", "dnssec dane:authenticated", "dane-ta", "target.expanded.test");

        var original = ShownCertificate.Of("mx.original.test");
        Alias("mx.original.test", "target.original.test", original);
        Publish("mx.original.test", original.Tlsa(3, 1, 1));
        Add("original.test. MX 10 mx.original.test.");
        yield return Delivered("original.test", "mx.original.test", "dnssec dane:authenticated", "dane-ee");

        // A signed alias of a host that is not signed.
        var outside = ShownCertificate.Of("mx.outside.test");
        Alias("mx.outside.test", "target.unsigned.test", outside);
        Publish("mx.outside.test", outside.Tlsa(3, 1, 1));
        Add("outside.test. MX 10 mx.outside.test.");
        yield return Delivered("outside.test", "mx.outside.test", "dnssec dane:authenticated", "dane-ee");

        Alias("mx.outside-bare.test", "bare.unsigned.test", ShownCertificate.Of("mx.outside-bare.test"), $"3 1 1 {s_digest}");
        Add("outside-bare.test. MX 10 mx.outside-bare.test.");
        yield return Delivered("outside-bare.test", "mx.outside-bare.test", "dnssec", "unauthenticated");

        var moved = ShownCertificate.Of("mx.moved.test");
        Host("mx.moved.test", moved);
        Add($"{Owner("mx.moved.test")} CNAME tlsa.moved.test.");
        Add($"tlsa.moved.test. TLSA {moved.Tlsa(3, 1, 1)}");
        Add("moved.test. MX 10 mx.moved.test.");
        yield return Delivered("moved.test", "mx.moved.test", "dnssec dane:authenticated", "dane-ee");

        // Without MX records, which is proved, the domain is its own host.
        var itself = ShownCertificate.Of("implicit.test");
        Host("implicit.test", itself, itself.Tlsa(3, 1, 1));
        yield return Delivered("implicit.test", "implicit.test", "dnssec dane:authenticated", "dane-ee");

        // A host that is signed, chosen by an MX record that is not.
        var half = ShownCertificate.Of("mx.half.test");
        Host("mx.half.test", half, half.Tlsa(3, 1, 1));
        Add("half.unsigned.test. MX 10 mx.half.test.");
        yield return Delivered("half.unsigned.test", "mx.half.test", "none dane:authenticated half", "dane-ee");
    }

    IEnumerable<DaneCase> Dns()
    {
        var shown = ShownCertificate.Of("nobody.test");
        Mx("expired-signatures.test", "mx.expired-signatures.test", shown, $"3 1 1 {s_digest}");
        yield return Excluded("expired-signatures.test", "mx.expired-signatures.test", "signature");

        Mx("silence.test", "mx.silence.test", shown, $"3 1 1 {s_digest}");
        yield return Excluded("silence.test", "mx.silence.test", "no answer in time");

        // TLSA questions would not be answered here either, and are not asked.
        Mx("silence.unsigned.test", "mx.silence.unsigned.test", shown);
        yield return Delivered("silence.unsigned.test", "mx.silence.unsigned.test", "none", "unauthenticated");

        Add("chosen.test. MX 10 mx.silence.unsigned.test.");
        yield return Delivered("chosen.test", "mx.silence.unsigned.test", "dnssec", "unauthenticated");

        Mx("forged.test", "mx.forged.test", shown, $"3 1 1 {s_digest}");
        yield return new DaneCase("forged.test", "wait 4.4.3", "deferred 4.4.3", "DNSSEC bogus");

        Add("null.test. MX 0 .");
        yield return new DaneCase("null.test", "bounce 5.1.10", "bounced 5.1.10", "null MX");

        Mx("absent.test", "mx.absent.test", shown);
        yield return Delivered("absent.test", "mx.absent.test", "dnssec", "unauthenticated");
    }

    IEnumerable<DaneCase> SeveralHosts()
    {
        // For gateways with other resolvers.
        Mx("stripping.test", "mx.stripping.test", ShownCertificate.Of("mx.stripping.test"), $"3 1 1 {s_digest}");

        var right = ShownCertificate.Of("mx2.several.test");
        Mx("several.test", "mx1.several.test", ShownCertificate.Of("mx1.several.test"), $"3 1 1 {s_digest}");
        Host("mx2.several.test", right, right.Tlsa(3, 1, 1));
        Add("several.test. MX 20 mx2.several.test.");
        yield return new DaneCase(
            "several.test",
            "relay mx1.several.test dnssec dane:authenticated, mx2.several.test dnssec dane:authenticated",
            "delivered to mx2.several.test as mx2.several.test, dane-ee");

        Add("partly.test. MX 10 mx.silence.test.");
        Add("partly.test. MX 20 mx2.several.test.");
        yield return new DaneCase(
            "partly.test",
            "relay mx2.several.test dnssec dane:authenticated, not mx.silence.test dnssec-invalid",
            "delivered to mx2.several.test as mx2.several.test, dane-ee");

        Add("dim.test. MX 10 mx.dark.test.");
        Add("dim.test. MX 20 mx2.several.test.");
        yield return new DaneCase(
            "dim.test",
            "relay mx.dark.test dnssec without address, mx2.several.test dnssec dane:authenticated",
            "delivered to mx2.several.test as mx2.several.test, dane-ee");
    }

    /// <param name="policies">Whether its name is validated, and what applies.</param>
    static DaneCase Delivered(string domain, string host, string policies, string identity, string? serverName = null) =>
        new(domain, $"relay {host} {policies}", $"delivered to {host} as {serverName ?? host}, {identity}");

    static DaneCase Deferred(string domain, string host, string policies, string outcome) =>
        new(domain, $"relay {host} {policies}", $"deferred {outcome.Split(' ')[0]}", outcome.Split(' ')[1]);

    static DaneCase Excluded(string domain, string host, string words) =>
        new(domain, $"wait 4.7.5, not {host} dnssec-invalid", "deferred 4.7.5", words);

    void Mx(string domain, string host, ShownCertificate? shown, params string[] tlsa)
    {
        Host(host, shown, tlsa);
        Add($"{domain}. MX 10 {host}.");
    }

    void Alias(string name, string target, ShownCertificate shown, params string[] tlsa)
    {
        Host(target, shown, tlsa);
        Add($"{name}. CNAME {target}.");
        _hosts.Add(name, _hosts[target]);
        _hosts.Remove(target);
    }

    void Host(string name, ShownCertificate? shown, params string[] tlsa)
    {
        var address = new IPAddress([127, 53, 0, ++_lastAddress]);
        _hosts.Add(name, new DaneHost(new IPEndPoint(address, Port), shown));
        Add($"{name}. A {address}");
        Publish(name, tlsa);
    }

    void Publish(string name, params string[] tlsa) => Array.ForEach(tlsa, data => Add($"{Owner(name)} TLSA {data}"));

    static string Owner(string name) => string.Create(CultureInfo.InvariantCulture, $"_{Port}._tcp.{name}.");

    void Add(string record) => _records.Add(record);
}
