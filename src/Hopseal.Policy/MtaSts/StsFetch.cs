using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.MtaSts;

/// <summary>What came of a fetch.</summary>
public abstract record StsFetchResult
{
    StsFetchResult()
    {
    }

    /// <summary>Until when the certificate that the policy host showed is valid, whether it was accepted or not; null when none was seen.</summary>
    public DateTimeOffset? CertificateUntil { get; init; }

    public sealed record Fetched(StsPolicy Policy) : StsFetchResult;

    /// <param name="Failure">One of the three types of RFC 8460 §4.3.2.2.</param>
    public sealed record Failed(TlsFailure Failure) : StsFetchResult;
}

/// <summary>Gets a policy from its policy host, <c>mta-sts.</c> and the domain, by HTTPS (RFC 8461 §3.3).</summary>
/// <remarks>The host's addresses come from the resolver and are tried in turn. Its certificate has to be valid for its name by the web PKI.
/// No redirect, proxy, cookie or compression; nothing that a certificate names is fetched. Size and time are bounded, however slowly it
/// comes. Any thread may use it.</remarks>
/// <param name="pkix">Judges the certificate of the policy host.</param>
public sealed class StsFetch(IDnsResolver resolver, PkixCheck pkix, TimeProvider clock)
{
    const string Path = "/.well-known/mta-sts.txt";
    const string MediaType = "text/plain";

    /// <summary>Of a policy host; another one in tests only.</summary>
    public int Port { get; init; } = 443;

    /// <summary>For the whole of a fetch; a minute is what RFC 8461 §3.3 suggests.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For one address, as long as there are others.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="id">Of the record that announces the policy.</param>
    public async Task<StsFetchResult> FetchAsync(DomainName domain, string id, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if (!DomainName.TryParse($"mta-sts.{domain}", out var host)
            || !Uri.TryCreate($"https://{host}:{Port}{Path}", UriKind.Absolute, out var address))
        {
            return Unfetched("no-policy-host", $"mta-sts.{domain} is no host name");
        }

        using var deadline = new CancellationTokenSource(Timeout, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        var peer = new Peer(host);
        try
        {
            using var client = GuardedHttps.Client(host.Ascii, () => ConnectAsync(peer, ending.Token), sent => IsAuthentic(peer, sent));
            return await GetAsync(client, address, id, ending.Token) with { CertificateUntil = peer.CertificateUntil };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            var failed = deadline.IsCancellationRequested
                ? Unfetched("timed-out", $"no policy came from {host} within {Timeout.TotalSeconds:0} s")
                : new StsFetchResult.Failed(peer.Failure ?? Classify(e, host));
            return failed with { CertificateUntil = peer.CertificateUntil };
        }
    }

    static async Task<StsFetchResult> GetAsync(HttpClient client, Uri address, string id, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaType));
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        if (response.StatusCode is not HttpStatusCode.OK)
        {
            return Unfetched($"http-{(int)response.StatusCode}", $"{address} answered {(int)response.StatusCode} instead of 200");
        }

        var type = response.Content.Headers.ContentType?.MediaType;
        if (!MediaType.Equals(type, StringComparison.OrdinalIgnoreCase))
        {
            return Unfetched("media-type", $"{address} is {(type is null ? "without a media type" : "of another media type")} instead of {MediaType}");
        }

        var buffer = new byte[StsPolicyText.MaxOctets + 1];
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return StsPolicyText.TryParse(buffer.AsSpan(0, length), id, out var policy, out var fault)
            ? new StsFetchResult.Fetched(policy)
            : new StsFetchResult.Failed(fault);
    }

    async ValueTask<Stream> ConnectAsync(Peer peer, CancellationToken ending)
    {
        var addresses = await HostAddresses.FindAsync(resolver, peer.Host, ending);
        if (addresses.Failure is { } failure)
        {
            throw peer.Fail(addresses.Known ? "no-address" : "dns-failure", failure);
        }

        var (connection, refusals) = await GuardedHttps.ConnectAsync(addresses.Found, Port, ConnectTimeout, clock, ending);
        return connection ?? throw peer.Fail("connection-failed", $"{peer.Host} cannot be reached: {refusals}");
    }

    bool IsAuthentic(Peer peer, ImmutableArray<X509Certificate2> sent)
    {
        if (sent.IsEmpty)
        {
            return peer.Distrust("no-certificate", $"{peer.Host} showed no certificate");
        }

        peer.CertificateUntil = sent[0].NotAfter.ToUniversalTime();
        var verdict = pkix.Judge(new PeerChain(sent[0], sent, peer.Host.Ascii), [peer.Host.Ascii]);
        return verdict.Identity is PeerIdentity.Pkix
            || peer.Distrust(verdict.Failures[0].ReasonCode, $"the certificate of {peer.Host}: {string.Join("; ", verdict.Failures.Select(one => one.Detail))}");
    }

    static TlsFailure Classify(Exception error, DomainName host)
    {
        var (reason, what) = error switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
                (HandshakeFailure.Classify(error.InnerException ?? error, HandshakeRole.Client).ReasonCode, "the TLS handshake failed"),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => ("headers-too-large", "the answer's header is too large"),
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or IOException => ("connection-closed", "the answer broke off"),
            _ => ("malformed-answer", "the answer is not HTTP"),
        };
        return new TlsFailure(TlsResultType.StsPolicyFetchError, reason, $"{host}: {what}");
    }

    static StsFetchResult.Failed Unfetched(string reason, string detail) =>
        new(new TlsFailure(TlsResultType.StsPolicyFetchError, reason, detail));

    /// <summary>The policy host in one fetch, and what is wrong with it.</summary>
    sealed class Peer(DomainName host)
    {
        public DomainName Host => host;

        public TlsFailure? Failure { get; private set; }

        public DateTimeOffset? CertificateUntil { get; set; }

        public IOException Fail(string reason, string detail)
        {
            Failure = new TlsFailure(TlsResultType.StsPolicyFetchError, reason, detail);
            return new IOException(detail);
        }

        public bool Distrust(string reason, string detail)
        {
            Failure = new TlsFailure(TlsResultType.StsWebpkiInvalid, reason, detail);
            return false;
        }
    }
}
