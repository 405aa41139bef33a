using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>One inbound session, as far as it matters to what somebody reports of it.</summary>
/// <param name="Level">What it reached.</param>
/// <param name="Version">For example <c>TLSv1.3</c>; null without TLS.</param>
/// <param name="Failure">Why its handshake failed, by the reason code of <see cref="TlsFailure"/>; null when it did not.</param>
/// <param name="Accepted">Messages that got 250.</param>
public sealed record SeenSession(DateTimeOffset StartedAt, IPAddress Client, SeenLevel Level, string? Version, string? Failure, int Accepted);

/// <summary>How far an inbound session came.</summary>
public enum SeenLevel
{
    /// <summary>The client never asked for TLS.</summary>
    Plaintext,

    /// <summary>It asked, and the handshake failed.</summary>
    HandshakeFailed,

    Encrypted,
}

/// <summary>What our side saw of a failure that somebody reports: the sessions of that address in that time.</summary>
public abstract record ReportedFailureView
{
    ReportedFailureView()
    {
    }

    /// <summary>It cannot be compared.</summary>
    /// <param name="Why">In a sentence, for people.</param>
    public sealed record NotComparable(string Why) : ReportedFailureView;

    /// <summary>No session of that address came in that time.</summary>
    /// <param name="Meaning">In sentences, for people.</param>
    public sealed record NeverReachedUs(string Meaning) : ReportedFailureView;

    /// <param name="Sessions">At least 1.</param>
    /// <param name="Versions">Of the encrypted ones, the most frequent first.</param>
    /// <param name="Failures">Reasons of failed handshakes, the most frequent first.</param>
    /// <param name="Meaning">In sentences, for people.</param>
    public sealed record Seen(
        int Sessions,
        int Encrypted,
        int Plaintext,
        int HandshakesFailed,
        ImmutableArray<(string Version, int Sessions)> Versions,
        ImmutableArray<(string Reason, int Sessions)> Failures,
        string Meaning) : ReportedFailureView;

    /// <summary>For people.</summary>
    public string Words => this switch
    {
        NotComparable not => not.Why,
        NeverReachedUs none => none.Meaning,
        Seen seen => string.Create(
            CultureInfo.InvariantCulture,
            $"{seen.Sessions} {(seen.Sessions == 1 ? "session" : "sessions")} of that address: {seen.Encrypted} encrypted{List(seen.Versions)}, {seen.HandshakesFailed} with a failed handshake{List(seen.Failures)}, {seen.Plaintext} without TLS. {seen.Meaning}"),
        _ => throw new InvalidOperationException("unknown view"),
    };

    /// <summary>Clocks differ, and a session may begin on one side of midnight and fail on the other.</summary>
    public static TimeSpan Tolerance { get; } = TimeSpan.FromMinutes(5);

    /// <summary>Pure.</summary>
    /// <param name="period">Of the report.</param>
    /// <param name="isOurHost">Whether a name is one of this gateway's.</param>
    /// <param name="oldest">Since when our sessions are recorded, without a gap.</param>
    /// <param name="sessions">Inbound, of the period; others are left out here.</param>
    public static ReportedFailureView Of(
        FailureDetail failure, ReportPeriod period, Func<string, bool> isOurHost, DateTimeOffset oldest, IEnumerable<SeenSession> sessions)
    {
        ArgumentNullException.ThrowIfNull(failure);
        ArgumentNullException.ThrowIfNull(isOurHost);
        if (IsOfPolicy(failure.Type.Known))
        {
            return new NotComparable("It is about what was published, not about sessions with this gateway.");
        }

        if (failure.SendingIp is not { } sender)
        {
            return new NotComparable("The report does not name the address that the sender connected from.");
        }

        if (failure.MxHostname is { } host && !isOurHost(host))
        {
            return new NotComparable($"It is about {host}, which is not this gateway.");
        }

        if (oldest > period.Start)
        {
            return new NotComparable("Our records do not go back so far, or have gaps.");
        }

        SeenSession[] seen =
        [
            .. sessions.Where(session =>
                Plain(session.Client).Equals(Plain(sender)) && session.StartedAt >= period.Start - Tolerance && session.StartedAt <= period.End + Tolerance),
        ];
        return seen.Length == 0 ? new NeverReachedUs(MeaningOfNone(failure, sender)) : Summed(failure, seen);
    }

