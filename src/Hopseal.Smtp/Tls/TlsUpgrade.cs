using System.Collections.Immutable;
using System.Security.Authentication;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tls;

/// <summary>Either a stream that is TLS, or the reasons there is none. Never a stream to fall back on.</summary>
public abstract record UpgradeResult
{
    UpgradeResult()
    {
    }

    public sealed record Upgraded(SmtpStream Stream, TlsOutcome.Encrypted Tls) : UpgradeResult;

    /// <param name="InjectedOctets">How many plaintext octets were buffered when the handshake should have begun: not 0
    /// means an injection was refused.</param>
    public sealed record Failed(ImmutableArray<TlsFailure> Failures, int InjectedOctets = 0) : UpgradeResult;
}

/// <summary>The only place where a plaintext stream becomes a TLS stream, for either role.</summary>
/// <remarks>Bytes that arrived before the handshake were not protected by it. Both methods therefore refuse a stream whose
/// read buffer is not empty, instead of discarding or replaying what is in it: command injection (server) and response
/// injection (client), RFC 3207 §4 and §6.</remarks>
public static class TlsUpgrade
{
    /// <summary>Takes <paramref name="plain"/>, which may not be used afterwards, and handshakes as client. Whether the verdict
    /// suffices is decided here, from the demand's floor.</summary>
    public static ValueTask<UpgradeResult> AsClientAsync(
        SmtpStream plain, TlsDemand demand, SslProtocols protocols, TimeProvider clock, CancellationToken cancel) =>
        throw new NotImplementedException();

    /// <summary>Takes <paramref name="plain"/>, which may not be used afterwards, and handshakes as server.</summary>
    public static ValueTask<UpgradeResult> AsServerAsync(
        SmtpStream plain, ServerCertificates certificates, SslProtocols protocols, bool sessionTickets, TimeProvider clock, CancellationToken cancel) =>
        throw new NotImplementedException();
}
