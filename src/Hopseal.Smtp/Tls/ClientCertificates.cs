using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net.Security;

namespace Hopseal.Smtp.Tls;

/// <summary>The certificates that we show as a client, to servers that ask for one. Each is prepared once, not for each connection, and is read
/// again when its files change, as <see cref="ServerCertificates"/> are. Any thread may call any member.</summary>
public sealed class ClientCertificates
{
    readonly Lock _reloading = new();
    readonly TimeProvider _clock;
    readonly FrozenDictionary<CertificateFiles, CertificateSource> _sources;

    ClientCertificates(FrozenDictionary<CertificateFiles, CertificateSource> sources, TimeProvider clock) => (_sources, _clock) = (sources, clock);

    /// <summary>What <see cref="Load"/> found.</summary>
    public ImmutableArray<CertificateReload> AtStart { get; private init; } = [];

    /// <summary>Reads every pair of files once. Broken ones are named in <see cref="AtStart"/>, and taken up by a later
    /// <see cref="Reload"/> once they are repaired.</summary>
    public static ClientCertificates Load(IEnumerable<CertificateFiles> files, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        clock ??= TimeProvider.System;
        var sources = files.Distinct().ToFrozenDictionary(pair => pair, pair => new CertificateSource(pair, CertificateSide.Client));
        return new ClientCertificates(sources, clock)
        {
            AtStart = [.. sources.Values.Select(source => source.Renew(clock.GetUtcNow())).OfType<CertificateReload>()],
        };
    }

    /// <summary>Null when these files never held a certificate that can be used.</summary>
    public SslStreamCertificateContext? Find(CertificateFiles files) => _sources.GetValueOrDefault(files)?.Certificate?.Context;

    /// <summary>Looks at the content of every file. Returns only changes.</summary>
    public ImmutableArray<CertificateReload> Reload()
    {
        lock (_reloading)
        {
            var now = _clock.GetUtcNow();
            return [.. _sources.Values.Select(source => source.Renew(now)).OfType<CertificateReload>()];
        }
    }
}
