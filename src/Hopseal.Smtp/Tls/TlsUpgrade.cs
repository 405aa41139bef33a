using System.Collections.Immutable;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tls;

/// <summary>Either a stream that is TLS, or the reasons there is none. Never a stream to fall back on.</summary>
public abstract record UpgradeResult
{
    UpgradeResult()
    {
    }

    public sealed record Upgraded(SmtpStream Stream, TlsOutcome.Encrypted Tls) : UpgradeResult;

    /// <summary>The connection is closed.</summary>
    /// <param name="InjectedOctets">How many plaintext octets were buffered when the handshake should have begun: not 0
    /// means an injection was refused.</param>
    /// <param name="Peer">The certificate that did not do; null when the handshake itself failed.</param>
    public sealed record Failed(ImmutableArray<TlsFailure> Failures, int InjectedOctets = 0, PeerCertificate? Peer = null) : UpgradeResult;
}

/// <summary>Step 3: the only place where a plaintext stream becomes a TLS stream, for either role.</summary>
/// <remarks>Bytes that arrived before the handshake were not protected by it. Both methods therefore refuse a stream whose
/// read buffer is not empty, instead of discarding or replaying what is in it: command injection (server) and response
/// injection (client), RFC 3207 §4 and §6. Both take a deadline as a token, throw <see cref="OperationCanceledException"/>
/// only for it, and close the connection in every case but success.</remarks>
public static class TlsUpgrade
{
    static readonly TlsFailure s_nobody =
        new(TlsResultType.ValidationFailure, "peer-unauthenticated", "nothing proved who the peer is");

    static readonly TlsFailure s_noCertificate =
        new(TlsResultType.ValidationFailure, "no-certificate", "there is no certificate to show");

