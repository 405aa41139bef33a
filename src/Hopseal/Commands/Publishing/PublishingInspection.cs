using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Policy.TlsRpt;
using Hopseal.Rollover;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Publishing;

/// <summary>Looks up what a domain of ours publishes, and compares it with what it should.</summary>
sealed class PublishingInspection(GatewayConfiguration configuration, IDnsResolver resolver, TimeProvider clock)
{
    /// <summary>An hour: short enough to change a key within a day, and long enough for caches to be of use.</summary>
    const int Ttl = 3600;

    readonly TlsaAcceptance _acceptance = new(new DaneCheck(clock));

    /// <param name="reportTo">Addresses for TLSRPT; empty: where the gateway takes reports itself.</param>
    public async Task<PublishingReport> InspectAsync(DomainName domain, ImmutableArray<ReportTarget> reportTo, CancellationToken cancel)
    {
        var (hosts, report) = await HostsAsync(domain, cancel);
        var (keys, notes) = KeysOf(hosts);
        report = report with { Notes = [.. report.Notes, .. notes] };
        var comparison = new TlsaComparison(_acceptance, Ttl);
        foreach (var host in keys)
        {
            report = report.With(comparison.Compare(host, await resolver.TlsaAsync(PublishedTlsa.OwnerOf(host.Host), cancel)));
        }

        report = report.With(await InspectStsAsync(domain, cancel));
        report = report.With(await InspectReportKeyAsync(domain, cancel));
        return report.With(new TlsReportComparison(reportTo.IsEmpty ? [.. TargetsOf(domain)] : reportTo, isWhole: !reportTo.IsEmpty, Ttl).Compare(domain, await resolver.TxtAsync(TlsReportComparison.OwnerOf(domain), cancel)));
    }

    /// <summary>As <c>TlsReports.Receive</c> has it: one mailbox, in the domain itself if there is one, and the address for HTTPS.</summary>
    IEnumerable<ReportTarget> TargetsOf(DomainName domain)
    {
        var intake = configuration.ReportIntake;
        if (intake.Mailboxes.OrderByDescending(mailbox => mailbox.Domain == domain).FirstOrDefault() is { LocalPart: { } local } mailbox)
        {
            yield return new ReportTarget.Mail(new Mailbox(local, mailbox.Domain));
        }

        if (intake.Endpoint is { } endpoint)
        {
            yield return new ReportTarget.Https(new UriBuilder(Uri.UriSchemeHttps, configuration.Hostname.Ascii, endpoint.Port, ReportPostServer.Path).Uri);
        }
    }

    /// <summary>The key that signs our own reports by mail, where their author is in this domain (RFC 8460 §3).</summary>
    async Task<PublishingReport> InspectReportKeyAsync(DomainName domain, CancellationToken cancel)
    {
        var report = PublishingReport.Of("");
        return configuration.ReportSending.Dkim is { } dkim && dkim.Owner.IsWithin(domain)
            ? new ReportKeyComparison(dkim, Ttl).Compare(await resolver.TxtAsync(dkim.Owner, cancel))
            : report;
    }

    async Task<PublishingReport> InspectStsAsync(DomainName domain, CancellationToken cancel)
    {
        var comparison = new StsComparison(configuration.MtaSts.Policies.GetValueOrDefault(domain.Ascii), Ttl);
        if (StsRecord.NameFor(domain) is not { } owner || MtaStsSettings.HostOf(domain) is not { } host)
        {
            return PublishingReport.Of("").Says($"{domain} is too long to have an MTA-STS policy");
        }

        var report = comparison.Compare(owner, await resolver.TxtAsync(owner, cancel));
        return configuration.MtaSts.Policies.ContainsKey(domain.Ascii)
            ? report.With(comparison.CompareHost(host, await resolver.Ipv4Async(host, cancel), await resolver.Ipv6Async(host, cancel)))
            : report;
    }

