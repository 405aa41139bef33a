using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay;

/// <summary>Step 12: tell. Alerts an operator of hosts that lost TLS, and of a path that strips it: one line when it begins, and one when it ends.
/// Others may rely on the event ids. A reader of <see cref="SessionFanout"/>.</summary>
public sealed partial class StrippingAlerts(StrippingWatch watch, ILogger<StrippingAlerts> log) : ISessionSink
{
    public const int HostLostEvent = 1903;
    public const int HostBackEvent = 1904;
    public const int HostLetGoEvent = 1905;
    public const int PathLostEvent = 1906;
    public const int PathBackEvent = 1907;

    const int MaxCharacters = 500;

    public bool TryRecord(SessionRecord record)
    {
        if (record is SessionRecord.Outbound outbound)
        {
            foreach (var notice in watch.Observe(outbound))
            {
                Tell(notice, outbound);
            }
        }

        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt) => true;

    void Tell(StrippingNotice notice, SessionRecord.Outbound session)
    {
        switch (notice)
        {
            case StrippingNotice.HostLost lost:
                LogHostLost(
                    session.SessionId,
                    lost.Host,
                    lost.Port,
                    lost.Peer.ToString(),
                    OneLine.Of(lost.Why.ToString(), MaxCharacters),
                    Day(lost.Proven.LastProvenAt),
                    lost.Proven.LastVerifiedAt is { } verified ? $", and proved who it was on {Day(verified)}" : "");
                break;
            case StrippingNotice.HostBack back:
                LogHostBack(session.SessionId, back.Host, back.Port, back.Since);
                break;
            case StrippingNotice.HostLetGo gone:
                LogHostLetGo(session.SessionId, gone.Host, gone.Port, gone.Since);
                break;
            case StrippingNotice.PathLost lost:
                LogPathLost(lost.Lost, lost.Kept, string.Join(", ", lost.Hosts));
                break;
            case StrippingNotice.PathBack back:
                LogPathBack(back.Since, back.Lost, back.Kept);
                break;
        }
    }

    static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    [LoggerMessage(
        HostLostEvent, LogLevel.Warning,
        "SUSPECTED STRIPPING: {Host}:{Port} at {Peer} does not start TLS in {Session} ({Why}), and last did on {LastProven}{Verified}. It gets no mail until it does. "
        + "If it gave up TLS: hopseal tls forget {Host}:{Port}")]
    partial void LogHostLost(string session, string host, int port, string peer, string why, string lastProven, string verified);

    [LoggerMessage(HostBackEvent, LogLevel.Information, "{Host}:{Port} starts TLS again in {Session}; it did not since {Since}")]
    partial void LogHostBack(string session, string host, int port, LogTime since);

    [LoggerMessage(
        HostLetGoEvent, LogLevel.Warning,
        "{Host}:{Port}, without TLS since {Since}, is not held to it any more and got plaintext in {Session}")]
    partial void LogHostLetGo(string session, string host, int port, LogTime since);

    [LoggerMessage(
        PathLostEvent, LogLevel.Error,
        "THE PATH STRIPS STARTTLS: {Lost} parties that had TLS lost it within an hour, and {Kept} completed it since. They get no mail until they have it. Hosts: {Hosts}")]
    partial void LogPathLost(int lost, int kept, string hosts);

    [LoggerMessage(
        PathBackEvent, LogLevel.Warning,
        "The path lets STARTTLS through again: of those that lost it since {Since}, {Lost} parties are left, and {Kept} completed it")]
    partial void LogPathBack(LogTime since, int lost, int kept);
}
