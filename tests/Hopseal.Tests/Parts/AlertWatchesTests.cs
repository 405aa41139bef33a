using System.Collections.Immutable;
using System.Net;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Parts;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tests;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Parts;

/// <summary>What each rule sees in the stores and parts that it looks at, and that it sees nothing where nothing is wrong.</summary>
public sealed class AlertWatchesTests : IAsyncDisposable
{
    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    readonly DateTimeOffset _now;
    readonly RecordsDatabase _database;
    readonly StrippingWatch _stripping = new();
    readonly InjectionWatch _injections = new();
    Remembered? _remembered;
    ResolverHealth? _health;
    QueueEntry? _oldest;
    long? _lost = 0;

    public AlertWatchesTests()
    {
        _now = _clock.GetUtcNow();
        _database = RecordsDatabase.Open(_workspace.Directory, Telling.Tables, NullLogger<RecordsDatabase>.Instance);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await (_remembered?.DisposeAsync() ?? default);
        await _database.DisposeAsync();
        _workspace.Dispose();
    }

    [Fact]
    public void Every_rule_is_looked_at()
    {
        var watches = Watches(Load());
        Assert.Equal(AlertRules.All.Order(StringComparer.Ordinal), watches.Soon.Concat(watches.Slowly).Select(watch => watch.Rule).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Where_nothing_is_wrong_nothing_is_seen()
    {
        _health = Health(ResolverState.Validates);
        var configuration = Load("\"DiskPercent\": 0");
        var certificates = Certificates(configuration, "example.org A 192.0.2.1");
        await certificates.Work[1].Act(Cancel);
        var watches = Watches(configuration, certificates);
        foreach (var (rule, look) in watches.Soon.Concat(watches.Slowly))
        {
            Assert.True(await look(_now, Cancel) is { IsEmpty: true }, rule);
        }
    }

    [Fact]
    public async Task A_rule_with_a_defect_costs_no_other_rule_its_look()
    {
        var configuration = Load();
        configuration = configuration with { Alerts = configuration.Alerts with { DiskPercent = 101 } };
        await using var store = SqliteQueueStore.Open(_workspace.Directory);
        using var queue = new MessageQueue(store, configuration.Outbound.Schedule, _clock, NullLogger<MessageQueue>.Instance);
        _lost = null;
        await using var alerting = new Alerting(configuration, _database, Watches(configuration), queue, NullLoggerFactory.Instance, _clock);
        await alerting.Work[0].Act(Cancel);
        Assert.Equal([AlertRules.Disk], alerting.Open.Select(alert => alert.Rule));
    }

    [Fact]
    public async Task A_host_without_the_TLS_it_had_is_seen_until_it_is_forgotten()
    {
        var watches = Watches(Load());
        watches.Restore([Open(AlertRules.Stripping, "mx.bank.example:25"), Open(AlertRules.StrippingPath, "the path from here"), Open(AlertRules.Stripping, "(others)")]);

        var host = Assert.Single(await SeenAsync(watches, AlertRules.Stripping));
        Assert.Equal(("mx.bank.example:25", AlertSeverity.Critical), (host.Subject, host.Severity));
        Assert.Equal("the path from here", Assert.Single(await SeenAsync(watches, AlertRules.StrippingPath)).Subject);

        _stripping.Forget("mx.bank.example", 25);
        Assert.Empty(await SeenAsync(watches, AlertRules.Stripping));
    }

    [Fact]
    public async Task Injected_plaintext_is_seen_for_an_hour()
    {
        var watches = Watches(Load());
        watches.Restore([Open(AlertRules.Injection, "203.0.113.9")]);

        Assert.Equal("203.0.113.9", Assert.Single(await SeenAsync(watches, AlertRules.Injection)).Subject);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Empty(await SeenAsync(watches, AlertRules.Injection));
    }

    [Theory]
    [InlineData("TLSA 3 1 1 OWN", false)]
    [InlineData("TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000", true)]
    [InlineData("A 192.0.2.1", false)]
    public async Task A_certificate_that_matches_no_TLSA_record_is_seen(string record, bool seen)
    {
        var configuration = Load();
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(_workspace.PathOf("mx.pem"), Cancel));
        var own = OwnKey.Of(certificate).Record.ToString().Split(' ')[^1];
        var certificates = Certificates(configuration, $"$SECURE on\nexample.org A 192.0.2.1\n_25._tcp.mx1.example.org {record.Replace("OWN", own, StringComparison.Ordinal)}");
        await certificates.Work[1].Act(Cancel);

        Assert.Equal(seen ? ["mx1.example.org"] : [], (await SeenAsync(Watches(configuration, certificates), AlertRules.TlsaMismatch)).Select(trouble => trouble.Subject));
    }

    [Theory]
    [InlineData(15, null)]
    [InlineData(13, AlertSeverity.Info)]
    [InlineData(6, AlertSeverity.Warning)]
    [InlineData(1, AlertSeverity.Critical)]
    [InlineData(-1, AlertSeverity.Critical)]
    public async Task A_certificate_is_seen_before_it_ends_and_after(int days, AlertSeverity? severity)
    {
        var configuration = Load(validDays: days);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Of(severity), (await SeenAsync(Watches(configuration), AlertRules.CertificateExpiring)).Select(trouble => trouble.Severity));
    }

