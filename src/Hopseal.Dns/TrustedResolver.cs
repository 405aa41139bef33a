using System.Collections.Immutable;
using System.Net;
using System.Text;
using DnsClient;
using DnsClient.Protocol;

namespace Hopseal.Dns;

/// <summary>How to reach the resolvers, and how far to believe them.</summary>
public sealed record TrustedResolverOptions
{
    /// <summary>Recursive, DNSSEC-validating resolvers, in order of preference; at least one.</summary>
    public required ImmutableArray<IPEndPoint> Servers { get; init; }

    /// <summary>Believe the AD bit of every server. Otherwise only that of a loopback address: AD is a bit in an unsigned
    /// packet, worth what the path to the resolver is worth (RFC 4035 §4.9.3, RFC 7672 §2.1.3).</summary>
    public bool TrustAuthenticData { get; init; }

    /// <summary>For one exchange with one server, over UDP and then once more over TCP.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Rounds over the servers; at least 1.</summary>
    public int Tries { get; init; } = 2;

    /// <summary>For one question with everything it takes: servers, rounds, aliases.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Questions on their way at the same time, at least 1; those that come then wait, outside of their deadline. Null: no limit.
    /// For those who have thousands to ask: a resolver drops what it cannot hold.</summary>
    public int? QuestionsAtOnce { get; init; }

    /// <summary>Answers kept; the least recently used one gives way.</summary>
    public int CacheEntries { get; init; } = 10_000;
}

/// <summary>Asks validating resolvers, and believes no more than it checked: the question section, every owner name on the
/// way from the question to the records, and AD only from a trusted path.</summary>
/// <remarks>When some of the servers are trusted and others are not, the others are never asked. A bogus answer comes as
/// SERVFAIL from a server that validates and as plain data from one that does not: falling over from the first to
/// the second would turn "refuse this" into "not signed" (RFC 7672 §2.1.2).</remarks>
public sealed class TrustedResolver : IDnsResolver
{
    const int MaxAliases = 8;
    static readonly TimeSpan s_longestTtl = TimeSpan.FromDays(1);

    readonly ServerExchange _servers;
    readonly AnswerCache _cache;
    readonly TimeProvider _clock;
    readonly TimeSpan _deadline;
    readonly SemaphoreSlim? _places;

    /// <exception cref="ArgumentException">There is no server.</exception>
    public TrustedResolver(TrustedResolverOptions options, TimeProvider clock)
        : this(new ServerExchange(options), options, clock)
    {
    }

    internal TrustedResolver(ServerExchange servers, TrustedResolverOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        _servers = servers;
        _cache = new AnswerCache(options.CacheEntries, clock);
        _clock = clock;
        _deadline = options.Deadline;
        _places = options.QuestionsAtOnce is { } most ? new SemaphoreSlim(most) : null;
    }

