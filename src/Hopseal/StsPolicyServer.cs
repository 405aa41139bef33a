using System.Collections.Frozen;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Serves the MTA-STS policies of our own domains (RFC 8461 §3.2, §3.3): <c>https://mta-sts.DOMAIN/.well-known/mta-sts.txt</c>, and
/// nothing else. The certificates are those of the listeners; one that was renewed is shown in the next handshake.</summary>
/// <remarks>What is served is fixed when the gateway starts. So the id of a changed policy is to be published after the restart that serves it
/// (RFC 8461 §8.1).</remarks>
sealed class StsPolicyServer : IAsyncDisposable
{
    const string Path = "/.well-known/mta-sts.txt";
    const int MostConnections = 200;
    const int MostConnectionsOfNetwork = 20;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    readonly WebApplication _application;
    readonly FrozenDictionary<string, byte[]> _byHost;

    StsPolicyServer(MtaStsSettings settings, ServerCertificates certificates, SslProtocols protocols, ILoggerFactory logs)
    {
        _byHost = settings.Policies.ToFrozenDictionary(
            policy => MtaStsSettings.HostOf(DomainName.Parse(policy.Key))!.Ascii,
            policy => Encoding.ASCII.GetBytes(StsPolicyText.Write(policy.Value)),
            StringComparer.Ordinal);

        var builder = WebHosting.CreateBuilder(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Limit(kestrel);
            kestrel.Listen(settings.Endpoint!, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                new NetworkPlaces(MostConnectionsOfNetwork).Guard(endpoint);
                endpoint.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = s_patience,
                    OnConnection = hello => ValueTask.FromResult(TlsOf(hello.ClientHelloInfo.ServerName, certificates, protocols)),
                });
            });
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => WebHosting.EndpointOf(_application);

    /// <param name="settings">With an endpoint.</param>
    /// <exception cref="GatewayStartException">It cannot listen there.</exception>
    public static async Task<StsPolicyServer> StartAsync(
        MtaStsSettings settings, ServerCertificates certificates, SslProtocols protocols, ILoggerFactory logs)
    {
        var server = new StsPolicyServer(settings, certificates, protocols, logs);
        return await WebHosting.StartAsync(server, server._application, "MtaSts", settings.Endpoint!);
    }

    public async ValueTask DisposeAsync()
    {
        await WebHosting.StopAsync(_application, s_patience);
    }

    static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestHeaderCount = 50;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxRequestLineSize = 4 * 1024;
        kestrel.Limits.RequestHeadersTimeout = s_patience;
        kestrel.Limits.KeepAliveTimeout = s_patience;
    }

    /// <summary>RFC 8461 §7.1: a certificate for the name that was asked for, or no handshake.</summary>
    SslServerAuthenticationOptions TlsOf(string serverName, ServerCertificates certificates, SslProtocols protocols) =>
        DomainName.TryParse(serverName, out var name) && _byHost.ContainsKey(name.Ascii) && certificates.ContextFor(name) is { } context
            ? WebHosting.Tls(context, protocols)
            : throw new AuthenticationException("no policy, or no certificate, for the name that was asked for");

    async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var head = HttpMethods.IsHead(request.Method);
        if ((!head && !HttpMethods.IsGet(request.Method))
            || request.Path.Value is not Path
            || !DomainName.TryParse(request.Host.Host, out var host)
            || !_byHost.TryGetValue(host.Ascii, out var body))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        response.ContentType = "text/plain; charset=us-ascii";
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "max-age=60";
        if (!head)
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}
