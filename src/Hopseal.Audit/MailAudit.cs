using System.Collections.Immutable;
using System.Net;
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
    /// <summary>Facts about a host with one address are some tens of kilobytes.</summary>
    const int MostHosts = 2000;

    readonly ProbeOptions _options;
    readonly DomainProbe _domains;
    readonly HostProbe _hosts;
    readonly EndpointProbe _endpoints;
    readonly SharedHosts<FoundHost> _found = new(MostHosts);
    readonly SharedHosts<HostFacts> _shared = new(MostHosts, host => host.Endpoints.All(endpoint => endpoint.Dialogue.Reach is not Reach.NoneLeft));

    /// <param name="fetch">Of MTA-STS policies.</param>
    /// <param name="manners">Shared by all audits that run beside each other.</param>
    public MailAudit(IDnsResolver resolver, PkixCheck pkix, StsFetch fetch, Manners manners, ProbeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _domains = new DomainProbe(resolver, fetch);
        _endpoints = new EndpointProbe(pkix, new DaneCheck(options.Clock), manners, options);
        _hosts = new HostProbe(resolver, _endpoints);
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
                var found = await _hosts.FindAsync(name, host.Port, signedName: true, cancel);
                hosts = [await _hosts.ProbeAsync(found, null, host.Protocol, BudgetsOf([found]), progress, cancel)];
                break;
            case AuditTarget.Host { Address: { } address } host:
                hosts = [await _hosts.ProbeAsync(new IPEndPoint(address, host.Port), host.Protocol, new ConnectionBudget(_options), cancel)];
                break;
            default:
                throw new ArgumentException($"unknown target {target}", nameof(target));
        }

        return new AuditFacts(target.ToString()!, at, _options.Clock.GetElapsedTime(began), _options.Deep, domain, hosts);
    }

    /// <summary>All look-ups first: how many names an address has says how much of it one of them may have. Then beside each other: one that lets us wait does not hold
    /// up the others.</summary>
    async Task<ImmutableArray<HostFacts>> HostsAsync(MxFacts mx, IProgress<string> progress, CancellationToken cancel)
    {
        var exchangers = mx.Exchangers.Where(exchanger => exchanger.Name is not null).ToArray();
        var found = await Task.WhenAll(exchangers.Select(exchanger => FindAsync(DomainName.Parse(exchanger.Name!), mx.Signed, cancel)));
        var budgets = BudgetsOf(found);
        return [.. await Task.WhenAll(exchangers.Zip(found, (exchanger, host) => HostAsync(host, exchanger.Preference, mx.Signed, budgets, progress, cancel)))];
    }

    Task<FoundHost> FindAsync(DomainName name, bool signed, CancellationToken cancel) =>
        _found.FindAsync((name.Ascii, signed), () => _hosts.FindAsync(name, MxPort, signed, cancel), cancel);

    async Task<HostFacts> HostAsync(FoundHost host, int preference, bool signed, CheckBudgets budgets, IProgress<string> progress, CancellationToken cancel)
    {
        var facts = await _shared.FindAsync(
            (host.Name.Ascii, signed), () => _hosts.ProbeAsync(host, preference, MailProtocol.Smtp, budgets, progress, cancel), cancel);
        return facts with { Preference = preference };
    }

    CheckBudgets BudgetsOf(IEnumerable<FoundHost> hosts) =>
        new(hosts.SelectMany(host => host.Endpoints.Select(endpoint => (endpoint, _endpoints.PromisedTo(host.Expected)))), _options);
}
