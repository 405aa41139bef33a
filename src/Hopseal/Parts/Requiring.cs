using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Relay;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>What is required of domains beside the configuration, mostly what they had proved.</summary>
sealed partial class Requiring(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock)
{
    readonly ILogger _log = logs.CreateLogger<Requiring>();

    public RequiredRules Rules { get; } = new(RequiredFile.In(configuration.DataDirectory), logs.CreateLogger<RequiredRules>());

    /// <summary>What pages and commands see and do.</summary>
    public Requirements Requirements => new(Rules, domain => Refuse(configuration, domain), clock);

    /// <summary>Does what commands ask.</summary>
    public RequireOperations Operations => new(Requirements);

    /// <summary>Why nothing can be required of a domain's own servers; null when it can. Of a next hop that somebody configured, other domains' mail included, the
    /// configuration says what it has to prove.</summary>
    public static string? Refuse(GatewayConfiguration configuration, DomainName domain)
    {
        var route = configuration.Domains.Domains.GetValueOrDefault(domain) ?? configuration.Domains.Any;
        return route switch
        {
            { Maildir: not null } => $"mail for {domain} stays on this machine",
            { NextHop: not null } => $"mail for {domain} goes to a next hop of Domains, not to its own servers: its Tls, or a rule in Outbound.Rules, says what that has to prove",
            _ when configuration.Outbound.SmartHost is not null =>
                $"mail for {domain} leaves through the smart host, not to its own servers: SmartHostTls, or a rule in Outbound.Rules, says what that has to prove",
            _ => null,
        };
    }

    /// <summary>Before the first message is planned.</summary>
    /// <exception cref="GatewayStartException">They cannot be read: without them mail would go out with less than somebody required.</exception>
    public void Restore()
    {
        try
        {
            Rules.Restore();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new GatewayStartException(e.Message, e);
        }

        // It was required of the domain's own servers, and the configuration has changed since.
        foreach (var rule in Rules.All)
        {
            if (Refuse(configuration, rule.Domain) is { } why)
            {
                LogElsewhere(_log, rule.Domain.Ascii, rule.Owner, rule.Since, why);
            }
        }
    }

    [LoggerMessage(3452, LogLevel.Warning,
        "What {Owner} requires of {Domain} since {Since} still holds, but {Why}. If that cannot have it, mail waits; hopseal require remove takes it back")]
    static partial void LogElsewhere(ILogger log, string domain, string owner, LogTime since, string why);
}
