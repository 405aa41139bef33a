using Hopseal.Configuration;
using Hopseal.Dns;

namespace Hopseal;

/// <summary>The resolver of a running program.</summary>
static class Resolvers
{
    const string SystemFile = "/etc/resolv.conf";

    /// <summary>How long a person who asked for something else is kept waiting.</summary>
    static readonly TimeSpan s_briefly = TimeSpan.FromSeconds(2);

    /// <exception cref="IOException">No server is configured, and the system's file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    /// <param name="questionsAtOnce">See <see cref="TrustedResolverOptions.QuestionsAtOnce"/>.</param>
    public static IDnsResolver Create(DnsSettings settings, TimeProvider clock, int? questionsAtOnce = null) =>
        new LocalhostNames(new TrustedResolver(OptionsOf(settings) with { QuestionsAtOnce = questionsAtOnce }, clock));

    /// <summary>As <see cref="Create"/>, with an answer to each question after two seconds at most.</summary>
    /// <exception cref="IOException">No server is configured, and the system's file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static IDnsResolver CreateBrief(DnsSettings settings, TimeProvider clock) =>
        new LocalhostNames(new TrustedResolver(BriefOptionsOf(settings), clock));

    /// <summary>Null when nobody is to look.</summary>
    /// <exception cref="IOException">No server is configured, and the system's file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static ResolverProbe? Probe(DnsSettings settings, TimeProvider clock) =>
        settings.Health is { } health ? new ResolverProbe(OptionsOf(settings), health.Signed, health.Bogus, clock) : null;

    /// <summary>As <see cref="Probe"/>, with an answer after four seconds at most.</summary>
    /// <exception cref="IOException">No server is configured, and the system's file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static ResolverProbe? BriefProbe(DnsSettings settings, TimeProvider clock) => settings.Health is { } health
        ? new ResolverProbe(BriefOptionsOf(settings), health.Signed, health.Bogus, clock)
        : null;

    static TrustedResolverOptions BriefOptionsOf(DnsSettings settings) =>
        OptionsOf(settings) with { Timeout = s_briefly, Deadline = s_briefly, Tries = 1 };

    static TrustedResolverOptions OptionsOf(DnsSettings settings)
    {
        var system = settings.Servers.IsEmpty ? ResolvConf.Read(SystemFile) : null;
        return new TrustedResolverOptions
        {
            Servers = system?.Servers ?? settings.Servers,
            TrustAuthenticData = settings.TrustAuthenticData || system?.TrustAuthenticData == true,
            Timeout = settings.Timeout,
        };
    }
}
