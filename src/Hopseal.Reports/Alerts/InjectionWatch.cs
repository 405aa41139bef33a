using System.Collections.Immutable;
using Hopseal.Relay;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;

namespace Hopseal.Reports.Alerts;

/// <summary>Remembers for an hour who put plaintext behind STARTTLS (RFC 3207 §6). A reader of <see cref="SessionFanout"/>.</summary>
public sealed class InjectionWatch : ISessionSink
{
    const int MostPeers = 1000;

    static readonly TimeSpan s_memory = TimeSpan.FromHours(1);

    readonly Lock _lock = new();
    readonly Dictionary<string, (DateTimeOffset At, bool Inbound)> _seen = [];

    public bool TryRecord(SessionRecord record)
    {
        switch (record)
        {
            case SessionRecord.Inbound { Summary.End: SessionEnd.InjectedPlaintext } inbound:
                Remember(inbound.Peer.Address.ToString(), inbound, isInbound: true);
                break;
            case SessionRecord.Outbound { Fault.Kind: FaultKind.InjectedPlaintext } outbound:
                Remember(outbound.Plan.Host.ToString(), outbound, isInbound: false);
                break;
        }

        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt) => true;

    void Remember(string peer, SessionRecord record, bool isInbound)
    {
        lock (_lock)
        {
            // Whoever connects to us can do it, from as many addresses as he has: that must not hide who did it on the way out.
            if (_seen.Count >= MostPeers && !_seen.ContainsKey(peer))
            {
                _seen.Remove(_seen.OrderByDescending(seen => seen.Value.Inbound).ThenBy(seen => seen.Value.At).First().Key);
            }

            _seen[peer] = (record.StartedAt + record.Elapsed, isInbound);
        }
    }

    /// <summary>Takes back what was seen before a restart.</summary>
    public void Restore(IEnumerable<Alert> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        lock (_lock)
        {
            foreach (var alert in open.Take(MostPeers))
            {
                _seen[alert.Subject] = (alert.SeenAt, alert.Severity is not AlertSeverity.Critical);
            }
        }
    }

    public ImmutableArray<Trouble> Troubles(DateTimeOffset now)
    {
        lock (_lock)
        {
            foreach (var (peer, _) in _seen.Where(seen => now - seen.Value.At > s_memory).ToArray())
            {
                _seen.Remove(peer);
            }

            return
            [
                .. _seen.OrderBy(seen => seen.Key, StringComparer.Ordinal).Select(seen => new Trouble(
                    seen.Key, seen.Value.Inbound ? AlertSeverity.Warning : AlertSeverity.Critical,
                    seen.Value.Inbound
                        ? $"The client {seen.Key}, or somebody between, put plaintext behind STARTTLS"
                        : $"Somebody on the way to {seen.Key}, or the host itself, put plaintext behind the answer to STARTTLS",
                    "Nothing of it was used. If it goes on, look for a device on the path that changes mail traffic."))
            ];
        }
    }
}
