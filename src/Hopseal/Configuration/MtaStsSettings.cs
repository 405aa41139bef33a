using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The section <c>MtaSts</c>: the policies of our own domains, which the gateway serves by HTTPS.</summary>
/// <param name="Endpoint">Null: none are served.</param>
/// <param name="Policies">Each with the id to announce it with.</param>
sealed record MtaStsSettings(IPEndPoint? Endpoint, ImmutableSortedDictionary<string, StsPolicy> Policies)
{
    const int StandardMaxAgeDays = 7;

    public static MtaStsSettings None { get; } = new(null, ImmutableSortedDictionary<string, StsPolicy>.Empty);

    public static MtaStsSettings Read(Section section, ImmutableArray<ListenerSettings> listeners, bool hasCertificates)
    {
        var entries = section.Find("Policies")?.Section()?.Members().ToImmutableArray() ?? [];
        var endpointSetting = entries.IsEmpty ? section.Find("Endpoint") : section.Require("Endpoint");
        var endpoint = endpointSetting?.Endpoint();
        section.Close();

        if (endpoint is not null && entries.IsEmpty)
        {
            endpointSetting?.Warn("nothing is served there: Policies has none");
        }

        if (endpoint is not null && listeners.FirstOrDefault(listener => listener.Endpoint.Equals(endpoint)) is { } taken)
        {
            endpointSetting?.Error($"the listener {Shown.Text(taken.Name)} listens on {endpoint} already");
        }

        if (endpoint is not null && !hasCertificates)
        {
            endpointSetting?.Error("HTTPS needs a certificate, and Certificates has none");
        }

        var policies = ImmutableSortedDictionary.CreateBuilder<string, StsPolicy>(StringComparer.Ordinal);
        foreach (var (member, setting) in entries)
        {
            var policy = setting.Section() is { } entry ? ReadPolicy(entry) : null;
            if (!DomainName.TryParse(member.Name, out var domain) || HostOf(domain) is null)
            {
                setting.Error($"{Shown.Text(member.Name)} is not a domain name, or too long to have a policy");
            }
            else if (policies.ContainsKey(domain.Ascii))
            {
                setting.Error($"is here a second time, as {domain}");
            }
            else if (policy is not null)
            {
                policies.Add(domain.Ascii, policy with { Id = StsPolicyText.IdOf(policy) });
            }
        }

        return new MtaStsSettings(endpoint, policies.ToImmutable());
    }

    /// <summary>The policy host of a domain (RFC 8461 §3.2); null where its name would be too long.</summary>
    public static DomainName? HostOf(DomainName domain) => DomainName.TryParse($"mta-sts.{domain}", out var host) ? host : null;

    /// <summary>What only shows beside the rest of a configuration without errors.</summary>
    /// <param name="section">The one that was read.</param>
    /// <param name="names">By which MX records point at us; our own first.</param>
    public void Check(Section section, ImmutableArray<DomainName> names, DomainTable domains, ImmutableArray<CertificateFiles> files)
    {
        ImmutableArray<string> shown = Policies.IsEmpty ? [] : [.. ServerCertificates.Load(files).Certificates.SelectMany(certificate => certificate.Names)];
        string[] ours = [.. names.Select(name => name.Ascii), .. shown];
        foreach (var (member, setting) in section.Find("Policies")?.Section()?.Members() ?? [])
        {
            var domain = DomainName.Parse(member.Name);
            var policy = Policies[domain.Ascii];
            if (domains.Any is null && !domains.Domains.ContainsKey(domain))
            {
                setting.Warn($"mail for {domain} is not taken here: it is not in Domains");
            }

            if (policy.Mode is not StsMode.None && !ours.Any(name => DomainName.TryParse(name, out var host) && policy.Names(host)))
            {
                setting.Warn($"Mx names neither {names[0]} nor another name of our certificates: who follows the policy delivers nothing here");
            }

            var host = HostOf(domain)!.Ascii;
            if (!shown.Any(name => CertificateNames.Match(host, name)))
            {
                setting.Warn($"no certificate is for {host}: nobody can fetch the policy");
            }
        }
    }

    static StsPolicy? ReadPolicy(Section section)
    {
        var word = section.Require("Mode")?.Word("enforce", "testing", "none");
        StsMode? mode = word switch { "enforce" => StsMode.Enforce, "testing" => StsMode.Testing, "none" => StsMode.None, _ => null };
        var mxSetting = mode is StsMode.None ? section.Find("Mx") : section.Require("Mx");
        var mx = ImmutableArray.CreateBuilder<string>();
        foreach (var item in mxSetting?.Items() ?? [])
        {
            if (item.Text() is not { } text)
            {
                continue;
            }

            if (StsPolicyText.TryParsePattern(text, out var pattern))
            {
                mx.Add(pattern);
            }
            else
            {
                item.Error($"{Shown.Text(text)} is not a host name, or *. and a domain");
            }
        }

        if (mode is StsMode.Enforce or StsMode.Testing && mxSetting?.Node is ConfigNode.List { Items.Length: 0 })
        {
            mxSetting.Error("is empty: name the MX hosts of the domain");
        }

        var days = section.Find("MaxAgeDays")?.Whole(1, 365) ?? StandardMaxAgeDays;
        section.Close();
        return mode is null ? null : new StsPolicy(mode.Value, [.. mx.Distinct()], TimeSpan.FromDays(days), "");
    }
}
