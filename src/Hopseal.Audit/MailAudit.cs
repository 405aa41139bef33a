using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Audit;

/// <summary>Looks at a domain or a host from outside, as a sender that does everything right would, and tells what it saw. It judges nothing:
/// that is <see cref="Checks.Judge"/>.</summary>
/// <remarks>Any thread may use it. For one run: hosts that several domains share are asked once for all of them, and what was found is kept.</remarks>
public sealed class MailAudit
{
    readonly ProbeOptions _options;
    readonly DomainProbe _domains;
    readonly HostProbe _hosts;
    readonly SharedHosts _shared = new();

    /// <param name="fetch">Of MTA-STS policies.</param>
    /// <param name="manners">Shared by all audits that run beside each other.</param>
    public MailAudit(IDnsResolver resolver, PkixCheck pkix, StsFetch fetch, Manners manners, ProbeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _domains = new DomainProbe(resolver, fetch);
        _hosts = new HostProbe(resolver, new EndpointProbe(pkix, new DaneCheck(options.Clock), manners, options));
    }

    /// <summary>The port of MX hosts; another one in tests only.</summary>
    public int MxPort { get; init; } = MailProtocol.Smtp.Port;

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="progress">Told what is asked now.</param>
    public async Task<AuditFacts> RunAsync(AuditTarget target, IProgress<string> progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(progress);
        var at = _options.Clock.GetUtcNow();
        var began = _options.Clock.GetTimestamp();
        DomainFacts? domain = null;
        ImmutableArray<HostFacts> hosts;
        switch (target)
        {
            case AuditTarget.Domain { Name: var name }:
                progress.Report($"{name}: DNS and policies");
                domain = await _domains.ProbeAsync(name, cancel);
                hosts = await HostsAsync(domain.Mx, progress, cancel);
                break;
            case AuditTarget.Host { Name: { } name } host when host.Address is null:
                hosts = [await _hosts.ProbeAsync(name, null, host.Port, host.Protocol, signedName: true, progress, cancel)];
                break;
            case AuditTarget.Host { Address: { } address } host:
                hosts = [await _hosts.ProbeAsync(address, host.Port, host.Protocol, cancel)];
                break;
            default:
                throw new ArgumentException($"unknown target {target}", nameof(target));
        }

        return new AuditFacts(target.ToString()!, at, _options.Clock.GetElapsedTime(began), _options.Deep, domain, hosts);
    }

    /// <summary>Beside each other: one that lets us wait does not hold up the others.</summary>
    async Task<ImmutableArray<HostFacts>> HostsAsync(MxFacts mx, IProgress<string> progress, CancellationToken cancel) =>
        [.. await Task.WhenAll(mx.Exchangers.Where(exchanger => exchanger.Name is not null).Select(exchanger => HostAsync(exchanger, mx.Signed, progress, cancel)))];

    async Task<HostFacts> HostAsync(ExchangerFacts exchanger, bool signed, IProgress<string> progress, CancellationToken cancel)
    {
        var name = DomainName.Parse(exchanger.Name!);
        var host = await _shared.FindAsync(
            (name.Ascii, signed), () => _hosts.ProbeAsync(name, exchanger.Preference, MxPort, MailProtocol.Smtp, signed, progress, cancel), cancel);
        return host with { Preference = exchanger.Preference };
    }
}
