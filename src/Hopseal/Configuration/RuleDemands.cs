using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>What a rule of <c>Outbound.Rules</c> asks for besides its Tls: MinimumVersion, Fingerprints, Roots, ClientCertificate.</summary>
sealed record RuleDemands(
    TlsVersion? MinimumVersion, ImmutableArray<CertificatePin> Pins, TrustedRoots? Authority, CertificateFiles? ClientCertificate)
{
    const int MostPins = 100;

    /// <param name="floor">Of the rule; null when it is missing or wrong.</param>
    public static RuleDemands Read(Section section, SecurityFloor? floor, string directory, TimeProvider clock)
    {
        var version = section.Find("MinimumVersion");
        var minimum = version?.Word("1.2", "1.3");
        var pinsSetting = section.Find("Fingerprints");
        var pins = ReadPins(pinsSetting);
        var rootsSetting = section.Find("Roots");
        var roots = ReadRoots(rootsSetting, directory);
        var certificate = ReadCertificate(section.Find("ClientCertificate")?.Section(), directory, clock);
        if (floor is SecurityFloor.Plaintext)
        {
            version?.Error("means nothing with Tls Plaintext: it needs TLS, and Plaintext does not");
        }

        if (floor is SecurityFloor.Plaintext or SecurityFloor.Encrypted)
        {
            pinsSetting?.Error($"means nothing with Tls {floor}: who the host is matters with Authenticated only");
            rootsSetting?.Error($"means nothing with Tls {floor}: who the host is matters with Authenticated only");
        }

        return new RuleDemands(
            minimum switch
            {
                "1.2" => TlsVersion.Tls12,
                "1.3" => TlsVersion.Tls13,
                _ => null,
            },
            pins,
            roots,
            certificate);
    }

    public OutboundRule Of(OutboundRule rule) => rule with
    {
        MinimumVersion = MinimumVersion,
        Pins = Pins,
        Authority = Authority,
        ClientCertificate = ClientCertificate,
    };

    static ImmutableArray<CertificatePin> ReadPins(Setting? setting)
    {
        if (setting is null)
        {
            return [];
        }

        if (setting.Node is ConfigNode.List { Items.Length: 0 or > MostPins })
        {
            setting.Error($"needs 1 to {MostPins} fingerprints");
            return [];
        }

        return [.. setting.Items().Select(ReadPin).OfType<CertificatePin>()];
    }

    static CertificatePin? ReadPin(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (CertificatePin.TryParse(text, out var pin))
        {
            return pin;
        }

        setting.Error($"{Shown.Text(text)} is no fingerprint: write {CertificatePin.Forms}");
        return null;
    }

    static TrustedRoots? ReadRoots(Setting? setting, string directory)
    {
        if (setting is null)
        {
            return null;
        }

        if (setting.Node is ConfigNode.List { Items.Length: 0 })
        {
            setting.Error("is empty: no authority would count, and no host could be authenticated");
            return null;
        }

        ImmutableArray<string> files = [.. setting.Items().Select(item => Deployment.CheckRoots(item, directory)).OfType<string>()];
        return files.IsEmpty ? null : TrustedRoots.Load(files);
    }

    static CertificateFiles? ReadCertificate(Section? section, string directory, TimeProvider clock)
    {
        if (section is null)
        {
            return null;
        }

        var chain = section.Require("Chain");
        var chainFile = chain?.Path(directory);
        var keyFile = section.Require("Key")?.Path(directory);
        section.Close();
        if (chain is null || chainFile is null || keyFile is null)
        {
            return null;
        }

        var files = new CertificateFiles(chainFile, keyFile);
        Deployment.CheckClientCertificate(chain, files, clock);
        return files;
    }
}