    /// <summary>Takes <paramref name="plain"/>, which may not be used afterwards, and handshakes as client. Whether the verdict
    /// suffices is decided here, from the demand's floor.</summary>
    public static async ValueTask<UpgradeResult> AsClientAsync(
        SmtpStream plain, TlsDemand demand, SslProtocols protocols, TimeProvider clock, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(plain);
        ArgumentNullException.ThrowIfNull(demand);
        ArgumentNullException.ThrowIfNull(clock);

        var sent = ImmutableArray<byte[]>.Empty;
        var result = await HandshakeAsync(
            plain,
            HandshakeRole.Client,
            clock,
            tls => tls.AuthenticateAsClientAsync(ClientOptions(demand, protocols, chain => sent = chain), cancel),
            cancel);
        if (result is not UpgradeResult.Upgraded upgraded)
        {
            return result;
        }

        try
        {
            var (verdict, peer) = Judge(demand.Verify, demand.ServerName, sent);
            if (demand.Floor is SecurityFloor.Authenticated && verdict.Identity is PeerIdentity.Unauthenticated)
            {
                await upgraded.Stream.CloseAsync(cancel);
                await upgraded.Stream.DisposeAsync();
                return new UpgradeResult.Failed(verdict.Failures.IsDefaultOrEmpty ? [s_nobody] : verdict.Failures, Peer: peer);
            }

            return upgraded with
            {
                Tls = upgraded.Tls with
                {
                    Identity = verdict.Identity,
                    Peer = peer,
                    ServerName = demand.ServerName.Length == 0 ? null : demand.ServerName,
                    Tolerated = verdict.Failures.IsDefault ? [] : verdict.Failures,
                },
            };
        }
        catch
        {
            await upgraded.Stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes <paramref name="plain"/>, which may not be used afterwards, and handshakes as server.</summary>
    /// <param name="judgeClient">Null: the client is not asked for a certificate. Else it is, and may have none; whatever it shows, the
    /// handshake goes on, and the verdict is in the outcome: a client is told why its mail is refused, which an alert cannot say.</param>
    public static async ValueTask<UpgradeResult> AsServerAsync(
        SmtpStream plain,
        ServerCertificates certificates,
        SslProtocols protocols,
        bool sessionTickets,
        Func<PeerChain, PeerVerdict>? judgeClient,
        TimeProvider clock,
        CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(plain);
        ArgumentNullException.ThrowIfNull(certificates);
        ArgumentNullException.ThrowIfNull(clock);

        if (!certificates.Available)
        {
            await plain.DisposeAsync();
            return new UpgradeResult.Failed([s_noCertificate]);
        }

        string? serverName = null;
        var sent = ImmutableArray<byte[]>.Empty;
        var result = await HandshakeAsync(
            plain,
            HandshakeRole.Server,
            clock,
            tls => tls.AuthenticateAsServerAsync(
                (_, hello, _, _) =>
                {
                    serverName = NameOf(hello);
                    var chosen = ServerOptions(certificates, serverName, protocols, sessionTickets);
                    return ValueTask.FromResult(judgeClient is null ? chosen : AskingForCertificate(chosen, chain => sent = chain));
                },
                state: null,
                cancel),
            cancel);
        if (result is not UpgradeResult.Upgraded upgraded)
        {
            return result;
        }

        var tls = upgraded.Tls with { ServerName = serverName };
        if (judgeClient is not null && !sent.IsEmpty)
        {
            var (verdict, peer) = Judge(judgeClient, "", sent);
            tls = tls with { Identity = verdict.Identity, Peer = peer, Tolerated = verdict.Failures.IsDefault ? [] : verdict.Failures };
        }

        return upgraded with { Tls = tls };
    }

    static async ValueTask<UpgradeResult> HandshakeAsync(
        SmtpStream plain, HandshakeRole role, TimeProvider clock, Func<SslStream, Task> authenticate, CancellationToken cancel)
    {
        if (!plain.Buffered.IsEmpty)
        {
            var octets = plain.Buffered.Length;
            await plain.DisposeAsync();
            var injected = new TlsFailure(
                TlsResultType.ValidationFailure, "plaintext-before-handshake", $"{octets} octets of plaintext came before the handshake");
            return new UpgradeResult.Failed([injected], octets);
        }

        plain.Abandon();
#pragma warning disable RS0030 // this is the one place where a stream becomes TLS
        var tls = new SslStream(plain.Transport);
#pragma warning restore RS0030
        var started = clock.GetTimestamp();
        try
        {
            await authenticate(tls);
            var encrypted = new TlsOutcome.Encrypted(
                tls.SslProtocol,
                tls.NegotiatedCipherSuite.ToString(),
                PeerIdentity.Unauthenticated,
                Peer: null,
                ServerName: null,
                clock.GetElapsedTime(started),
                Tolerated: []);
            return new UpgradeResult.Upgraded(new SmtpStream(tls, plain.Transport), encrypted);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested && IsOfTheHandshake(error))
        {
            await tls.DisposeAsync();
            return new UpgradeResult.Failed([HandshakeFailure.Classify(error, role)]);
        }
        catch (Exception error)
        {
            await tls.DisposeAsync();
            // A socket that the deadline tore down fails in its own way.
            if (IsOfTheHandshake(error))
            {
                cancel.ThrowIfCancellationRequested();
            }

            throw;
        }
    }

    static bool IsOfTheHandshake(Exception error) =>
        error is AuthenticationException or IOException or SocketException or CryptographicException or ObjectDisposedException
            or OperationCanceledException;

    static SslClientAuthenticationOptions ClientOptions(TlsDemand demand, SslProtocols protocols, Action<ImmutableArray<byte[]>> collect) => new()
    {
        TargetHost = demand.ServerName,
        EnabledSslProtocols = Effective(protocols, demand.MinimumVersion),
        ClientCertificateContext = demand.Certificate,
        AllowRenegotiation = false,
        AllowTlsResume = MayResume(demand),
        CertificateChainPolicy = Unused(),
        RemoteCertificateValidationCallback = Collecting(collect),
    };

    /// <summary>The runtime builds a chain for the callback. Nothing of it is used, so it gets no roots to read, and a peer's certificate
    /// must never make us fetch an address that the peer chose (AIA, CRL, OCSP).</summary>
    static X509ChainPolicy Unused() => new()
    {
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

#pragma warning disable CA5359 // who asked judges, after the handshake, everything that is collected here
    static RemoteCertificateValidationCallback Collecting(Action<ImmutableArray<byte[]>> collect) => (_, leaf, chain, _) =>
    {
        ImmutableArray<byte[]> sent = chain is null ? [] : [.. chain.ChainPolicy.ExtraStore.Select(certificate => certificate.RawData)];

        // OpenSSL counts the leaf among what was sent in a client, and not in a server.
        var isComplete = leaf is null || (!sent.IsEmpty && leaf.GetRawCertData().AsSpan().SequenceEqual(sent[0]));
        collect(isComplete ? sent : sent.Insert(0, leaf!.GetRawCertData()));
        return true;
    };
#pragma warning restore CA5359

    /// <summary>The runtime (.NET 10, OpenSSL) keeps one session for each server name, for at most 500 names, and hands over the
    /// certificates of the first handshake again when it resumes, so that they are verified each time. A session resumes only with
    /// whoever made it. But those certificates are of then: after the peer changed its key they would fail a demand for its identity that
    /// its new ones meet, and only a full handshake proves that it holds the key now. So there is none where the identity is
    /// demanded, and one that began without such a demand cannot be carried into one with it. Nor is there where we show who we are: that
    /// is for one destination, and is shown anew.</summary>
    static bool MayResume(TlsDemand demand) => demand.Floor is not SecurityFloor.Authenticated && demand.Certificate is null;

    static SslServerAuthenticationOptions ServerOptions(
        ServerCertificates certificates, string? serverName, SslProtocols protocols, bool sessionTickets) => new()
        {
            // Contexts are made once per certificate: making one per handshake doubles the cost of the handshake.
            ServerCertificateContext = certificates.Choose(serverName),
            EnabledSslProtocols = Effective(protocols, TlsVersion.Tls12),
            AllowRenegotiation = false,
            AllowTlsResume = sessionTickets,
            ClientCertificateRequired = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };

    /// <summary>In .NET, required means requested: what decides is the callback. No session is resumed: the certificates of a resumed one are
    /// those of its first handshake, and prove nothing about who holds the key now.</summary>
    static SslServerAuthenticationOptions AskingForCertificate(
        SslServerAuthenticationOptions options, Action<ImmutableArray<byte[]>> collect)
    {
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = Unused();
        options.RemoteCertificateValidationCallback = Collecting(collect);
        options.AllowTlsResume = false;
        return options;
    }

#pragma warning disable CA5398 // the oldest version that may be spoken is part of what this program promises
    static SslProtocols Effective(SslProtocols protocols, TlsVersion minimum) => minimum is TlsVersion.Tls13 ? SslProtocols.Tls13
        : protocols is SslProtocols.None ? SslProtocols.Tls12 | SslProtocols.Tls13
        : protocols;
#pragma warning restore CA5398

    /// <summary>The SNI name in A-labels, as it was on the wire: the runtime hands it over decoded. What is no domain name is
    /// treated as absent.</summary>
    static string? NameOf(SslClientHelloInfo hello) =>
        DomainName.TryParse(hello.ServerName, out var name) ? name.Ascii : null;

    static (PeerVerdict Verdict, PeerCertificate? Peer) Judge(
        Func<PeerChain, PeerVerdict> verify, string serverName, ImmutableArray<byte[]> sent)
    {
        var certificates = ImmutableArray.CreateBuilder<X509Certificate2>(sent.Length);
        try
        {
            foreach (var encoded in sent)
            {
                certificates.Add(X509CertificateLoader.LoadCertificate(encoded));
            }

            if (certificates.Count == 0)
            {
                return (new PeerVerdict(PeerIdentity.Unauthenticated, [s_nobody]), null);
            }

            var verdict = verify(new PeerChain(certificates[0], certificates.ToImmutable(), serverName));
            return (verdict, PeerCertificate.Describe(certificates[0]));
        }
        catch (CryptographicException error)
        {
            // OpenSSL took a certificate that the runtime cannot decode.
            var unreadable = new TlsFailure(TlsResultType.ValidationFailure, "certificate-malformed", error.Message);
            return (new PeerVerdict(PeerIdentity.Unauthenticated, [unreadable]), null);
        }
        finally
        {
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }
        }
    }
}