    [Theory]
    [InlineData(1, StsMode.Enforce, null)]
    [InlineData(4, StsMode.Enforce, AlertSeverity.Warning)]
    [InlineData(9, StsMode.Enforce, AlertSeverity.Critical)]
    [InlineData(4, StsMode.Testing, null)]
    public async Task A_policy_that_cannot_be_renewed_is_seen_before_it_ends(int days, StsMode mode, AlertSeverity? severity)
    {
        var watches = Watches(Load());
        _remembered!.Policies.Restore(
            [new KeptStsPolicy(DomainName.Parse("bank.example"), new StsPolicy(mode, ["mx.bank.example"], TimeSpan.FromDays(10), "1"), _now.AddDays(-days), _now)]);
        Assert.Equal(Of(severity), (await SeenAsync(watches, AlertRules.PolicyFetch)).Select(trouble => trouble.Severity));
    }

    [Theory]
    [InlineData(ResolverState.Validates, 0)]
    [InlineData(ResolverState.DoesNotValidate, 1)]
    [InlineData(ResolverState.AcceptsBogus, 1)]
    [InlineData(ResolverState.Unreachable, null)]
    public async Task A_resolver_that_proves_nothing_is_seen_and_one_that_says_nothing_changes_nothing(ResolverState state, int? troubles)
    {
        _health = Health(state);
        Assert.Equal(troubles, (await LookAsync(Watches(Load()), AlertRules.Resolver))?.Length);
    }

    [Fact]
    public async Task Where_nobody_looks_at_the_resolver_nothing_is_wrong_with_it() =>
        Assert.Empty(await SeenAsync(Watches(Load(), looksAtResolver: false), AlertRules.Resolver));

    [Fact]
    public async Task A_destination_whose_mail_fails_is_seen()
    {
        await RecordAsync(Enumerable.Repeat(Records.Attempt(new TlsOutcome.Refused([Records.NotOffered], null), Records.MissedFloor, "failing.example", _now), 12)
            .Concat(Enumerable.Repeat(Records.Attempt(Records.Tls(), Records.Delivered, "fine.example", _now), 12)));

        var trouble = Assert.Single(await SeenAsync(Watches(Load()), AlertRules.FailureShare));
        Assert.Equal(("failing.example", AlertSeverity.Critical), (trouble.Subject, trouble.Severity));
    }

    [Theory]
    [InlineData(25, true)]
    [InlineData(19, false)]
    public async Task More_plaintext_than_usual_is_seen(int sessions, bool seen)
    {
        await RecordAsync(Enumerable.Repeat(Records.Outbound(new TlsOutcome.Plaintext(Records.NotOffered), at: _now.AddHours(-2)), sessions));
        Assert.Equal(seen ? ["outgoing mail"] : [], (await SeenAsync(Watches(Load()), AlertRules.PlaintextShare)).Select(trouble => trouble.Subject));
    }

    [Theory]
    [InlineData(30, null)]
    [InlineData(3, AlertSeverity.Warning)]
    [InlineData(-1, AlertSeverity.Info)]
    public async Task An_exception_is_seen_before_its_end_and_after(int days, AlertSeverity? severity)
    {
        var until = _now.AddDays(days).UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var configuration = Load(rules: $$"""{ "Destination": "old.example", "Tls": "Plaintext", "Until": "{{until}}", "Reason": "ticket", "Owner": "ops" }""");
        Assert.Equal(Of(severity), (await SeenAsync(Watches(configuration), AlertRules.Exception)).Select(trouble => trouble.Severity));
    }

