using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Output;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Tlsrpt.Sending;

namespace Hopseal.Parts;

/// <summary>What each rule looks at. A watch returns everything that is wrong now, or null when that cannot be found out.</summary>
sealed class AlertWatches(GatewayConfiguration configuration)
{
    public required StrippingWatch Stripping { get; init; }

    public required InjectionWatch Injections { get; init; }

    public required OwnCertificates Certificates { get; init; }

    public required StsPolicies Policies { get; init; }

    /// <summary>Gives null before the first look; is null where nobody looks.</summary>
    public required Func<ResolverHealth?>? Resolver { get; init; }

    public required SessionQuery Sessions { get; init; }

    public required SentReports Reports { get; init; }

    /// <summary>What others report about us.</summary>
    public required ReportWatch Reported { get; init; }

    /// <summary>The oldest message that waits; null: none.</summary>
    public required Func<CancellationToken, ValueTask<QueueEntry?>> OldestEntry { get; init; }

    /// <summary>Records that found no room so far.</summary>
    public required Func<long> Lost { get; init; }

    public required MonitorWatches Monitor { get; init; }

    static readonly TimeSpan s_lossMemory = TimeSpan.FromHours(1);

    long _lostBefore;
    DateTimeOffset? _lostAt;

    /// <summary>What was open before a restart goes on until it is known to have ended.</summary>
    public void Restore(ImmutableArray<Alert> open)
    {
        Stripping.Restore(
            open.Where(alert => alert.Rule == AlertRules.Stripping).Select(HostOf).OfType<(string, int, DateTimeOffset)>(),
            open.FirstOrDefault(alert => alert.Rule == AlertRules.StrippingPath)?.OpenedAt);
        Injections.Restore(open.Where(alert => alert.Rule == AlertRules.Injection));
    }

