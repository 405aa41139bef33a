using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Whether hosts come to TLS (RFC 3207), and whether somebody on the way keeps them from it.</summary>
static class StartTlsRules
{
    static readonly Levels s_once = new(AlertSeverity.Warning, AlertSeverity.Info);
    static readonly Levels s_ours = new(AlertSeverity.Warning, null);

    public static IEnumerable<Told> Of(Comparison comparison) => comparison.Hosts.SelectMany(host => (Told[])
    [
        .. comparison.OfAddresses(host, AlertRules.MonitorMasked, Seen.Unmasked, bad => Masked(comparison, host, bad)),
        .. comparison.OfAddresses(host, AlertRules.MonitorStartTls, Seen.OffersTls, bad => Missing(comparison, host, bad)),
        .. comparison.OfAddresses(host, AlertRules.MonitorHandshake, Seen.CompletesTls, bad => Broken(comparison, host, bad)),
    ]);

    static Fault Masked(Comparison comparison, HostPair host, ImmutableArray<EndpointFacts> bad) => new(
        AlertRules.MonitorMasked, comparison.SubjectOf(host), Levels.Critical, s_once,
        $"Something on the way to {Seen.At(host, bad)} overwrites what it says: {Seen.Some(bad[0].Dialogue.Masked)}",
        "Find the device, at either end: often a firewall's \"SMTP inspection\". Until then mail to it can be read on the way.");

    static Fault Missing(Comparison comparison, HostPair host, ImmutableArray<EndpointFacts> bad) => new(
        AlertRules.MonitorStartTls, comparison.SubjectOf(host), Levels.Critical, s_ours,
        $"{Seen.At(host, bad)} does not offer STARTTLS{(host.Then is null ? "" : " any more")}; it offers {Offered(bad[0])}",
        comparison.IsOwn ? "Switch it on: mail from others crosses the network in plaintext, or does not come." : "It was switched off there, or somebody strips it: ask its operator over another way.");

    static string Offered(EndpointFacts endpoint) => endpoint.Dialogue.Capabilities.IsEmpty ? "nothing" : string.Join(", ", endpoint.Dialogue.Capabilities.Take(10));

    static Fault Broken(Comparison comparison, HostPair host, ImmutableArray<EndpointFacts> bad) => new(
        AlertRules.MonitorHandshake, comparison.SubjectOf(host), Levels.Critical, s_ours,
        $"{Seen.At(host, bad)} offers STARTTLS, and no TLS comes of it: {bad[0].Handshake?.Failure ?? "no reason given"}",
        comparison.IsOwn ? "Its log says why: often a key file that is missing, or settings that leave no common version." : "Its operator should know. Mail that has to be encrypted waits.");
}