    public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.MX, static record => record is DnsClient.Protocol.MxRecord mx ? Exchanger(mx) : null, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.A, static record => (record as ARecord)?.Address, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.AAAA, static record => (record as AaaaRecord)?.Address, cancel);

    public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.TLSA, static record => record is DnsClient.Protocol.TlsaRecord tlsa ? Association(tlsa) : null, cancel);

    public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.TXT, static record => record is TxtRecord text ? string.Concat(text.Text.Select(Octets)) : null, cancel);

    public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.CNAME, static record => record is CNameRecord alias ? Target(alias) : null, cancel);

    public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.CAA, static record => record is DnsClient.Protocol.CaaRecord caa ? Issuers(caa) : null, cancel);

    public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) =>
        AskAsync(name, QueryType.PTR, static record => record is PtrRecord pointer && DomainName.TryParse(pointer.PtrDomainName.Value, out var target) ? target : null, cancel);

    static CaaRecord Issuers(DnsClient.Protocol.CaaRecord caa) => new(caa.Flags, caa.Tag.ToLowerInvariant(), caa.Value);

    static TlsaRecord Association(DnsClient.Protocol.TlsaRecord tlsa) => new(
        (byte)tlsa.CertificateUsage, (byte)tlsa.Selector, (byte)tlsa.MatchingType, [.. tlsa.CertificateAssociationData]);

    /// <summary>The library has decoded UTF-8 already. What was none is U+FFFD now: three octets that no parser takes for ASCII.</summary>
    static string Octets(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    static DomainName? Target(CNameRecord alias) => DomainName.TryParse(alias.CanonicalName.Value, out var target) ? target : null;

    static MxRecord Exchanger(DnsClient.Protocol.MxRecord mx)
    {
        var text = mx.Exchange.Value;
        return text == "." ? new MxRecord(mx.Preference, null)
            : DomainName.TryParse(text, out var host) ? new MxRecord(mx.Preference, host)
            : new MxRecord(mx.Preference, null, text);
    }

    async ValueTask<DnsAnswer<T>> AskAsync<T>(
        DomainName name, QueryType type, Func<DnsResourceRecord, T?> read, CancellationToken cancel)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(name);
        cancel.ThrowIfCancellationRequested();
        if (_cache.TryGet<T>(name, type, out var cached))
        {
            return cached;
        }

        if (_places is null)
        {
            return await AskServersAsync(name, type, read, cancel);
        }

        await _places.WaitAsync(cancel);
        try
        {
            return await AskServersAsync(name, type, read, cancel);
        }
        finally
        {
            _places.Release();
        }
    }

    async ValueTask<DnsAnswer<T>> AskServersAsync<T>(DomainName name, QueryType type, Func<DnsResourceRecord, T?> read, CancellationToken cancel)
        where T : class
    {
        using var deadline = new CancellationTokenSource(_deadline, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        try
        {
            var (answer, keep) = await ResolveAsync(name, type, read, either.Token);
            _cache.Add(name, type, answer, keep);
            return answer;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new DnsAnswer<T>.Failed(DnsFailureKind.TimedOut, $"{name} {type}: no answer within {_deadline.TotalSeconds:0.#} s");
        }
    }

    async ValueTask<(DnsAnswer<T> Answer, TimeSpan Keep)> ResolveAsync<T>(
        DomainName name, QueryType type, Func<DnsResourceRecord, T?> read, CancellationToken cancel)
        where T : class
    {
        var asked = name;
        var status = DnssecStatus.Secure;
        var ttl = s_longestTtl;
        var aliases = MaxAliases;
        while (true)
        {
            var exchange = await _servers.AskAsync(asked, type, cancel);
            if (exchange.Response is not { } response)
            {
                return (new DnsAnswer<T>.Failed(exchange.Failure, exchange.Detail), TimeSpan.Zero);
            }

            // Every answer of a chain counts: one insecure link makes the end of it insecure.
            status = response.Header.IsAuthenticData && exchange.Trusted ? status : DnssecStatus.Insecure;
            switch (AnswerReading.Read(response, asked, type, aliases))
            {
                case AnswerReading.Alias alias:
                    asked = alias.Target;
                    aliases = alias.AliasesLeft;
                    ttl = Min(ttl, alias.Ttl);
                    continue;
                case AnswerReading.Records records:
                    ttl = Min(ttl, records.Ttl);
                    ImmutableArray<T> found = [.. records.Found.Select(read).OfType<T>()];
                    return found.IsEmpty
                        ? (Malformed<T>(name, type, "records of the right type cannot be read"), TimeSpan.Zero)
                        : (new DnsAnswer<T>.Found(found, records.Owner, status, ttl), ttl);
                case AnswerReading.Absent { NameExists: true } absent:
                    return (new DnsAnswer<T>.NoData(status), Min(ttl, absent.KeepFor));
                case AnswerReading.Absent absent:
                    return (new DnsAnswer<T>.NameError(status), Min(ttl, absent.KeepFor));
                case AnswerReading.Malformed malformed:
                    return (Malformed<T>(name, type, malformed.Why), TimeSpan.Zero);
            }
        }
    }

    static DnsAnswer<T> Malformed<T>(DomainName name, QueryType type, string why) =>
        new DnsAnswer<T>.Failed(DnsFailureKind.Malformed, $"{name} {type}: {why}");

    static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