    [Theory]
    [InlineData(3, null)]
    [InlineData(5, AlertSeverity.Warning)]
    [InlineData(25, AlertSeverity.Critical)]
    public async Task Mail_that_waits_long_is_seen(int hours, AlertSeverity? severity)
    {
        _oldest = new QueueEntry(QueueId.Next(_clock), "slow.example", EntryState.Deferred, false, _now.AddHours(-hours), 1, null, 1, 3, null, "4.4.1", "no answer");
        Assert.Equal(Of(severity), (await SeenAsync(Watches(Load()), AlertRules.QueueAge)).Select(trouble => trouble.Severity));
    }

    [Fact]
    public async Task Lost_records_are_seen_for_an_hour()
    {
        var watches = Watches(Load());
        Assert.Empty(await SeenAsync(watches, AlertRules.RecordsLost));
        _lost = 3;
        Assert.Single(await SeenAsync(watches, AlertRules.RecordsLost));
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Single(await SeenAsync(watches, AlertRules.RecordsLost));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(await SeenAsync(watches, AlertRules.RecordsLost));
    }

    [Fact]
    public async Task A_disk_that_fills_is_seen()
    {
        var configuration = Load();
        var disk = new DriveInfo(configuration.DataDirectory);
        var freePercent = 100.0 * disk.AvailableFreeSpace / disk.TotalSize;

        // More than is free by far, so that what others write meanwhile does not matter; and nothing.
        var wanting = configuration with { Alerts = configuration.Alerts with { DiskPercent = (int)freePercent + 20 } };
        Assert.Equal(configuration.DataDirectory, Assert.Single(await SeenAsync(Watches(wanting), AlertRules.Disk)).Subject);
        Assert.Empty(await SeenAsync(Watches(configuration with { Alerts = configuration.Alerts with { DiskPercent = 0 } }), AlertRules.Disk));
    }

    [Theory]
    [InlineData(SentState.Failed, 1, true)]
    [InlineData(SentState.Failed, 3, false)]
    [InlineData(SentState.Sent, 1, false)]
    public async Task Reports_of_ours_that_nobody_takes_are_seen(SentState state, int days, bool seen)
    {
        await RunAsync(
            """
            INSERT INTO tlsrpt_sent (report, day, domain, made_at, gives_up_at, successful, failed, state, why, content)
            VALUES ('r', 1, 'a.example', $made, $end, 1, 1, $state, 'no', x'')
            """,
            ("$made", _now.AddDays(-days - 1).ToUnixTimeMilliseconds()), ("$end", _now.AddDays(-days).ToUnixTimeMilliseconds()), ("$state", (long)state));
        Assert.Equal(seen ? ["TLS reports"] : [], (await SeenAsync(Watches(Load()), AlertRules.ReportSending)).Select(trouble => trouble.Subject));
    }

    [Fact]
    public async Task What_others_report_is_seen_and_that_they_do_not_only_where_reports_come_in()
    {
        var today = DateOnly.FromDateTime(_now.UtcDateTime).DayNumber;
        for (var ago = 4; ago < 18; ago++)
        {
            await ReportAsync(today - ago, "reporter.example", "", 100, 0);
        }

        await ReportAsync(today - 1, "", "", 0, 1000);
        var quiet = Watches(Load());
        Assert.Empty(await SeenAsync(quiet, AlertRules.ReportedFailures));
        Assert.Empty(await SeenAsync(quiet, AlertRules.ReporterSilent));
        var configuration = Load();
        var listening = Watches(configuration with { ReportIntake = configuration.ReportIntake with { Endpoint = new IPEndPoint(IPAddress.Loopback, 443) } });
        Assert.Equal("reporter.example", Assert.Single(await SeenAsync(listening, AlertRules.ReporterSilent)).Subject);

        await ReportAsync(today - 1, "reporter.example", "", 50, 50);
        await ReportAsync(today - 1, "reporter.example", "certificate-expired", 0, 50);
        Assert.Empty(await SeenAsync(listening, AlertRules.ReportedFailures));
        _clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal("example.org", Assert.Single(await SeenAsync(listening, AlertRules.ReportedFailures)).Subject);
        Assert.Equal("example.org certificate-expired", Assert.Single(await SeenAsync(listening, AlertRules.ReportedNew)).Subject);
        Assert.Empty(await SeenAsync(listening, AlertRules.ReporterSilent));
    }

