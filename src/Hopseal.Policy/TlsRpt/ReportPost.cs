using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.TlsRpt;

/// <summary>What came of a report that was posted.</summary>
public abstract record ReportPostResult
{
    ReportPostResult()
    {
    }

    /// <param name="Status">2xx.</param>
    public sealed record Taken(int Status) : ReportPostResult;

    /// <param name="Why">For people; of what the server says there is the number only.</param>
    public sealed record Failed(string Why) : ReportPostResult;
}

/// <summary>Brings a report to an <c>https</c> target (RFC 8460 §5.4).</summary>
/// <remarks>Anybody can write any URI into DNS. The host's addresses come from the resolver, each is looked at, and the connection goes to one that
/// was; nothing inside this network is posted to. No redirect, proxy, cookie or credentials; size and time of the answer are bounded.
/// <para>The certificate has to be valid. The standard allows to ignore that (RFC 8460 §3), but a report names our addresses and whom we write to: on a way
/// that nobody proves, somebody between could read and keep it, while we note it as delivered. It is tried again until the time for it is over.</para>
/// Any thread may use it.</remarks>
/// <param name="pkix">Judges the certificate.</param>
public sealed class ReportPost(IDnsResolver resolver, PkixCheck pkix, TimeProvider clock)
{
    public const string MediaType = "application/tlsrpt+gzip";

    const int MostHeaderKibioctets = 16;

    /// <summary>For the whole of a post.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For one address, as long as there are others.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Also inside this network; in tests only, and in a world without DNS.</summary>
    public bool AnyAddress { get; init; }

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="target">See <see cref="ReportTarget.Https"/>.</param>
    /// <param name="report">JSON, compressed.</param>
    public async Task<ReportPostResult> PostAsync(Uri target, ReadOnlyMemory<byte> report, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(target);
        using var deadline = new CancellationTokenSource(Timeout, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        var peer = new Peer(target);
        try
        {
            using var client = Client(peer, ending.Token);
            using var content = new ReadOnlyMemoryContent(report) { Headers = { ContentType = new MediaTypeHeaderValue(MediaType) } };
            using var request = new HttpRequestMessage(HttpMethod.Post, target)
            {
                Content = content,
                Version = HttpVersion.Version11,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ending.Token);
            var status = (int)response.StatusCode;
            return response.IsSuccessStatusCode
                ? new ReportPostResult.Taken(status)
                : new ReportPostResult.Failed(string.Create(CultureInfo.InvariantCulture, $"{peer.Name} answered {status}"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return new ReportPostResult.Failed(deadline.IsCancellationRequested
                ? string.Create(CultureInfo.InvariantCulture, $"no answer came from {peer.Name} within {Timeout.TotalSeconds:0} s")
                : peer.Failure ?? Describe(e, peer.Name));
        }
    }

    /// <summary>For one post: what it learns of the peer must not mix with another's.</summary>
    HttpClient Client(Peer peer, CancellationToken ending) => new(
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
            ConnectCallback = (_, _) => ConnectAsync(peer, ending),
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = peer.Name,
#pragma warning disable CA5398 // the oldest version that may be spoken (RFC 9325 §3.1.1)
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
                RemoteCertificateValidationCallback = (_, _, chain, _) => IsAuthentic(peer, chain),
            },
        },
        disposeHandler: true)
    {
        // The deadline is the token's.
        Timeout = System.Threading.Timeout.InfiniteTimeSpan,
    };

    async ValueTask<Stream> ConnectAsync(Peer peer, CancellationToken ending)
    {
        List<string> refusals = [];
        foreach (var address in await AddressesAsync(peer, ending))
        {
            if (!AnyAddress && !PublicAddress.Is(address))
            {
                refusals.Add($"{address}: not a public address");
                continue;
            }

            Socket? socket = null;
            using var impatience = new CancellationTokenSource(ConnectTimeout, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ending, impatience.Token);
            try
            {
                // Fails where this machine lacks the address family.
                socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(address, peer.Target.Port), either.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket?.Dispose();
                ending.ThrowIfCancellationRequested();
                refusals.Add($"{address}: {(e is SocketException refused ? refused.SocketErrorCode.ToString() : "no answer")}");
            }
        }

        throw peer.Fail($"{peer.Name} cannot be reached: {string.Join(", ", refusals)}");
    }

    async ValueTask<ImmutableArray<IPAddress>> AddressesAsync(Peer peer, CancellationToken ending)
    {
        if (IPAddress.TryParse(peer.Name, out var literal))
        {
            return HostAddresses.IsHost(literal) ? [literal] : throw peer.Fail($"{peer.Name} is no host");
        }

        if (!DomainName.TryParse(peer.Name, out var host))
        {
            throw peer.Fail("its host is no name");
        }

        var addresses = await HostAddresses.FindAsync(resolver, host, ending);
        return addresses.Failure is { } failure ? throw peer.Fail(failure) : addresses.Found;
    }

    bool IsAuthentic(Peer peer, X509Chain? chain)
    {
        ImmutableArray<X509Certificate2> sent = chain is null ? [] : [.. chain.ChainPolicy.ExtraStore];
        if (sent.IsEmpty)
        {
            return peer.Distrust($"{peer.Name} showed no certificate");
        }

        var verdict = pkix.Judge(new PeerChain(sent[0], sent, peer.Name), [peer.Name]);
        return verdict.Identity is PeerIdentity.Pkix
            || peer.Distrust($"the certificate of {peer.Name}: {string.Join("; ", verdict.Failures.Select(one => one.Detail))}");
    }

    static string Describe(Exception error, string host) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => $"the TLS handshake with {host} failed",
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => $"the answer of {host} is too large",
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or IOException => $"the answer of {host} broke off",
        _ => $"the answer of {host} is not HTTP",
    };

    /// <summary>The host in one post, and what is wrong with it.</summary>
    sealed class Peer(Uri target)
    {
        public Uri Target => target;

        /// <summary>In A-labels; an IPv6 address without its brackets.</summary>
        public string Name { get; } = target.IdnHost.Trim('[', ']');

        public string? Failure { get; private set; }

        public IOException Fail(string why)
        {
            Failure = why;
            return new IOException(why);
        }

        public bool Distrust(string why)
        {
            Failure = why;
            return false;
        }
    }
}
