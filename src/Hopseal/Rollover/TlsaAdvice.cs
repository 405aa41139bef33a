using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Rollover;

/// <summary>What <c>config check</c> says of our certificates beside what is published for them.</summary>
static class TlsaAdvice
{
    /// <summary>Empty where nothing can be looked up: a machine without network has nothing to mend in its configuration.</summary>
    public static async Task<ImmutableArray<string>> LookAsync(
        GatewayConfiguration configuration, IDnsResolver resolver, TimeProvider clock, CancellationToken cancel)
    {
        var acceptance = new TlsaAcceptance(new DaneCheck(clock));
        var certificates = RolloverState.Load(configuration, acceptance, clock).Certificates;
        var advice = ImmutableArray.CreateBuilder<string>();
        foreach (var waiting in certificates.AtStart.OfType<CertificateReload.Waiting>())
        {
            advice.Add($"{waiting.Files.Chain} is new and waits: {waiting.Why}; `hopseal dns` shows what to publish");
        }

        foreach (var host in configuration.MxNames)
        {
            var answer = await resolver.TlsaAsync(PublishedTlsa.OwnerOf(host), cancel);
            var published = PublishedTlsa.Nothing(host).With(answer, clock.GetUtcNow());
            if (Describe(host, acceptance.StandingOf(published, certificates.ShownFor(host))) is { } words)
            {
                advice.Add(words);
            }

            foreach (var record in published.Current?.Records ?? [])
            {
                if (TlsaAcceptance.FaultOf(record) is { } fault)
                {
                    advice.Add($"senders ignore the TLSA record {record} of {host}: {fault}");
                }
            }
        }

        return advice.ToImmutable();
    }

    static string? Describe(DomainName host, TlsaStanding standing) => standing switch
    {
        TlsaStanding.MatchesNone =>
            $"the certificate for {host} matches no published TLSA record: senders that use DANE do not deliver here; `hopseal dns` shows what to publish",
        TlsaStanding.Unsigned => $"the TLSA records of {host} are not signed with DNSSEC, or the resolver does not validate: senders ignore them",
        TlsaStanding.Unusable => $"no TLSA record of {host} can be used: senders ask for TLS, and take any certificate",
        TlsaStanding.Unknown or TlsaStanding.Absent or TlsaStanding.Matches => null,
    };
}