    AlertWatches Watches(GatewayConfiguration configuration, OwnCertificates? certificates = null, bool looksAtResolver = true)
    {
        var resolver = ZoneResolver.Parse("example.org A 192.0.2.1");
        _remembered ??= new Remembered(configuration, resolver, new PkixCheck(TrustedRoots.Of(), _clock), null, null, NullLoggerFactory.Instance, _clock);
        return new AlertWatches(configuration)
        {
            Stripping = _stripping,
            Injections = _injections,
            Certificates = certificates ?? Certificates(configuration, "example.org A 192.0.2.1"),
            Policies = _remembered.Policies,
            Resolver = looksAtResolver ? () => _health : null,
            Sessions = new SessionQuery(_database),
            Reports = new SentReports(_database),
            Reported = new ReportWatch(ReceivedReports.Of(_database), configuration.ReportIntake.IsOn),
            OldestEntry = _ => ValueTask.FromResult(_oldest),
            Lost = () => _lost ?? throw new InvalidOperationException("a defect"),
            Monitor = new MonitorWatches(null, _clock.GetUtcNow()),
        };
    }

    OwnCertificates Certificates(GatewayConfiguration configuration, string zone) =>
        new(configuration, ZoneResolver.Parse(zone), new DaneCheck(_clock), NullLoggerFactory.Instance, _clock);

    GatewayConfiguration Load(string alerts = "", string rules = "", int validDays = 365)
    {
        _workspace.WriteCertificate("mx", validDays: validDays).Dispose();
        _workspace.Write("hopseal.json", $$"""
            {
              "Hostname": "mx1.example.org", "DataDirectory": ".", "MxNames": [ "mx1.example.org" ],
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
              "Domains": { "example.org": { "Maildir": "mail" } },
              "Outbound": { "Rules": [ {{rules}} ] },
              "Alerts": { {{alerts}} }
            }
            """);
        return Assert.IsType<ConfigurationResult.Usable>(ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], _clock)).Configuration;
    }

    ValueTask<ImmutableArray<Trouble>?> LookAsync(AlertWatches watches, string rule) =>
        watches.Soon.Concat(watches.Slowly).Single(watch => watch.Rule == rule).Look(_clock.GetUtcNow(), Cancel);

    async Task<ImmutableArray<Trouble>> SeenAsync(AlertWatches watches, string rule) =>
        await LookAsync(watches, rule) ?? throw new InvalidOperationException($"{rule} could not be found out");

    async Task RecordAsync(IEnumerable<object> records)
    {
        var store = new SessionStore(_database, new RecordsOptions(), _clock, NullLogger<SessionStore>.Instance);
        foreach (var record in records)
        {
            Assert.True(record is DeliveryAttempt attempt ? store.TryRecord(attempt) : store.TryRecord((SessionRecord)record));
        }

        Assert.True(store.Write());
        await _database.WriteAsync(_ => { }, Cancel);
    }

    Task ReportAsync(int day, string signer, string type, long successful, long failed) => RunAsync(
        "INSERT INTO tlsrpt_received_sums VALUES ($day, 'example.org', 'Reporter', $signer, $type, 1, $successful, $failed)",
        ("$day", day), ("$signer", signer), ("$type", type), ("$successful", successful), ("$failed", failed));

    Task RunAsync(string sql, params (string Name, object? Value)[] values) => _database.WriteAsync(connection => connection.Run(sql, values), Cancel);

    Alert Open(string rule, string subject) => new(1, rule, subject, AlertSeverity.Critical, "text", "advice", _now, _now, null, null);

    static ResolverHealth Health(ResolverState state) => new([new ServerHealth(new IPEndPoint(IPAddress.Loopback, 53), true, state, "so it is")], default);

    static IEnumerable<AlertSeverity> Of(AlertSeverity? severity) => severity is { } one ? [one] : [];
}
