using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using DnsClient;

namespace Hopseal.Dns;

/// <summary>One question, asked of the servers in turn until one gives an answer that is one.</summary>
sealed class ServerExchange
{
    // Fits every path without fragmentation, which is both fragile and forgeable (RFC 9715 §3.2); larger answers take TCP.
    const int UdpPayload = 1232;

    readonly LookupClient _client;
    readonly ImmutableArray<Server> _servers;
    readonly int _tries;

    public ServerExchange(TrustedResolverOptions options)
        : this(options, endpoint => IsTrusted(endpoint, options.TrustAuthenticData))
    {
    }

    internal ServerExchange(TrustedResolverOptions options, Func<IPEndPoint, bool> isTrusted)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Servers.IsDefaultOrEmpty)
        {
            throw new ArgumentException("a resolver needs at least one server", nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.Tries, 1);
        _servers = Chosen(options, isTrusted);
        _tries = options.Tries;
        _client = new LookupClient(new LookupClientOptions([.. options.Servers])
        {
            AutoResolveNameServers = false,
            UseCache = false,
            RequestDnsSecRecords = true,
            ExtendedDnsBufferSize = UdpPayload,
            Timeout = options.Timeout,
            UseTcpFallback = true,
            ThrowDnsErrors = false,
            // Which server to ask next, and after what, is decided here.
            Retries = 0,
            ContinueOnDnsError = false,
            ContinueOnEmptyResponse = false,
            UseRandomNameServer = false,
        });
    }

    /// <summary>See <see cref="TrustedResolverOptions.TrustAuthenticData"/>.</summary>
    public static bool IsTrusted(IPEndPoint server, bool trustAuthenticData) => trustAuthenticData || IPAddress.IsLoopback(server.Address);

    /// <summary>The servers that are asked: where some are trusted, the others are not.</summary>
    public static ImmutableArray<(IPEndPoint EndPoint, bool Trusted)> Chosen(TrustedResolverOptions options) =>
        [.. Chosen(options, endpoint => IsTrusted(endpoint, options.TrustAuthenticData)).Select(server => (server.EndPoint, server.Trusted))];

    static ImmutableArray<Server> Chosen(TrustedResolverOptions options, Func<IPEndPoint, bool> isTrusted)
    {
        ImmutableArray<Server> all = [.. options.Servers.Select(endpoint =>
            new Server([new NameServer(endpoint)], endpoint, isTrusted(endpoint)))];
        return all.Any(server => server.Trusted) ? [.. all.Where(server => server.Trusted)] : all;
    }

    /// <summary>Throws only when cancelled.</summary>
    public async ValueTask<Exchanged> AskAsync(DomainName name, QueryType type, CancellationToken cancel)
    {
        var question = new DnsQuestion(name.Ascii + ".", type);
        var refusals = new Exchanged?[_servers.Length];
        Exchanged last = default;
        for (var round = 0; round < _tries; round++)
        {
            for (var i = 0; i < _servers.Length; i++)
            {
                if (refusals[i] is not null)
                {
                    continue;
                }

                last = await AskAsync(_servers[i], question, cancel);
                if (last.Response is not null)
                {
                    return last;
                }

                // A server that said no will say it again; one that was silent or garbled may not.
                if (last.Failure is DnsFailureKind.ServerFailure or DnsFailureKind.Refused)
                {
                    refusals[i] = last;
                }
            }
        }

        // What a server said tells more than another one's silence.
        return refusals.FirstOrDefault(refusal => refusal is not null) ?? last;
    }

    async ValueTask<Exchanged> AskAsync(Server server, DnsQuestion question, CancellationToken cancel)
    {
        IDnsQueryResponse response;
        try
        {
            response = await _client.QueryServerAsync(server.Names, question, cancel);
        }
#pragma warning disable CA1031 // The library parses what the network sent; whatever it throws is a failed look-up, never a crash.
        catch (Exception e)
#pragma warning restore CA1031
        {
            // The library reports a cancellation as a time-out.
            cancel.ThrowIfCancellationRequested();
            var kind = KindOf(e);
            return Failed(server, question, kind, kind is DnsFailureKind.TimedOut ? "no answer in time" : MessageOf(e));
        }

        if (!IsReplyTo(question, response))
        {
            return Failed(server, question, DnsFailureKind.Malformed, "the reply is to another question");
        }

        // The upper bits of the code are in the OPT record (RFC 6891 §6.1.3).
        var code = (int)response.Header.ResponseCode | ExtendedDnsError.UpperCode(response);
        return (DnsHeaderResponseCode)code switch
        {
            DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain => new Exchanged(response, server.Trusted),
            DnsHeaderResponseCode.Refused => Refused(DnsFailureKind.Refused, "REFUSED"),
            DnsHeaderResponseCode.ServerFailure => Refused(DnsFailureKind.ServerFailure, "SERVFAIL"),
            _ => Refused(DnsFailureKind.ServerFailure, $"response code {code}"),
        };

        Exchanged Refused(DnsFailureKind kind, string words) => Failed(server, question, kind, Describe(words, response));
    }

    static bool IsReplyTo(DnsQuestion question, IDnsQueryResponse response) =>
        response.Header is { HasQuery: true, OPCode: DnsOpCode.Query }
        && response.Questions is [var echoed]
        && echoed.QuestionType == question.QuestionType
        && echoed.QuestionClass == QueryClass.IN
        && AnswerReading.SameName(echoed.QueryName, question.QueryName.Value);

    static DnsFailureKind KindOf(Exception e) => e switch
    {
        DnsResponseException { Code: DnsResponseCode.ConnectionTimeout, InnerException: not SocketException } => DnsFailureKind.TimedOut,
        DnsResponseException { InnerException: SocketException or IOException } => DnsFailureKind.Unreachable,
        SocketException => DnsFailureKind.Unreachable,
        _ => DnsFailureKind.Malformed,
    };

    static string MessageOf(Exception e) => e is DnsResponseException { InnerException: { } inner } ? inner.Message : e.Message;

    static string Describe(string code, IDnsQueryResponse response) =>
        ExtendedDnsError.Describe(response) is { } extended ? $"{code}, {extended}" : code;

    static Exchanged Failed(Server server, DnsQuestion question, DnsFailureKind kind, string detail) =>
        new(null, false, kind, $"{question.QueryName.Value.TrimEnd('.')} {question.QuestionType} at {server.EndPoint}: {detail}");

    sealed record Server(NameServer[] Names, IPEndPoint EndPoint, bool Trusted);

    /// <param name="Response">NOERROR or NXDOMAIN, to our question; else null, and the rest says why.</param>
    public readonly record struct Exchanged(
        IDnsQueryResponse? Response, bool Trusted, DnsFailureKind Failure = default, string Detail = "");
}
