using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Whom the gateway shows itself as: the certificates of its listeners, chosen by the TLSA records that are published for them, and
/// those it shows to next hops.</summary>
sealed class OwnCertificates
{
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    readonly CertificateWatch _watch;
    readonly OwnTlsa _ownTlsa;
    readonly TlsaWatch _tlsa;
    readonly CertificateCopies _copies;

    public OwnCertificates(GatewayConfiguration configuration, IDnsResolver resolver, DaneCheck dane, ILoggerFactory logs, TimeProvider clock)
    {
        _ownTlsa = new OwnTlsa(configuration.MxNames, new TlsaAcceptance(dane), clock);
        var history = new TlsaHistoryFile(RolloverFiles.History(configuration.DataDirectory));
        _tlsa = new TlsaWatch(_ownTlsa, history, resolver, clock, logs.CreateLogger<TlsaWatch>());
        _tlsa.Restore();
        _copies = new CertificateCopies(RolloverFiles.Copies(configuration.DataDirectory), logs.CreateLogger<CertificateCopies>());
        Served = ServerCertificates.Load(configuration.Certificates, clock, _ownTlsa.Rollover(_copies.Find, _tlsa.TellLoss));
        Shown = ClientCertificates.Load(
            configuration.Outbound.Rules.Select(rule => rule.Rule.ClientCertificate).OfType<CertificateFiles>(), clock);
        _watch = new CertificateWatch(Served, Shown, logs.CreateLogger<CertificateWatch>());
    }

    /// <summary>By the listeners.</summary>
    public ServerCertificates Served { get; }

    /// <summary>To next hops that ask for one.</summary>
    public ClientCertificates Shown { get; }

    /// <summary>How the certificates that are shown stand to what is published for our hosts.</summary>
    public ImmutableArray<(DomainName Host, TlsaStanding Standing)> Standings =>
        [.. _ownTlsa.All.Select(published => (published.Host, _ownTlsa.StandingOf(published.Host, Served)))];

    public ImmutableArray<Periodic> Work =>
    [
        Periodic.Of(s_interval, Reload),
        new(s_interval, LookAtTlsaAsync, AtOnce: true),
    ];

    /// <summary>How what is shown stands to the TLSA records of our names.</summary>
    public OwnTlsa Tlsa => _ownTlsa;

    /// <summary>New ones that are not shown yet.</summary>
    public ImmutableArray<CertificateReload.Waiting> Waiting => _watch.Waiting;

    public void TellStart() => _watch.TellStart();

    /// <summary>Looks at the certificate files at once.</summary>
    public void Reload()
    {
        _watch.Look();
        _copies.Keep(Served, certificate => _ownTlsa.IsVerifiedByTlsa(certificate, Served));
    }

    async Task LookAtTlsaAsync(CancellationToken stop)
    {
        await _tlsa.LookAsync(stop);
        _tlsa.Compare(Served);
    }
}
