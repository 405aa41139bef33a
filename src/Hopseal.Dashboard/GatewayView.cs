using System.Collections.Immutable;
using System.Net;
using Hopseal.Dashboard.Live;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Evidence;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Tls;

namespace Hopseal.Dashboard;

/// <summary>What the dashboard sees of a running gateway, and what it may do.</summary>
public sealed record GatewayView
{
    public required string Hostname { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required TimeProvider Clock { get; init; }

    public required ImmutableArray<ListenerView> Listeners { get; init; }

    /// <summary>Domains whose mail is taken, in A-labels.</summary>
    public required ImmutableArray<string> Domains { get; init; }

    public required SessionFeed Sessions { get; init; }

    public required QueueView Queue { get; init; }

    /// <summary>For a domain, now; nobody is connected to.</summary>
    public required Func<string, CancellationToken, ValueTask<DeliveryPlan>> Plan { get; init; }

    public required Func<ImmutableArray<CertificateView>> Certificates { get; init; }

    /// <summary>Of one of <see cref="Domains"/>: asks the DNS.</summary>
    public required Func<string, CancellationToken, Task<PublishingView>> Publishing { get; init; }

    /// <summary>Sessions and attempts that are kept.</summary>
    public required SessionQuery Records { get; init; }

    /// <summary>Null: none is written.</summary>
    public required LedgerFiles? Evidence { get; init; }

    /// <summary>TLS reports of others about us.</summary>
    public required ReceivedReports Received { get; init; }

    /// <summary>Ours about others.</summary>
    public required SentReports Sent { get; init; }

    public required AlertsView Alerts { get; init; }

    /// <summary>Null: no domain is watched.</summary>
    public required MonitorView? Monitor { get; init; }
}

/// <param name="Open">Those that are open now, the most severe first.</param>
/// <param name="All">Open and ended ones before an id, the newest first.</param>
/// <param name="Silence">No notice of one before that time; null when it is not open.</param>
public sealed record AlertsView(Func<ImmutableArray<Alert>> Open, Func<long?, int, ImmutableArray<Alert>> All, Func<long, DateTimeOffset, Alert?> Silence);

/// <param name="Mode">In words.</param>
public sealed record ListenerView(string Name, IPEndPoint Endpoint, string Mode);

/// <summary>The queue. Each call throws <see cref="QueueStoreException"/> when it cannot be read or written.</summary>
public sealed record QueueView
{
    public required Func<QueueSelection, QueuePosition, int, CancellationToken, ValueTask<QueuePage>> List { get; init; }

    public required Func<CancellationToken, ValueTask<long>> CountMessages { get; init; }

    public required Func<QueueId, CancellationToken, ValueTask<QueuedMessage?>> Find { get; init; }

    public required Func<QueueAction, QueueSelection, CancellationToken, Task<QueueChange>> Change { get; init; }
}

/// <param name="Matched">Entries that were meant.</param>
/// <param name="Changed">Those to which it was done.</param>
/// <param name="Attempting">Those that stay as they are because their attempt is under way.</param>
/// <param name="Fault">Why it was not done, or not to the end; null mostly.</param>
public sealed record QueueChange(long Matched, long Changed, long Attempting, string? Fault);

/// <summary>A certificate of ours.</summary>
/// <param name="File">Of its chain.</param>
/// <param name="Waits">A renewed one that is not shown yet, and why; null when there is none.</param>
/// <param name="Hosts">How it stands to the TLSA records of our names.</param>
public sealed record CertificateView(string File, PeerCertificate Shown, WaitingCertificate? Waits, ImmutableArray<TlsaHostView> Hosts);

public sealed record WaitingCertificate(PeerCertificate Certificate, string Why);

/// <param name="Standing">In words.</param>
/// <param name="Records">As they were seen last, in presentation form.</param>
public sealed record TlsaHostView(string Host, TlsaMark Mark, string Standing, ImmutableArray<string> Records);

public enum TlsaMark
{
    Good,
    Neutral,
    Attention,
    Bad,
}

/// <summary>What is to be published for a domain, and what is different.</summary>
public sealed record PublishingView(
    ImmutableArray<PublishedRecord> Records, ImmutableArray<PublishedDifference> Differences, ImmutableArray<string> Unknown, ImmutableArray<string> Notes);

/// <param name="Line">Of a zone file.</param>
public sealed record PublishedRecord(string Line, string Purpose);

public sealed record PublishedDifference(string Owner, string Type, string Detail);