    /// <summary>Null of one that stands for several.</summary>
    static (string Host, int Port, DateTimeOffset Since)? HostOf(Alert alert) =>
        alert.Subject.LastIndexOf(':') is var colon and > 0 && int.TryParse(alert.Subject[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? (alert.Subject[..colon], port, alert.OpenedAt)
            : null;

    public ImmutableArray<(string Rule, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>> Look)> Soon =>
    [
        (AlertRules.Stripping, (now, _) => Known(StrippedHosts(now))),
        (AlertRules.StrippingPath, (_, _) => Known(StrippedPath())),
        (AlertRules.Injection, (now, _) => Known(Injections.Troubles(now))),
        (AlertRules.TlsaMismatch, (_, _) => Known(Tlsa())),
        (AlertRules.Resolver, (_, _) => ValueTask.FromResult(ResolverTroubles())),
        (AlertRules.RecordsLost, (now, _) => Known(LostRecords(now))),
        (AlertRules.Disk, (_, _) => Known(Disk())),
    ];

    public ImmutableArray<(string Rule, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>> Look)> Slowly =>
    [
        (AlertRules.CertificateExpiring, (now, _) => Known(Expiring(now))),
        (AlertRules.PolicyFetch, (now, _) => Known(UnrenewedPolicies(now))),
        (AlertRules.Exception, (now, _) => Known(Exceptions(now))),
        (AlertRules.QueueAge, QueueAsync),
        (AlertRules.ReportSending, (now, _) => Known(UnsentReports(now))),
        (AlertRules.ReportedFailures, (now, _) => Known(Reported.Failures(now))),
        (AlertRules.ReportedNew, (now, _) => Known(Reported.NewResults(now))),
        (AlertRules.ReporterSilent, (now, _) => Known(Reported.Silent(now))),
        (AlertRules.FailureShare, (now, _) => Known(Failures(now))),
        (AlertRules.PlaintextShare, (now, _) => Known(DeliveryRules.Plaintext(
            Sessions.Traffic(now.AddDays(-DeliveryRules.Memory), now, TimeSpan.FromHours(1)), now))),
        .. Monitor.All,
    ];

    static ValueTask<ImmutableArray<Trouble>?> Known(ImmutableArray<Trouble> troubles) => ValueTask.FromResult<ImmutableArray<Trouble>?>(troubles);

    ImmutableArray<Trouble> Failures(DateTimeOffset now) => DeliveryRules.Failures(
        DeliveryRules.Suspects(Sessions.DestinationDays(null, now.AddDays(-1)))
            .SelectMany(domain => Sessions.DestinationDays(domain, now.AddDays(-DeliveryRules.Memory))),
        DateOnly.FromDateTime(now.UtcDateTime));

    ImmutableArray<Trouble> StrippedHosts(DateTimeOffset now) =>
    [
        .. Stripping.Suspects().OrderBy(suspect => suspect.Value).Select(suspect => new Trouble(
            $"{suspect.Key.Host}:{suspect.Key.Port}", AlertSeverity.Critical,
            $"{suspect.Key.Host}:{suspect.Key.Port} does not start TLS since {suspect.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC, and had it before: STARTTLS is stripped, or the host gave it up",
            $"It gets no mail until it has TLS again. If it gave it up: hopseal tls forget {suspect.Key.Host}:{suspect.Key.Port}"))
    ];

    ImmutableArray<Trouble> StrippedPath() => Stripping.PathSuspectedSince is { } since
        ?
        [
            new Trouble(
                "the path from here", AlertSeverity.Critical, $"Many hosts that had TLS lost it together since {since.UtcDateTime:yyyy-MM-dd HH:mm} UTC: the path from here strips STARTTLS",
                "Look for a firewall or provider that changes mail traffic (\"SMTP inspection\"). Their mail waits."),
        ]
        : [];

    ImmutableArray<Trouble> Tlsa() =>
    [
        .. Certificates.Standings.Where(host => host.Standing is TlsaStanding.MatchesNone or TlsaStanding.Unknown).Select(host => host.Standing is TlsaStanding.Unknown
            ? Trouble.Unknown(host.Host.Ascii)
            : new Trouble(
            host.Host.Ascii, AlertSeverity.Critical, $"The certificate shown for {host.Host} matches none of its TLSA records: senders that do DANE do not deliver",
            "hopseal dns DOMAIN shows the records to publish. Or serve the certificate that is published."))
    ];

    ImmutableArray<Trouble> Expiring(DateTimeOffset now)
    {
        var days = configuration.Alerts.CertificateDays;
        return
        [
            .. Certificates.Served.Certificates.Where(certificate => certificate.NotAfter - now <= TimeSpan.FromDays(days)).Select(certificate =>
            {
                var left = certificate.NotAfter - now;
                var name = certificate.Names.FirstOrDefault() ?? certificate.Subject;
                return new Trouble(
                    name,
                    left <= TimeSpan.FromDays(1) ? AlertSeverity.Critical : left <= TimeSpan.FromDays(days / 2.0) ? AlertSeverity.Warning : AlertSeverity.Info,
                    left < TimeSpan.Zero
                        ? $"The certificate for {name} has expired on {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}"
                        : $"The certificate for {name} ends in {Words.Count((long)left.TotalDays, "day")}, on {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}",
                    "Renew it; the gateway takes renewed files by itself.");
            })
        ];
    }

    /// <summary>A policy that is renewed daily, and was not for three days, is running out; so is one in the last third of its life.</summary>
    ImmutableArray<Trouble> UnrenewedPolicies(DateTimeOffset now) =>
    [
        .. Policies.Snapshot()
            .Where(kept => kept.Policy.Mode is StsMode.Enforce && now - kept.UsedAt < TimeSpan.FromDays(7) && now - kept.RenewAt > TimeSpan.FromDays(2))
            .Select(kept => new Trouble(
                kept.Domain.Ascii, kept.ExpiresAt - now < TimeSpan.FromDays(2) ? AlertSeverity.Critical : AlertSeverity.Warning,
                $"The MTA-STS policy of {kept.Domain} cannot be renewed since {kept.RenewAt.UtcDateTime:yyyy-MM-dd}, and ends on {kept.ExpiresAt.UtcDateTime:yyyy-MM-dd}",
                $"hopseal check {kept.Domain} shows why. A rule for {kept.Domain} with \"Tls\": \"Authenticated\" keeps the protection."))
    ];

    ImmutableArray<Trouble>? ResolverTroubles() => Resolver is null ? [] : Resolver() switch
    {
        { IsBlind: true } health =>
        [
            new Trouble("resolver", AlertSeverity.Critical, $"The resolver {health}: nobody's DANE protects the mail", "Use a validating resolver on this machine, such as unbound, or set Dns.TrustAuthenticData."),
        ],
        { State: ResolverState.Validates } => [],
        _ => null,
    };

    ImmutableArray<Trouble> Exceptions(DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        return
        [
            .. configuration.Outbound.Rules.Where(dated => dated.Until is not null && (!dated.AppliesOn(today) || dated.LastDays(today) is not null)).Select(dated =>
            {
                var over = !dated.AppliesOn(today);
                var what = $"{dated.Rule.Source} ({dated.Rule.Floor} for {dated.Rule.Destination})";
                return new Trouble(
                    dated.Rule.Source, over ? AlertSeverity.Info : AlertSeverity.Warning,
                    over ? $"{what} has ended and is not applied any more" : $"{what} ends in {Words.Count(dated.LastDays(today) ?? 0, "day")}",
                    over ? "Take it out of the configuration." : "Let it end, or decide again: change Until.");
            })
        ];
    }

    /// <summary>Those that were given up in two days: receivers that take none for a day are seldom.</summary>
    ImmutableArray<Trouble> UnsentReports(DateTimeOffset now)
    {
        const int Most = 200;
        var failed = Reports.List(new SentFilter { State = SentState.Failed }, before: null, Most).Where(report => now - report.GivesUpAt < TimeSpan.FromDays(2)).ToArray();
        return failed.Length == 0
            ? []
            :
            [
                new Trouble(
                    "TLS reports", AlertSeverity.Warning,
                    $"{Words.Count(failed.Length, "TLS report")} of ours could not be delivered: {string.Join(", ", failed.Select(report => report.Domain).Distinct().Take(5))}; {failed[0].Why}",
                    "hopseal report list --failed shows why.", Certain: false),
            ];
    }

    async ValueTask<ImmutableArray<Trouble>?> QueueAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var limit = configuration.Alerts.QueueAge;
        return await OldestEntry(cancel) is { } oldest && now - oldest.ReceivedAt > limit
            ?
            [
                new Trouble(
                    "queue", now - oldest.ReceivedAt > limit * 6 ? AlertSeverity.Critical : AlertSeverity.Warning,
                    $"Mail waits for {Words.Count((long)Math.Round((now - oldest.ReceivedAt).TotalHours), "hour")}; the oldest is for {oldest.Domain}: {oldest.Reason ?? "not attempted yet"}",
                    "hopseal queue list --summary shows what waits, and why."),
            ]
            : [];
    }

    /// <summary>Within the last hour: what is lost now and then is one trouble.</summary>
    ImmutableArray<Trouble> LostRecords(DateTimeOffset now)
    {
        var lost = Lost();
        if (lost > _lostBefore)
        {
            (_lostBefore, _lostAt) = (lost, now);
        }

        return now - _lostAt < s_lossMemory
            ? [new Trouble("records", AlertSeverity.Warning, $"{(lost == 1 ? "A record of a session was" : Words.Count(lost, "record") + " of sessions were")} lost since the start, the last within an hour", "The disk under DataDirectory is full, or too slow. Mail is not affected.")]
            : [];
    }

    ImmutableArray<Trouble> Disk()
    {
        var disk = new DriveInfo(configuration.DataDirectory);
        if (configuration.Alerts.DiskPercent == 0 || disk.TotalSize == 0)
        {
            return [];
        }

        var percent = 100.0 * disk.AvailableFreeSpace / disk.TotalSize;
        return percent < configuration.Alerts.DiskPercent
            ?
            [
                new Trouble(
                    configuration.DataDirectory, disk.AvailableFreeSpace < 2 * configuration.Limits.FreeBytes ? AlertSeverity.Critical : AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"The disk of {configuration.DataDirectory} has {percent:0.0} % left ({disk.AvailableFreeSpace / 1_048_576} MiB)"),
                    "Make room: below Limits.FreeBytes no mail is taken."),
            ]
            : [];
    }
}