    /// <summary>Those of our names that MX records of the domain name; all of ours when they name none.</summary>
    async Task<(ImmutableArray<DomainName> Hosts, PublishingReport Report)> HostsAsync(DomainName domain, CancellationToken cancel)
    {
        const string Type = "MX";
        var report = PublishingReport.Of(domain.Ascii);
        ImmutableArray<DomainName> ours = configuration.MxNames.IsEmpty
            ? PublishedTlsa.CanHave(configuration.Hostname) ? [configuration.Hostname] : []
            : configuration.MxNames;
        var all = string.Join(", ", ours);
        switch (await resolver.MxAsync(domain, cancel))
        {
            case DnsAnswer<MxRecord>.Failed failed:
                return (ours, report with { Unknown = [failed.Detail] });
            case DnsAnswer<MxRecord>.Found found:
                report = found.Status is DnssecStatus.Secure ? report : report.Differs(
                    DifferenceKind.Unsigned, domain.Ascii, Type, "not signed with DNSSEC, or this resolver does not validate: senders that use DANE go by signed MX records only");
                ImmutableArray<DomainName> named = [.. found.Records.Select(record => record.Exchange).OfType<DomainName>().Distinct()];
                var elsewhere = string.Join(", ", named.Where(name => !ours.Contains(name)));
                ImmutableArray<DomainName> both = [.. ours.Where(named.Contains)];
                return both.IsEmpty
                    ? (ours, report.Differs(DifferenceKind.Wrong, domain.Ascii, Type, $"no record names this gateway ({all}), but {elsewhere}; see MxNames"))
                    : (both, elsewhere.Length == 0 ? report : report.Says($"MX hosts that are not this gateway, and not looked at: {elsewhere}"));
            case DnsAnswer<MxRecord>.NoData or DnsAnswer<MxRecord>.NameError:
                return (ours, report.Differs(DifferenceKind.Missing, domain.Ascii, Type, $"no MX record names this gateway ({all})"));
            case var unknown:
                throw new InvalidOperationException($"unknown answer {unknown}");
        }
    }

    /// <summary>As the running gateway has them: it may show a copy of a certificate that the files do not hold any more.</summary>
    (ImmutableArray<HostKeys> Keys, ImmutableArray<string> Notes) KeysOf(ImmutableArray<DomainName> hosts)
    {
        var notes = ImmutableArray.CreateBuilder<string>();
        var state = RolloverState.Load(configuration, _acceptance, clock);
        if (state.Fault is { } fault)
        {
            notes.Add($"what the gateway remembers cannot be read ({fault}): taken for granted that it shows what the files hold");
        }

        var certificates = state.Certificates;
        foreach (var change in certificates.AtStart)
        {
            switch (change)
            {
                case CertificateReload.Kept kept:
                    notes.Add($"{kept.Files.Chain} cannot be used: {kept.Why}");
                    break;
                case CertificateReload.Waiting waiting:
                    notes.Add($"{waiting.Files.Chain} is new and waits: {waiting.Why}");
                    break;
                case CertificateReload.Loaded:
                    break;
            }
        }

        var keys = hosts.Select(host =>
        {
            var shown = certificates.ShownFor(host);
            var files = certificates.InUse.FirstOrDefault(pair => ReferenceEquals(pair.Certificate, shown)).Files;
            var waiting = certificates.AtStart.OfType<CertificateReload.Waiting>().FirstOrDefault(change => change.Files == files)?.Candidate;
            return new HostKeys(host, shown, waiting, NextOf(host, files, notes));
        });
        return ([.. keys], [.. notes.Distinct()]);
    }

    static OwnKey? NextOf(DomainName host, CertificateFiles? files, ImmutableArray<string>.Builder notes)
    {
        switch (files?.NextKey is { } path ? NextKey.Read(path) : null)
        {
            case NextKey.Usable usable:
                return OwnKey.Of(usable.PublicKey);
            case null:
                notes.Add($"there is no next key for {host}: Certificates[].NextKey says where it would be");
                return null;
            case NextKey.Missing:
                notes.Add($"{files!.NextKey} does not exist; `hopseal certificate next-key` makes it");
                return null;
            case NextKey.Forbidden forbidden:
                notes.Add($"the next key cannot be read: {forbidden.Why}");
                return null;
            case NextKey.Broken broken:
                notes.Add(broken.Why);
                return null;
            case var unknown:
                throw new InvalidOperationException($"unknown key {unknown}");
        }
    }
}
