using Hopseal.Commands.Publishing;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dashboard;
using Hopseal.Dashboard.Live;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Policy.Dane;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Evidence;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Parts;

/// <summary>What the dashboard is shown of this gateway, and lets people do: by the same operations as the commands.</summary>
sealed class DashboardView(
    GatewayConfiguration configuration,
    SqliteQueueStore store,
    QueueOperations queue,
    DatedPlanner planner,
    OwnCertificates certificates,
    IDnsResolver resolver,
    RecordsDatabase database,
    Alerting alerting,
    Monitoring monitoring,
    Requirements requirements,
    TimeProvider clock)
{
    public GatewayView Of(SessionFeed feed) => new()
    {
        Hostname = configuration.Hostname.Ascii,
        StartedAt = clock.GetUtcNow(),
        Clock = clock,
        Listeners = [.. configuration.Listeners.Select(listener => new ListenerView(listener.Name, listener.Endpoint, Words(listener.Mode)))],
        Domains = [.. configuration.Domains.Domains.Keys.Select(domain => domain.Ascii).Order(StringComparer.Ordinal)],
        Sessions = feed,
        Queue = new QueueView
        {
            List = store.ListAsync,
            CountMessages = store.CountAsync,
            Find = store.FindAsync,
            Change = ChangeAsync,
        },
        Plan = (domain, cancel) => planner.PlanAsync(domain, null, cancel),
        Certificates = () => [.. certificates.Served.InUse.Select(pair => Describe(pair.Files, pair.Certificate))],
        Publishing = InspectAsync,
        Records = new SessionQuery(database),
        Evidence = configuration.Evidence.Days == 0 ? null : LedgerFiles.In(configuration.DataDirectory),
        Received = ReceivedReports.Of(database),
        Sent = new SentReports(database),
        Alerts = new AlertsView(() => alerting.Open, new AlertStore(database).All, alerting.Silence),
        Monitor = !monitoring.IsOn ? null : new MonitorView
        {
            Query = monitoring.Query,
            Profile = monitoring.Profile,
            LookNow = monitoring.LookSoon,
            Accept = monitoring.Monitor.AcceptAsync,
            Requirements = requirements,
        },
    };

    async Task<QueueChange> ChangeAsync(QueueAction action, QueueSelection selection, CancellationToken cancel)
    {
        var request = new ControlRequest
        {
            Version = ControlRequest.CurrentVersion,
            Command = action switch
            {
                QueueAction.Retry => ControlCommand.Retry,
                QueueAction.Hold => ControlCommand.Hold,
                QueueAction.Release => ControlCommand.Release,
                QueueAction.Delete => ControlCommand.Delete,
            },
            Ids = [.. selection.Ids.Select(id => id.Text)],
            Domain = selection.Domain,
            Sender = selection.Sender,
            State = selection.State,
            ReceivedBefore = selection.ReceivedBefore,
            ReceivedAfter = selection.ReceivedAfter,
        };
        var change = new QueueChange(0, 0, 0, "the operation ended without an answer");
        await foreach (var line in queue.RunAsync(request, cancel))
        {
            change = line switch
            {
                ControlLine.Done done => new QueueChange(done.Matched, done.Changed, done.Attempting, null),
                ControlLine.Fault fault => new QueueChange(0, 0, 0, fault.Why),
                _ => change,
            };
        }

        return change;
    }

    CertificateView Describe(CertificateFiles files, ServerCertificate shown)
    {
        var waiting = certificates.Waiting.FirstOrDefault(change => change.Files == files);
        return new CertificateView(
            files.Chain,
            shown.Description,
            waiting is null ? null : new WaitingCertificate(waiting.Candidate.Description, waiting.Why),
            [.. certificates.Tlsa.All.Where(published => ReferenceEquals(certificates.Served.ShownFor(published.Host), shown)).Select(Describe)]);
    }

    TlsaHostView Describe(PublishedTlsa published)
    {
        var (mark, words) = certificates.Tlsa.StandingOf(published.Host, certificates.Served) switch
        {
            TlsaStanding.Matches => (TlsaMark.Good, "published, and matches"),
            TlsaStanding.MatchesNone => (TlsaMark.Bad, "matches none that is published: senders that use DANE do not deliver here"),
            TlsaStanding.Unsigned => (TlsaMark.Attention, "published without DNSSEC: senders ignore it"),
            TlsaStanding.Unusable => (TlsaMark.Attention, "published, and none can be used"),
            TlsaStanding.Absent => (TlsaMark.Neutral, "not published"),
            TlsaStanding.Unknown => (TlsaMark.Neutral, "not known yet"),
        };
        return new TlsaHostView(published.Host.Ascii, mark, words, [.. (published.Current?.Records ?? []).Select(record => record.ToString())]);
    }

    async Task<PublishingView> InspectAsync(string domain, CancellationToken cancel)
    {
        var report = await new PublishingInspection(configuration, resolver, clock).InspectAsync(DomainName.Parse(domain), [], cancel);
        return new PublishingView(
            [.. report.Records.Select(record => new PublishedRecord(record.ToString(), record.Purpose))],
            [.. report.Differences.Select(difference => new PublishedDifference(difference.Owner, difference.Type, difference.Detail))],
            report.Unknown,
            report.Notes);
    }

    static string Words(ListenerMode mode) => mode switch
    {
        ListenerMode.StartTls => "STARTTLS offered",
        ListenerMode.StartTlsRequired => "STARTTLS required",
        ListenerMode.ImplicitTls => "TLS from the first byte",
    };
}
