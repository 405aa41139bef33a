using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
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
            using var client = GuardedHttps.Client(peer.Name, () => ConnectAsync(peer, ending.Token), sent => IsAuthentic(peer, sent));
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

    async ValueTask<Stream> ConnectAsync(Peer peer, CancellationToken ending)
    {
        var found = await AddressesAsync(peer, ending);
        ImmutableArray<IPAddress> allowed = AnyAddress ? found : [.. found.Where(PublicAddress.Is)];
        var (connection, refusals) = await GuardedHttps.ConnectAsync(allowed, peer.Target.Port, ConnectTimeout, clock, ending);
        string[] all = [.. found.Except(allowed).Select(address => $"{address}: not a public address"), .. refusals.Length > 0 ? [refusals] : Array.Empty<string>()];
        return connection ?? throw peer.Fail($"{peer.Name} cannot be reached: {string.Join(", ", all)}");
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

    bool IsAuthentic(Peer peer, ImmutableArray<X509Certificate2> sent)
    {
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
