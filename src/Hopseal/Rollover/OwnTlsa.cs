using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Rollover;

/// <summary>What is known of the TLSA records of our own hosts, and what follows from it for our certificates.</summary>
/// <param name="hosts">Names by which MX records point at us.</param>
sealed class OwnTlsa(ImmutableArray<DomainName> hosts, TlsaAcceptance acceptance, TimeProvider clock)
{
    volatile ImmutableDictionary<DomainName, PublishedTlsa> _known = hosts.Distinct().ToImmutableDictionary(host => host, PublishedTlsa.Nothing);

    /// <summary>In a fixed order.</summary>
    public ImmutableArray<PublishedTlsa> All => [.. hosts.Distinct().Select(Of)];

    public PublishedTlsa Of(DomainName host) => _known[host];

    /// <summary>Of one of our hosts; others are forgotten. Not to be called by two at once.</summary>
    public void Set(PublishedTlsa published)
    {
        if (_known.ContainsKey(published.Host))
        {
            _known = _known.SetItem(published.Host, published);
        }
    }

    /// <summary>How the certificate that is shown for a host stands to what is published for it.</summary>
    public TlsaStanding StandingOf(DomainName host, ServerCertificates certificates) => acceptance.StandingOf(Of(host), certificates.ShownFor(host));

    /// <summary>Whether senders may verify this certificate by TLSA records: then it must not be lost. Null: not known.</summary>
    public bool? IsVerifiedByTlsa(ServerCertificate certificate, ServerCertificates certificates)
    {
        var now = clock.GetUtcNow();
        PublishedTlsa[] shownFor = [.. hosts.Where(host => ReferenceEquals(certificates.ShownFor(host), certificate)).Select(Of)];
        return shownFor.Any(published => published.Versions.Any(version => version.Binds(now))) ? true
            : shownFor.Any(published => published.Versions.IsEmpty) ? null
            : false;
    }

    /// <param name="shownBefore">See <see cref="CertificateRollover.ShownBefore"/>.</param>
    /// <param name="onLoss">Is told, with the chain file, when a certificate is shown although some senders will refuse it.</param>
    public CertificateRollover Rollover(Func<CertificateFiles, CertificateFiles?> shownBefore, Action<string, string> onLoss) => new()
    {
        ShownBefore = shownBefore,
        WhyNotYet = change => WhyNotYet(change, onLoss),
    };

    string? WhyNotYet(CertificateChange change, Action<string, string> onLoss)
    {
        var now = clock.GetUtcNow();
        var decisions = hosts.Where(change.IsShownFor).Select(host => Decide(Of(host), change, now)).ToArray();
        string[] reasons = [.. decisions.OfType<RolloverDecision.Keep>().Select(keep => keep.Why)];
        if (reasons.Length > 0)
        {
            return string.Join("; ", reasons);
        }

        foreach (var warning in decisions.OfType<RolloverDecision.Switch>().Select(change => change.Warning).OfType<string>())
        {
            onLoss(change.Files.Chain, warning);
        }

        return null;
    }

    RolloverDecision Decide(PublishedTlsa published, CertificateChange change, DateTimeOffset now)
    {
        // A copy is made only of what senders verify by TLSA: as long as we do not know better, they still do.
        if (published.Current is null && change.Restored && change.Shown.Description.NotAfter > now)
        {
            return new RolloverDecision.Keep($"which TLSA records {published.Host} has is not known yet", null);
        }

        return TlsaRollover.Decide(
            published,
            records => acceptance.Accepts(published.Host, records, change.Shown),
            records => acceptance.Accepts(published.Host, records, change.Candidate),
            change.Shown.Description.NotAfter,
            now);
    }

}
