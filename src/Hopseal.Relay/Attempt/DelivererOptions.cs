using System.Net.Security;
using Hopseal.Policy;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Attempt;

/// <summary>How attempts are made. The defaults suit a gateway; <see cref="Client"/> carries the time-outs of one
/// session.</summary>
public sealed record DelivererOptions
{
    /// <summary>For every session; credentials and transcript are added where they apply.</summary>
    public required ClientOptions Client { get; init; }

    /// <summary>The verifier for a host's certificate.</summary>
    public required Func<HostPlan, Func<PeerChain, PeerVerdict>> Verify { get; init; }

    /// <summary>For plans that authenticate (<see cref="DeliveryPlan.Relay.Credentials"/>).</summary>
    public ClientCredentials? Credentials { get; init; }

    /// <summary>Told of every session that completed TLS and reached its floor.</summary>
    public Action<HostPlan, TlsOutcome.Encrypted>? Proven { get; init; }

    /// <summary>When a host last completed TLS, asked anew before every session: what one session proved holds for the next one, of
    /// this attempt and of those whose plan is older.</summary>
    public Func<PlannedHost, TransportPolicy.ProvenTls?>? LastProven { get; init; }

    /// <summary>A certificate of ours, from its files; null where it cannot be had, and then none is shown.</summary>
    public Func<CertificateFiles, SslStreamCertificateContext?>? Certificate { get; init; }

    /// <summary>Hosts tried in one attempt.</summary>
    public int MaxHosts { get; init; } = 5;

    /// <summary>Addresses tried in one attempt, over all hosts. A repetition in plaintext does not count.</summary>
    public int MaxAddresses { get; init; } = 10;

    /// <summary>Recipients in one transaction. Every server takes 100 (RFC 5321 §4.5.3.1.8).</summary>
    public int MaxRecipients { get; init; } = 100;

    /// <summary>After this time an attempt opens no further connection.</summary>
    public TimeSpan NoNewSessionAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>After this time an attempt is cut off. The time-outs of a session bound each step of it, not their sum: a peer
    /// may take one block of content every few minutes.</summary>
    public TimeSpan LongestAttempt { get; init; } = TimeSpan.FromHours(2);

    /// <summary>How long a session is kept for the next message; null ends each one with its attempt.</summary>
    public SessionReuse? Reuse { get; init; }

    /// <summary>Whether the dialogue of each session is kept in its record.</summary>
    public bool KeepTranscripts { get; init; } = true;
}
