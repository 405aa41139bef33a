using System.Collections.Immutable;
using System.Security.Authentication;
using System.Security.Cryptography;
using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Probes;

/// <summary>What a certificate is held against.</summary>
/// <param name="Name">Of the host: SNI, and what the certificate should be for; null for a bare address.</param>
/// <param name="Dane">Its usable TLSA records; null where there are none.</param>
sealed record Expected(DomainName? Name, TransportPolicy.Dane? Dane);

/// <summary>A real handshake, by the platform's TLS: whole chains, and a proof that the server holds the key.</summary>
sealed class PlatformHandshake(PkixCheck pkix, DaneCheck dane, ProbeOptions options)
{
    /// <summary>Throws only when cancelled. What follows is said inside TLS where it works.</summary>
    /// <param name="serverName">Asked for instead of the host's: empty for none.</param>
    public async Task<HandshakeFacts> ShakeAsync(MailConnection connection, Expected expected, CancellationToken cancel, string? serverName = null)
    {
        HandshakeFacts? seen = null;
        var demand = new TlsDemand(SecurityFloor.Encrypted, serverName ?? expected.Name?.Ascii ?? "", chain =>
        {
            seen = Look(chain, expected);
            return new PeerVerdict(PeerIdentity.Unauthenticated, []);
        });
        using var patience = new Patience(options.ReplyTimeout, options.Clock, cancel);
        UpgradeResult result;
        try
        {
#pragma warning disable CA5398 // what the audit asks for itself; older versions are asked for by hand
            result = await TlsUpgrade.AsClientAsync(connection.Stream, demand, SslProtocols.Tls12 | SslProtocols.Tls13, options.Clock, patience.Token);
#pragma warning restore CA5398
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return Failed($"the handshake did not end within {options.ReplyTimeout.TotalSeconds:0} s");
        }

        switch (result)
        {
            case UpgradeResult.Upgraded upgraded:
                connection.Continue(upgraded.Stream);
                connection.Transcript.Event($"{upgraded.Tls.Version} {upgraded.Tls.CipherSuite}");
                return (seen ?? Failed("it showed no certificate")) with { Works = true, Failure = null, Version = upgraded.Tls.Version, Cipher = upgraded.Tls.CipherSuite };
            case UpgradeResult.Failed failed:
                var why = string.Join("; ", failed.Failures.Select(failure => $"{failure.ReasonCode}: {failure.Detail}"));
                connection.Transcript.Event($"no TLS: {why}");
                return Failed(why);
            default:
                throw new InvalidOperationException("unknown result of an upgrade");
        }
    }

    HandshakeFacts Look(PeerChain chain, Expected expected)
    {
        ImmutableArray<string> names = expected.Name is { } name ? [name.Ascii] : [];
        var verdict = pkix.Judge(chain, names);
        var byDane = expected.Dane is { } policy ? dane.Judge(chain, policy) : null;
        ImmutableArray<CertificateFacts> sent;
        try
        {
            sent = [.. chain.Sent.Take(10).Select(Certificates.Describe)];
        }
        catch (CryptographicException e)
        {
            return Failed($"its certificate cannot be read: {e.Message}");
        }

        return new HandshakeFacts(
            true, null, null, null, sent,
            [.. verdict.Failures.Where(failure => failure.Type is not TlsResultType.CertificateHostMismatch).Select(failure => $"{failure.ReasonCode}: {ProbeTranscript.Clean(failure.Detail ?? "")}")],
            expected.Name is null ? null : verdict.Failures.All(failure => failure.Type is not TlsResultType.CertificateHostMismatch),
            byDane is null ? null : byDane.Identity is PeerIdentity.DaneEe or PeerIdentity.DaneTa,
            byDane is null ? null : byDane.Failures.IsEmpty ? byDane.Identity.ToString() : string.Join("; ", byDane.Failures.Select(failure => failure.Detail)));
    }

    public static HandshakeFacts Failed(string why) => new(false, why, null, null, [], [], null, null, null);
}
