#pragma warning disable RS0030 // a web server, which is none of TlsUpgrade's business
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Audit.Tests;

/// <summary>An HTTPS server on loopback that has one policy for everybody.</summary>
static class PolicySite
{
    public static ScriptedServer Start(X509Certificate2 certificate, string policy) => ScriptedServer.Start(async (stream, stop) =>
    {
        await using var tls = new SslStream(stream);
        var shown = SslStreamCertificateContext.Create(certificate, null, offline: true);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = shown }, stop);
        while (await ScriptedServer.LineAsync(tls, stop) is { Length: > 0 })
        {
        }

        await ScriptedServer.SendAsync(tls, $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {policy.Length}\r\n\r\n{policy}", stop);
        await stream.CopyToAsync(Stream.Null, stop);
    });
}