    static Seen Summed(FailureDetail failure, SeenSession[] seen)
    {
        var encrypted = seen.Count(session => session.Level is SeenLevel.Encrypted);
        var plaintext = seen.Count(session => session.Level is SeenLevel.Plaintext);
        var failed = seen.Length - encrypted - plaintext;
        return new Seen(
            seen.Length,
            encrypted,
            plaintext,
            failed,
            Counted(seen.Select(session => session.Version)),
            Counted(seen.Select(session => session.Failure)),
            Explain(failure, encrypted, plaintext, failed));
    }

    static ImmutableArray<(string Text, int Sessions)> Counted(IEnumerable<string?> texts) =>
    [
        .. texts.OfType<string>().GroupBy(text => text, StringComparer.Ordinal)
            .Select(group => (group.Key, group.Count()))
            .OrderByDescending(group => group.Item2).ThenBy(group => group.Key, StringComparer.Ordinal),
    ];

    static string List(ImmutableArray<(string Text, int Sessions)> counts) => counts.IsEmpty
        ? ""
        : $" ({string.Join(", ", counts.Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Sessions} {count.Text}")))})";

    static string MeaningOfNone(FailureDetail failure, IPAddress sender) => string.Create(
        CultureInfo.InvariantCulture,
        $"{failure.Sessions} {(failure.Sessions == 1 ? "session is" : "sessions are")} reported from {sender}, and none reached this gateway in that time. Somebody on the path may have answered in our place; or the MX records led elsewhere, or the sender's address is changed on the way (NAT).");

    /// <summary>What both sides together say.</summary>
    static string Explain(FailureDetail failure, int encrypted, int plaintext, int failed) => failure.Type.Known switch
    {
        TlsResultType.StarttlsNotSupported when plaintext > 0 =>
            "This gateway offers STARTTLS, and the sender did not ask for it: our offer did not get through. Something between us and the sender removes it, such as a firewall that inspects mail, or an attacker.",
        TlsResultType.StarttlsNotSupported =>
            "Every session of that address that reached us asked for TLS. Those that are reported spoke with somebody else, or were cut off before.",
        TlsResultType.CertificateHostMismatch or TlsResultType.CertificateExpired or TlsResultType.CertificateNotTrusted or TlsResultType.TlsaInvalid when failed > 0 =>
            "Handshakes of that address failed here too: the sender saw our certificate and refused it. Compare it with what the sender expects.",
        TlsResultType.CertificateHostMismatch or TlsResultType.CertificateExpired or TlsResultType.CertificateNotTrusted or TlsResultType.TlsaInvalid when encrypted > 0 =>
            "Handshakes of that address went well here. Some senders complete TLS and then leave; if that is not so, they were shown a certificate that is not ours.",
        _ when failed > 0 => "Handshakes of that address failed here too; the reasons on our side are named.",
        _ when encrypted > 0 => "What reached us from that address was encrypted. Those that are reported spoke with somebody else, or were cut off before.",
        _ => "What reached us from that address never asked for TLS.",
    };

    /// <summary>Found out in DNS and by HTTPS, before there is a session (RFC 8460 §4.3.2).</summary>
    static bool IsOfPolicy(TlsResultType? type) => type is
        TlsResultType.DnssecInvalid or TlsResultType.DaneRequired
        or TlsResultType.StsPolicyFetchError or TlsResultType.StsPolicyInvalid or TlsResultType.StsWebpkiInvalid;

    static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
