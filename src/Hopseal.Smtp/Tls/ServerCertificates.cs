using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Smtp.Tls;

/// <param name="Chain">A PEM file: leaf first, then intermediates.</param>
/// <param name="Key">A PEM file with the leaf's private key.</param>
/// <param name="NextKey">Where the private key of the certificate after this one is, or will be; null when there is no such thing. It is never shown.</param>
public sealed record CertificateFiles(string Chain, string Key, string? NextKey = null);

/// <summary>What one look at the files found.</summary>
public abstract record CertificateReload
{
    CertificateReload()
    {
    }

    /// <param name="Warning">What an operator should know although the certificate is in use: it has expired, it names no
    /// host, … Null mostly.</param>
    public sealed record Loaded(CertificateFiles Files, PeerCertificate Certificate, string? Warning = null) : CertificateReload;

    /// <summary>The files changed and cannot be used; what was loaded before, if anything, is kept.</summary>
    public sealed record Kept(CertificateFiles Files, string Why) : CertificateReload;

    /// <summary>The files hold a new certificate, which is not to be shown yet; see <see cref="CertificateRollover"/>.</summary>
    public sealed record Waiting(CertificateFiles Files, ServerCertificate Candidate, ServerCertificate Shown, string Why) : CertificateReload;
}

/// <summary>The certificates a server shows, chosen by SNI; the first is the default. Where two are for one name, the
/// earlier one is shown.</summary>
public sealed class ServerCertificates
{
    readonly Lock _reloading = new();
    readonly TimeProvider _clock;
    readonly CertificateSource[] _sources;
    readonly CertificateRollover? _rollover;
    volatile Shown _shown;

    ServerCertificates(
        CertificateSource[] sources, IEnumerable<ServerCertificate> certificates, TimeProvider clock, CertificateRollover? rollover = null)
    {
        _sources = sources;
        _rollover = rollover;
        _clock = clock;
        _shown = new Shown([.. certificates]);
    }

    /// <summary>Whether there is at least one certificate to show: without, STARTTLS is not offered.</summary>
    public bool Available => _shown.Default is not null;

    /// <summary>What <see cref="Load"/> found: copies from before a restart that cannot be used, then each pair of files, in their order.</summary>
    public ImmutableArray<CertificateReload> AtStart { get; private set; } = [];

    /// <summary>The certificates in use, in order of preference.</summary>
    public ImmutableArray<PeerCertificate> Certificates => [.. _shown.Certificates.Select(certificate => certificate.Description)];

    /// <summary>What is shown of each pair of files; pairs of which nothing can be shown are left out.</summary>
    public ImmutableArray<(CertificateFiles Files, ServerCertificate Certificate)> InUse
    {
        get
        {
            lock (_reloading)
            {
                return [.. _sources.Where(source => source.Certificate is not null).Select(source => (source.Files, source.Certificate!))];
            }
        }
    }

    /// <summary>Reads every pair of files. Broken ones are left out and named in <see cref="AtStart"/>; a later
    /// <see cref="Reload"/> takes them up once they are repaired.</summary>
    /// <param name="clock">Says which certificates have expired: that is a warning, not a reason to leave one out.</param>
    /// <param name="rollover">Null: a new certificate is shown as soon as it is found.</param>
    public static ServerCertificates Load(
        IReadOnlyList<CertificateFiles> files, TimeProvider? clock = null, CertificateRollover? rollover = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        clock ??= TimeProvider.System;
        var sources = files.Select(pair => new CertificateSource(pair)).ToArray();
        var restored = sources
            .Select(source => rollover?.ShownBefore(source.Files) is { } copy ? source.Restore(copy, clock.GetUtcNow()) : null)
            .OfType<CertificateReload>()
            .ToArray();
        var certificates = new ServerCertificates(sources, Usable(sources), clock, rollover);
        certificates.AtStart = [.. restored, .. certificates.Reload()];
        return certificates;
    }

    /// <summary>Certificates made in memory: each chain is a leaf with its private key, then its intermediates.</summary>
    public static ServerCertificates FromCertificates(params IReadOnlyList<X509Certificate2Collection> chains)
    {
        ArgumentNullException.ThrowIfNull(chains);
        return new ServerCertificates([], chains.Select(chain => new ServerCertificate(chain)), TimeProvider.System);
    }

