using System.Collections.Immutable;
using System.Security.Authentication;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The section <c>Tls</c>: what holds for TLS towards us, for every listener.</summary>
/// <param name="SessionTickets">Whether clients may resume a session (RFC 8446 §2.2).</param>
sealed record TlsSettings(SslProtocols Protocols, bool SessionTickets)
{
    public static TlsSettings Read(Section section)
    {
        var minimum = section.Find("MinimumVersion")?.Word("1.2", "1.3") ?? "1.2";
        var tickets = section.Find("SessionTickets")?.Flag() ?? true;
        section.Close();
#pragma warning disable CA5398 // the operator names the least version; both are current (RFC 9325 §3.1.1)
        var protocols = minimum == "1.3" ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13;
#pragma warning restore CA5398
        return new TlsSettings(protocols, tickets);
    }
}

/// <summary>An entry of <c>Certificates</c>.</summary>
/// <param name="NextKey">Null when the entry has none.</param>
sealed record CertificateSetting(Setting Setting, Setting? NextKey, CertificateFiles Files)
{
    public static ImmutableArray<CertificateSetting> ReadAll(Section root, string directory)
    {
        var certificates = ImmutableArray.CreateBuilder<CertificateSetting>();
        foreach (var item in root.Find("Certificates")?.Items() ?? [])
        {
            if (item.Section() is not { } section)
            {
                continue;
            }

            var chain = section.Require("Chain");
            var chainFile = chain?.Path(directory);
            var keyFile = section.Require("Key")?.Path(directory);
            var next = section.Find("NextKey");
            var nextFile = next?.Path(directory);
            section.Close();
            if (chain is not null && chainFile is not null && keyFile is not null)
            {
                certificates.Add(new CertificateSetting(chain, next, new CertificateFiles(chainFile, keyFile, nextFile)));
            }
        }

        return certificates.ToImmutable();
    }
}
