using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Policy;

/// <summary>One HTTPS request to a host that somebody else named: no redirect, proxy, cookie, compression or resumption; nothing that a certificate names is
/// fetched; the header of the answer is bounded. Whoever uses it says where to connect, who is authentic, and when it is over.</summary>
static class GuardedHttps
{
    const int MostHeaderKibioctets = 16;

    /// <summary>For one request: what its owner learns of the peer must not mix with another's. It has no deadline of its own.</summary>
    /// <param name="name">For SNI, in A-labels.</param>
    /// <param name="isAuthentic">Judges the certificates that the peer showed, its own first; none: it showed none.</param>
    public static HttpClient Client(string name, Func<ValueTask<Stream>> connect, Func<ImmutableArray<X509Certificate2>, bool> isAuthentic) => new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = MostHeaderKibioctets,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = (_, _) => connect(),
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = name,
#pragma warning disable CA5398 // the oldest version that may be spoken (RFC 8461 §7.2, RFC 9325 §3.1.1)
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
                AllowRenegotiation = false,
                AllowTlsResume = false,
                // The runtime's own chain is not used; see TlsUpgrade.
                CertificateChainPolicy = new X509ChainPolicy
                {
                    RevocationMode = X509RevocationMode.NoCheck,
                    DisableCertificateDownloads = true,
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    VerificationFlags = X509VerificationFlags.AllFlags,
                },
                RemoteCertificateValidationCallback = (_, _, chain, _) => isAuthentic(chain is null ? [] : [.. chain.ChainPolicy.ExtraStore]),
            },
        },
        disposeHandler: true)
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Tries addresses in turn.</summary>
    /// <param name="patience">With each of them.</param>
    /// <param name="ending">When the whole request is over.</param>
    /// <returns>The connection; or null, and why for each address, for people.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="ending"/>.</exception>
    public static async ValueTask<(Stream? Connection, string Refusals)> ConnectAsync(
        ImmutableArray<IPAddress> addresses, int port, TimeSpan patience, TimeProvider clock, CancellationToken ending)
    {
        List<string> refusals = [];
        foreach (var address in addresses)
        {
            Socket? socket = null;
            using var impatience = new CancellationTokenSource(patience, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ending, impatience.Token);
            try
            {
                // Fails where this machine lacks the address family.
                socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(address, port), either.Token);
                return (new NetworkStream(socket, ownsSocket: true), "");
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket?.Dispose();
                ending.ThrowIfCancellationRequested();
                refusals.Add($"{address}: {(e is SocketException refused ? refused.SocketErrorCode.ToString() : "no answer")}");
            }
        }

        return (null, string.Join(", ", refusals));
    }
}