    /// <summary>Looks at the content of every file, and swaps what changed; connections in progress keep what they have.
    /// Returns only changes, in the order of the pairs. Times and names of files say too little: a symbolic link to a directory may be
    /// swapped, and two versions may be written within one tick.</summary>
    public ImmutableArray<CertificateReload> Reload()
    {
        lock (_reloading)
        {
            var now = _clock.GetUtcNow();
            var found = _sources.Select(source => source.Look(now)).ToArray();
            ShowAll(found);
            var decided = _sources.Select(source => source.Decide(_rollover, IsShownFor, now)).ToArray();
            ShowAll(decided);
            return [.. found.Zip(decided).SelectMany(pair => (CertificateReload?[])[pair.First, pair.Second]).OfType<CertificateReload>()];
        }
    }

    /// <summary>What a client gets who asks for this name; null when there is no certificate.</summary>
    public ServerCertificate? ShownFor(DomainName name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _shown.Choose(name.Ascii);
    }

    /// <summary>RFC 6066 §3: the certificate for the name the client asked for, else the default one.</summary>
    /// <param name="serverName">In A-labels, lower case; null without SNI.</param>
    /// <exception cref="InvalidOperationException">There is none at all; see <see cref="Available"/>.</exception>
    internal SslStreamCertificateContext Choose(string? serverName) =>
        _shown.Choose(serverName)?.Context ?? throw new InvalidOperationException("no certificate is loaded");

    /// <summary>The certificate for exactly this name; null where none is for it.</summary>
    public SslStreamCertificateContext? ContextFor(DomainName name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _shown.For(name.Ascii)?.Context;
    }

    /// <summary>What a client gets who asks for this name, or for none; null when there is no certificate.</summary>
    public SslStreamCertificateContext? ContextShownFor(DomainName? name) => _shown.Choose(name?.Ascii)?.Context;

    void ShowAll(CertificateReload?[] changes)
    {
        if (changes.Any(change => change is CertificateReload.Loaded))
        {
            _shown = new Shown([.. Usable(_sources)]);
        }
    }

    bool IsShownFor(ServerCertificate certificate, DomainName name) => ReferenceEquals(_shown.Choose(name.Ascii), certificate);

    static IEnumerable<ServerCertificate> Usable(CertificateSource[] sources) =>
        sources.Select(source => source.Certificate).OfType<ServerCertificate>();

    /// <summary>One consistent set; replaced as a whole.</summary>
    sealed class Shown
    {
        readonly FrozenDictionary<string, ServerCertificate> _byName;

        public Shown(ImmutableArray<ServerCertificate> certificates)
        {
            Certificates = certificates;
            var byName = new Dictionary<string, ServerCertificate>(StringComparer.Ordinal);
            foreach (var certificate in certificates)
            {
                foreach (var name in certificate.Description.Names)
                {
                    byName.TryAdd(Normalised(name), certificate);
                }
            }

            _byName = byName.ToFrozenDictionary(StringComparer.Ordinal);
        }

        public ImmutableArray<ServerCertificate> Certificates { get; }

        public ServerCertificate? Default => Certificates.IsEmpty ? null : Certificates[0];

        public ServerCertificate? Choose(string? serverName) => (serverName is null ? null : For(serverName)) ?? Default;

        public ServerCertificate? For(string serverName)
        {
            if (_byName.TryGetValue(serverName, out var exact))
            {
                return exact;
            }

            // A wildcard stands for exactly one label, the leftmost (RFC 9525 §6.3).
            var dot = serverName.IndexOf('.', StringComparison.Ordinal);
            return dot > 0 && _byName.TryGetValue(string.Concat("*", serverName.AsSpan(dot)), out var wildcard) ? wildcard : null;
        }

        static string Normalised(string name)
        {
            var wildcard = name.StartsWith("*.", StringComparison.Ordinal);
            return DomainName.TryParse(wildcard ? name.AsSpan(2) : name, out var parsed)
                ? wildcard ? "*." + parsed.Ascii : parsed.Ascii
                : name;
        }
    }
}
