using Hopseal.Audit;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;
using Hopseal.Commands.Check;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Monitor.Requiring;
using Hopseal.Monitor.Store;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Commands.Require;

/// <summary>What a domain has proved: as the monitor of the gateway knows it, or by a check now.</summary>
sealed class ProofSource(Terminal terminal, GatewayConfiguration configuration)
{
    /// <summary>What was seen before that long is looked at again.</summary>
    static readonly TimeSpan s_longest = TimeSpan.FromDays(2);

    /// <exception cref="Control.ControlException">The records cannot be read.</exception>
    /// <exception cref="UsageException">There is no resolver.</exception>
    public async Task<ObservedProof> FindAsync(DomainName domain, CancellationToken cancel) => Watched(domain) ?? await CheckAsync(domain, cancel);

    /// <summary>Null when nobody watches it, or has not seen it lately.</summary>
    ObservedProof? Watched(DomainName domain)
    {
        var file = Path.Combine(configuration.DataDirectory, RecordsDatabase.FileName);
        var history = File.Exists(file) ? RecordsArgument.Read(() => HistoryOf(domain, file)) : null;
        return history?.Current is { } current && terminal.Clock.GetUtcNow() - current.LastSeenAt < s_longest ? ObservedProof.Of(history) : null;
    }

    DomainHistory? HistoryOf(DomainName domain, string file)
    {
        const int NoSuchTable = 1;
        try
        {
            return MonitorQuery.OfFile(file, terminal.Clock).Find(domain.Ascii);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == NoSuchTable)
        {
            // Of a gateway that knew no monitor.
            return null;
        }
    }

    async Task<ObservedProof> CheckAsync(DomainName domain, CancellationToken cancel)
    {
        var resolver = ConfigurationArgument.Resolver(configuration.Dns, terminal);
        var pkix = new PkixCheck(TrustedRoots.Load(configuration.Roots), terminal.Clock);
        var audit = new MailAudit(resolver, pkix, new StsFetch(resolver, pkix, terminal.Clock), configuration.Monitor?.Manners ?? Manners.Everybody, new ProbeOptions
        {
            EhloName = (configuration.Monitor?.EhloName ?? configuration.Hostname).Ascii,
            Clock = terminal.Clock,
        })
        {
            MxPort = configuration.Outbound.Port,
        };
        var progress = new CheckProgress(terminal, targets: 1);
        try
        {
            return ObservedProof.Of(await audit.RunAsync(new AuditTarget.Domain(domain), progress, cancel));
        }
        finally
        {
            progress.Clear();
        }
    }
}
