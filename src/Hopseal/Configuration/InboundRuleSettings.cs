using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The list <c>InboundRules</c>: by which network or sender mail must come over TLS, or with which client certificate.</summary>
static class InboundRuleSettings
{
    const int MostRules = 1000;
    const int MostCertificates = 100;

    /// <param name="hasCertificates">Whether TLS can be offered at all.</param>
    public static ImmutableArray<InboundRule> Read(Section root, bool hasCertificates)
    {
        ImmutableArray<Section> sections = [.. root.Children("InboundRules")];
        if (sections.Length > MostRules)
        {
            root.Find("InboundRules")?.Error($"has more than {MostRules} rules");
            return [];
        }

        if (!sections.IsEmpty && !hasCertificates)
        {
            root.Find("InboundRules")?.Error("needs Certificates: without one no client can come over TLS");
        }

        return [.. sections.Select(ReadRule).OfType<InboundRule>()];
    }

    static InboundRule? ReadRule(Section section)
    {
        var networkSetting = section.Find("Network");
        var network = networkSetting?.Network();
        var senderSetting = section.Find("Sender");
        var sender = senderSetting is null ? null : ReadSender(senderSetting);
        var tlsSetting = section.Require("Tls");
        var floor = tlsSetting?.Choice<SecurityFloor>();
        var certificates = section.Find("ClientCertificate");
        var (pins, names) = certificates is null ? ([], []) : ReadCertificates(certificates);
        section.Close();

        if (networkSetting is null && senderSetting is null)
        {
            section.Error("needs Network or Sender, or both; for everybody, a listener has the Mode StartTlsRequired or ImplicitTls");
        }

        if (floor is SecurityFloor.Plaintext)
        {
            tlsSetting!.Error("Plaintext asks for nothing: write Encrypted or Authenticated");
        }

        if (floor is SecurityFloor.Authenticated && certificates is null)
        {
            section.Error("Authenticated needs ClientCertificate: by what the client is known");
        }

        if (floor is SecurityFloor.Encrypted)
        {
            certificates?.Error("means nothing with Tls Encrypted: who the client is matters with Authenticated only");
        }

        return floor is null || (networkSetting is not null && network is null) || (senderSetting is not null && sender is null)
            ? null
            : new InboundRule(floor.Value, section.Key) { Network = network, Sender = sender, Pins = pins, Names = names };
    }

    static SenderPattern? ReadSender(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (SenderPattern.TryParse(text, out var pattern))
        {
            return pattern;
        }

        setting.Error($"{Shown.Text(text)} is not {SenderPattern.Forms}");
        return null;
    }

    static (ImmutableArray<CertificatePin> Pins, ImmutableArray<string> Names) ReadCertificates(Setting setting)
    {
        if (setting.Node is ConfigNode.List { Items.Length: 0 or > MostCertificates })
        {
            setting.Error($"needs 1 to {MostCertificates} fingerprints and names");
            return ([], []);
        }

        var pins = ImmutableArray.CreateBuilder<CertificatePin>();
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (var item in setting.Items())
        {
            if (item.Text() is not { } text)
            {
                continue;
            }

            var isWildcard = text.StartsWith("*.", StringComparison.Ordinal);
            if (CertificatePin.TryParse(text, out var pin))
            {
                pins.Add(pin);
            }
            else if (!text.Contains(':', StringComparison.Ordinal) && DomainName.TryParse(isWildcard ? text.AsSpan(2) : text, out var name))
            {
                names.Add(isWildcard ? $"*.{name}" : name.Ascii);
            }
            else
            {
                item.Error($"{Shown.Text(text)} is neither {CertificatePin.Forms}, nor a host name");
            }
        }

        return (pins.ToImmutable(), names.ToImmutable());
    }
}
