using Hopseal.Audit;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;
using Hopseal.Commands.Check;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands.Require;

/// <summary>What a domain has proved: a check now.</summary>
sealed class ProofSource(Terminal terminal, GatewayConfiguration configuration)
{
    public async Task<(ObservedProof Proof, DateTimeOffset At)> FindAsync(DomainName domain, CancellationToken cancel)
    {
        var resolver = ConfigurationArgument.Resolver(configuration.Dns, terminal);
        var pkix = new PkixCheck(TrustedRoots.Load(configuration.Roots), terminal.Clock);
        var audit = new MailAudit(resolver, pkix, new StsFetch(resolver, pkix, terminal.Clock), Manners.Everybody, new ProbeOptions
        {
            EhloName = configuration.Hostname.Ascii,
            Clock = terminal.Clock,
        })
        {
            MxPort = configuration.Outbound.Port,
        };
        var progress = new CheckProgress(terminal);
        try
        {
            var facts = await audit.RunAsync(new AuditTarget.Domain(domain), progress, cancel);
            return (ObservedProof.Of(facts), facts.At);
        }
        finally
        {
            progress.Clear();
        }
    }
}
