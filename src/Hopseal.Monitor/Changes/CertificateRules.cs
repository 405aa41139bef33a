using Hopseal.Audit.Facts;
using Hopseal.Audit.Output;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Certificates of hosts: their end, whether they can be verified, and how they change.</summary>
static class CertificateRules
{
    static readonly TimeSpan s_longSilence = TimeSpan.FromDays(2);

    static readonly Levels s_ours = new(AlertSeverity.Warning, AlertSeverity.Info);

    public static IEnumerable<Told> Of(Comparison comparison, DateTimeOffset now) =>
    [
        .. comparison.Hosts.SelectMany(host => (Told[])[.. Expiring(comparison, host, now), .. Unverified(comparison, host)]),
        .. comparison.Changes(now - DomainHistory.Memory).SelectMany(pair => Renewed(comparison, pair.Before, pair.After)).Distinct(),
    ];

    /// <summary>A certificate that nobody relies on may end as it likes: opportunistic senders take any (RFC 7435 §3), and DANE-EE looks at the key
    /// alone (RFC 7671 §5.1).</summary>
    static IEnumerable<Told> Expiring(Comparison comparison, HostPair host, DateTimeOffset now)
    {
        // What was not seen for long may have been renewed.
        var seen = host.Now.Endpoints.Where(endpoint => Seen.Leaf(endpoint) is not null && !(comparison.SilentFor(host, endpoint, now) > s_longSilence));
        CertificateFacts[] shown = [.. seen.SelectMany(endpoint => (CertificateFacts[])[Seen.Leaf(endpoint)!, .. endpoint.OtherCertificates])];
        if (shown.Length == 0 || comparison.History.Looks.Inconclusive >= LookRules.Many)
        {
            return [Comparison.Unknown(AlertRules.MonitorCertificateExpiring, host.Name, had: false)];
        }

        var first = shown.MinBy(certificate => certificate.Until)!;
        var share = LevelOf(first, now);
        var byKey = host.Now.Endpoints.All(endpoint => Seen.MatchesTlsa(endpoint) is true) && host.Now.Tlsa.Records.All(record => record.StartsWith('3'));
        var relied = StsRules.IsEnforced(comparison, host.Name) || (host.Then ?? host.Now).Endpoints.Any(endpoint => Seen.Verified(endpoint) is true)
            || (!byKey && host.Now.Endpoints.Any(endpoint => Seen.MatchesTlsa(endpoint) is true));
        var expired = first.Until <= now;
        return share is 0 ? [] : comparison.Tell(
            new Fault(
                AlertRules.MonitorCertificateExpiring, host.Name, Levels.None, relied ? Relied(share) : Unused(byKey),
                expired ? $"The certificate of {host.Name} has expired on {Seen.Day(first.Until)}"
                    : $"The certificate of {host.Name} ends in {Words.Count((long)(first.Until - now).TotalDays, "day")}, on {Seen.Day(first.Until)}",
                comparison.IsOwn ? "Renew it, and let the renewal run by itself." : "Its operator should know: mail that has to be authenticated will wait."), isNew: false);
    }

    static Levels Relied(int share) => share switch
    {
        1 => s_ours,
        2 => Levels.Warning,
        _ => Levels.Critical,
    };

    static Levels Unused(bool byKey) => byKey ? new Levels(null, null) : new Levels(AlertSeverity.Info, null);

    /// <summary>0 to 3, at 14, 7 days and 1 day before the end; sooner for a certificate that is made for less than two months.</summary>
    static int LevelOf(CertificateFacts certificate, DateTimeOffset now)
    {
        var left = certificate.Until - now;
        var life = certificate.Until - certificate.From;
        return left <= Least(1, life / 16) ? 3 : left <= Least(7, life / 8) ? 2 : left <= Least(14, life / 4) ? 1 : 0;

        static TimeSpan Least(int days, TimeSpan part) => TimeSpan.FromDays(days) < part ? TimeSpan.FromDays(days) : part;
    }

    static IEnumerable<Told> Unverified(Comparison comparison, HostPair host)
    {
        // Where a policy asks for it, that rule tells it.
        if (StsRules.IsHeld(comparison, host.Name))
        {
            return [];
        }

        return comparison.OfAddresses(
            host, AlertRules.MonitorCertificateUnverified,
            endpoint => Seen.Verified(endpoint) is not { } verified ? null : verified || Seen.Leaf(endpoint)!.Until <= comparison.Current.LastSeenAt,
            bad => new Fault(
                AlertRules.MonitorCertificateUnverified, host.Name, host.Then is null ? Levels.None : Levels.Warning, Levels.None,
                $"The certificate of {Seen.At(host, bad)} could be verified, and cannot any more: {StsRules.Why(host, bad[0])}",
                "Mail for which a rule demands \"Authenticated\" waits. A certificate from a public authority, sent with its intermediate ones, mends it."));
    }

    /// <summary>At the same address.</summary>
    static IEnumerable<Told> Renewed(Comparison comparison, Observation before, Observation after)
    {
        foreach (var host in after.Facts.Hosts)
        {
            var old = before.Facts.Hosts.FirstOrDefault(other => other.Name == host.Name);
            if (host.Name is not { } name || old is null || comparison.Hosts.All(current => current.Name != name))
            {
                continue;
            }

            foreach (var endpoint in host.Endpoints)
            {
                if (Seen.Leaf(endpoint) is { } now && old.Endpoints.FirstOrDefault(other => other.Address == endpoint.Address) is { } same && Seen.Leaf(same) is { } then
                    && now.Fingerprint != then.Fingerprint)
                {
                    foreach (var told in Changed(comparison, host, name, then, now, after.FirstSeenAt))
                    {
                        yield return told;
                    }
                }
            }
        }
    }

    static IEnumerable<Told> Changed(Comparison comparison, HostFacts host, string name, CertificateFacts then, CertificateFacts now, DateTimeOffset at)
    {
        var selfMade = now.Issuer == now.Subject && then.Issuer == then.Subject;
        var issuer = selfMade || IssuerName.IsSame(then.Issuer, now.Issuer) ? [] : comparison.TellChange(
            AlertRules.MonitorCertificateIssuer, name, s_ours,
            $"The certificate of {name} is from another issuer since {Seen.Day(at)}: {IssuerName.Of(now.Issuer)}, before {IssuerName.Of(then.Issuer)}",
            "If nobody knows of it, somebody else had a certificate made for this name: look into the certificate transparency logs, and at the domain's CAA records.");

        // Who publishes the key keeps it: that is how it should be.
        var early = then.Until - at > (then.Until - then.From) / 2;
        var key = (now.KeyFingerprint == then.KeyFingerprint, Seen.HasDane(host)) switch
        {
            (true, false) => comparison.TellChange(
                AlertRules.MonitorCertificateKey, name, new Levels(AlertSeverity.Info, null), $"The certificate of {name} was renewed on {Seen.Day(at)} with the key that it had",
                "A key that is never changed is known to more and more backups. Where no TLSA record needs it, let the renewal make a new one."),
            (false, _) when early => comparison.TellChange(
                AlertRules.MonitorCertificateKey, name, new Levels(AlertSeverity.Warning, null), $"{name} has a new key since {Seen.Day(at)}, though its certificate was good until {Seen.Day(then.Until)}",
                "Mostly a host that was set up anew. If nobody knows of it, the key may have been lost, or another host answers."),
            _ => [],
        };
        return issuer.Concat(key);
    }
}
