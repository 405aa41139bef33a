using System.Collections.Immutable;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Commands.Demo;

/// <summary>What the domains of the demo publish: records, one of them about a key, and a policy.</summary>
static class DemoZone
{
    const string PolicyId = "20260101";

    /// <param name="port">Of every MX host.</param>
    /// <param name="certificate">Whose key <see cref="DemoWorld.Dane"/> publishes.</param>
    public static ZoneResolver Of(int port, X509Certificate2 certificate) => ZoneResolver.Parse(
        $"""
        {DemoWorld.Receiver}             MX 10 mx.{DemoWorld.Receiver}
        mx.{DemoWorld.Receiver}          A  {DemoWorld.ReceiverAddress}
        {DemoWorld.Bank}                 MX 10 mx.{DemoWorld.Bank}
        mx.{DemoWorld.Bank}              A  {DemoWorld.BankAddress}
        {DemoWorld.Sts}                  MX 10 mx.{DemoWorld.Sts}
        mx.{DemoWorld.Sts}               A  {DemoWorld.ReceiverAddress}
        _mta-sts.{DemoWorld.Sts}         TXT v=STSv1\; id={PolicyId}\;
        mta-sts.{DemoWorld.Sts}          A  {DemoWorld.ReceiverAddress}
        $SECURE on
        {DemoWorld.Dane}                 MX 10 mx.{DemoWorld.Dane}
        mx.{DemoWorld.Dane}              A  {DemoWorld.ReceiverAddress}
        _{port}._tcp.mx.{DemoWorld.Dane} TLSA 3 1 1 {KeyDigest(certificate)}
        """);

    /// <summary>The policy host of <see cref="DemoWorld.Sts"/>.</summary>
    public static Task<StsPolicyServer> HostPolicyAsync(LocalAuthority authority)
    {
        var policy = new StsPolicy(StsMode.Enforce, [$"mx.{DemoWorld.Sts}"], TimeSpan.FromDays(7), PolicyId);
        var settings = new MtaStsSettings(
            new IPEndPoint(DemoWorld.ReceiverAddress, 0), ImmutableSortedDictionary<string, StsPolicy>.Empty.Add(DemoWorld.Sts, policy));
        var certificates = ServerCertificates.FromCertificates(new X509Certificate2Collection(authority.Issue($"mta-sts.{DemoWorld.Sts}")));
        return StsPolicyServer.StartAsync(settings, certificates, SslProtocols.None, NullLoggerFactory.Instance);
    }

    static string KeyDigest(X509Certificate2 certificate) =>
        Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
}
