using System.Net;
using Hopseal.Dns;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>Reported failures beside the sessions that were recorded.</summary>
public sealed class ReportedSessionsTests : IAsyncLifetime
{
    static readonly ReportPeriod s_day = ReportPeriod.Day(DateOnly.FromDateTime(Records.Noon.UtcDateTime));

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-reported-").FullName;
    readonly RecordsDatabase _database;
    readonly ReportedSessions _reported;

    public ReportedSessionsTests()
    {
        _database = RecordsDatabase.Open(_directory, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
        _reported = new ReportedSessions(new SessionQuery(_database), [DomainName.Parse("mx1.example.org")]);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_sessions_of_that_address_on_that_day_are_counted_in_both_forms_of_the_address()
    {
        await RecordAsync(
            ("203.0.113.1", Records.Tls(), Records.Noon),
            ("::ffff:203.0.113.1", new TlsOutcome.Plaintext(Records.NotOffered), Records.Noon),
            ("203.0.113.1", new TlsOutcome.Refused([new TlsFailure(TlsResultType.CertificateExpired, "alert-certificate-expired")]), Records.Noon),
            ("203.0.113.2", Records.Tls(), Records.Noon),
            ("203.0.113.1", Records.Tls(), Records.Noon.AddDays(1)));

        var seen = Assert.IsType<ReportedFailureView.Seen>(_reported.Compare(Failure(), s_day));

        Assert.Equal((3, 1, 1, 1), (seen.Sessions, seen.Encrypted, seen.Plaintext, seen.HandshakesFailed));
        Assert.Equal([("alert-certificate-expired", 1)], seen.Failures);
        Assert.StartsWith(
            "3 sessions of that address: 1 encrypted (1 TLSv1.3), 1 with a failed handshake (1 alert-certificate-expired), 1 without TLS. Handshakes of that address failed here too",
            seen.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_none_of_them_came_nobody_reached_us()
    {
        await RecordAsync(("203.0.113.2", Records.Tls(), Records.Noon));
        Assert.IsType<ReportedFailureView.NeverReachedUs>(_reported.Compare(Failure(), s_day));
        Assert.Equal("It is about mx2.example.org, which is not this gateway.", _reported.Compare(Failure() with { MxHostname = "mx2.example.org" }, s_day).Words);
        Assert.IsType<ReportedFailureView.NeverReachedUs>(_reported.Compare(Failure() with { MxHostname = "MX1.example.org." }, s_day));
    }

    [Fact]
    public void Without_records_nothing_can_be_compared() =>
        Assert.Equal("Our records do not go back so far, or have gaps.", _reported.Compare(Failure(), s_day).Words);

    static FailureDetail Failure() => new()
    {
        Type = ReportNames.Of(TlsResultType.CertificateExpired),
        Sessions = 3,
        SendingIp = IPAddress.Parse("203.0.113.1"),
        MxHostname = "mx1.example.org",
    };

    /// <summary>After one of the day before: the records go back far enough.</summary>
    async Task RecordAsync(params (string Peer, TlsOutcome Tls, DateTimeOffset At)[] sessions)
    {
        var store = new SessionStore(_database, new RecordsOptions(), new FakeTimeProvider(Records.Noon), NullLogger<SessionStore>.Instance);
        foreach (var (peer, tls, at) in sessions.Prepend(("192.0.2.99", Records.Tls(), Records.Noon.AddDays(-1))))
        {
            store.TryRecord(Records.Inbound(tls, peer: peer, at: at));
        }

        Assert.True(store.Write());
        await _database.WriteAsync(_ => { }, TestContext.Current.CancellationToken);
    }
}
