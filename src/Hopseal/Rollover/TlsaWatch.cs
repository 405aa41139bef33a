using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Rollover;

/// <summary>Looks at the TLSA records of our own hosts from time to time, remembers what it saw, and tells the log when they and the
/// certificates do not go together: once when that begins, and once when it ends.</summary>
sealed partial class TlsaWatch(OwnTlsa own, TlsaHistoryFile file, IDnsResolver resolver, TimeProvider clock, ILogger<TlsaWatch> log)
{
    static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_longest = TimeSpan.FromMinutes(5);
    static readonly TimeSpan s_afterFailure = TimeSpan.FromMinutes(1);

    readonly Dictionary<DomainName, DateTimeOffset> _next = [];
    readonly HashSet<DomainName> _unknown = [];
    readonly Dictionary<DomainName, TlsaStanding> _told = [];
    readonly HashSet<(DomainName Host, TlsaRecord Record)> _faulty = [];
    bool _unsaved;
    bool _failing;

    /// <summary>Before certificates are loaded.</summary>
    public void Restore()
    {
        try
        {
            foreach (var published in file.Load())
            {
                own.Set(published);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFileFault(e);
        }
    }

    /// <summary>Asks for the records of each host whose time has come.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        foreach (var published in own.All)
        {
            if (_next.TryGetValue(published.Host, out var next) && next > clock.GetUtcNow())
            {
                continue;
            }

            var answer = await resolver.TlsaAsync(PublishedTlsa.OwnerOf(published.Host), cancel);
            var now = clock.GetUtcNow();
            _next[published.Host] = now + PauseAfter(answer);
            Tell(published.Host, answer);
            var with = published.With(answer, now);
            if (with != published)
            {
                own.Set(with);
                _unsaved = true;
            }
        }

        Save();
    }

    /// <summary>Compares what is shown with what is published.</summary>
    public void Compare(ServerCertificates certificates)
    {
        foreach (var published in own.All)
        {
            var standing = own.StandingOf(published.Host, certificates);
            var before = _told.GetValueOrDefault(published.Host, TlsaStanding.Unknown);
            if (standing != before)
            {
                _told[published.Host] = standing;
                Tell(published, standing, before);
            }

            ImmutableArray<TlsaRecord> records = published.Current?.Records ?? [];
            _faulty.RemoveWhere(known => known.Host == published.Host && !records.Contains(known.Record));
            foreach (var record in records)
            {
                if (TlsaAcceptance.FaultOf(record) is { } fault && _faulty.Add((published.Host, record)))
                {
                    LogFaulty(published.Host.Ascii, record.ToString(), fault);
                }
            }
        }
    }

    /// <summary>Tells of a certificate that is shown at a price.</summary>
    public void TellLoss(string file, string warning) => LogLoss(file, warning);

    void Save()
    {
        try
        {
            if (_unsaved)
            {
                file.Save(own.All);
                _unsaved = _failing = false;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
            {
                LogFileFault(e);
            }

            _failing = true;
        }
    }

    static TimeSpan PauseAfter(DnsAnswer<TlsaRecord> answer) => answer switch
    {
        DnsAnswer<TlsaRecord>.Failed => s_afterFailure,
        DnsAnswer<TlsaRecord>.Found found => found.Ttl < s_shortest ? s_shortest : found.Ttl > s_longest ? s_longest : found.Ttl,
        _ => s_longest,
    };

    void Tell(DomainName host, DnsAnswer<TlsaRecord> answer)
    {
        if (answer is not DnsAnswer<TlsaRecord>.Failed failed)
        {
            _unknown.Remove(host);
        }
        else if (_unknown.Add(host))
        {
            LogUnknown(host.Ascii, failed.Detail);
        }
    }

    void Tell(PublishedTlsa published, TlsaStanding standing, TlsaStanding before)
    {
        var host = published.Host.Ascii;
        switch (standing)
        {
            case TlsaStanding.MatchesNone:
                LogMatchesNone(host, string.Join(", ", published.Current!.Records));
                break;
            case TlsaStanding.Matches:
                LogMatches(host);
                break;
            case TlsaStanding.Unsigned:
                LogUnsigned(host);
                break;
            case TlsaStanding.Unusable:
                LogUnusable(host);
                break;
            case TlsaStanding.Absent or TlsaStanding.Unknown when before is not TlsaStanding.Unknown:
                LogGone(host);
                break;
            case TlsaStanding.Absent or TlsaStanding.Unknown:
                break;
        }
    }

    [LoggerMessage(2011, LogLevel.Error, "The certificate shown for {Host} matches no TLSA record: senders that use DANE do not deliver here. Published: {Records}")]
    partial void LogMatchesNone(string host, string records);

    [LoggerMessage(2012, LogLevel.Information, "The certificate shown for {Host} matches its TLSA records")]
    partial void LogMatches(string host);

    [LoggerMessage(2013, LogLevel.Warning, "The TLSA records of {Host} are not signed with DNSSEC, or this resolver does not validate: senders ignore them")]
    partial void LogUnsigned(string host);

    [LoggerMessage(2014, LogLevel.Warning, "No TLSA record of {Host} can be used: senders ask for TLS, and take any certificate")]
    partial void LogUnusable(string host);

    [LoggerMessage(2015, LogLevel.Warning, "The TLSA records of {Host} are gone: senders do without DANE")]
    partial void LogGone(string host);

    [LoggerMessage(2016, LogLevel.Warning, "Senders ignore the TLSA record {Record} of {Host}: {Fault}")]
    partial void LogFaulty(string host, string record, string fault);

    [LoggerMessage(2017, LogLevel.Warning, "Which TLSA records {Host} has cannot be found out: {Detail}. What was seen last counts")]
    partial void LogUnknown(string host, string detail);

    [LoggerMessage(2018, LogLevel.Warning, "Certificate {File} is in use at a price: {Loss}")]
    partial void LogLoss(string file, string loss);

    [LoggerMessage(2019, LogLevel.Warning, "Which TLSA records were seen cannot be remembered over a restart")]
    partial void LogFileFault(Exception e);
}
