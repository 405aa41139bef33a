using System.Collections.Immutable;

namespace Hopseal.Policy;

/// <param name="Host">A name (A-labels, lower case) or an address.</param>
/// <param name="LastProvenAt">When a session with it last completed TLS.</param>
/// <param name="LastVerifiedAt">When it last proved who it is as well; null when it never did.</param>
public sealed record ProvenTlsHost(string Host, int Port, DateTimeOffset LastProvenAt, DateTimeOffset? LastVerifiedAt = null)
{
    public TransportPolicy.ProvenTls AsPolicy() => new(LastProvenAt, LastVerifiedAt);
}

/// <summary>Which hosts completed TLS, and when last: a host that could encrypt yesterday and does not offer it today is
/// either broken or being stripped by somebody on the path, and gets no plaintext (see
/// <see cref="TransportPolicy.ProvenTls"/>).</summary>
/// <remarks>In memory and bounded. The caller stores it: <see cref="Restore"/> at start, <see cref="TakeChanges"/> now and then.
/// Any thread may call any member.</remarks>
/// <param name="remember">How long one proof counts; 30 days if not given.</param>
/// <param name="capacity">Hosts; the one proven longest ago gives way.</param>
public sealed class ProvenTlsMemory(TimeProvider clock, TimeSpan? remember = null, int capacity = 100_000)
{
    // Proving the same host a thousand times a day is worth one write.
    static readonly TimeSpan s_storeAgainAfter = TimeSpan.FromDays(1);

    readonly Lock _lock = new();
    readonly TimeSpan _remember = remember ?? TimeSpan.FromDays(30);
    readonly Dictionary<(string Host, int Port), LinkedListNode<ProvenTlsHost>> _hosts = [];

    /// <summary>The one proven longest ago first.</summary>
    readonly LinkedList<ProvenTlsHost> _byAge = [];

    /// <summary>What the caller has in its store, or is about to.</summary>
    readonly Dictionary<(string Host, int Port), DateTimeOffset> _stored = [];
    readonly HashSet<(string Host, int Port)> _changed = [];

    /// <summary>Notes that a session with this host completed TLS.</summary>
    /// <param name="verified">Whether it proved who it is.</param>
    public void Prove(string host, int port, DateTimeOffset when, bool verified = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        lock (_lock)
        {
            var firstVerified = verified && Known(host, port)?.LastVerifiedAt is null;
            if (Keep(new ProvenTlsHost(host, port, when, verified ? when : null))
                && (firstVerified || !_stored.TryGetValue((host, port), out var stored) || when - stored >= s_storeAgainAfter))
            {
                _changed.Add((host, port));
            }
        }
    }

    /// <summary>As <see cref="Prove(string, int, DateTimeOffset, bool)"/>, by the key the planner asks for.</summary>
    public void Prove(PlannedHost host, DateTimeOffset when, bool verified = false)
    {
        ArgumentNullException.ThrowIfNull(host);
        Prove(KeyOf(host), host.Port, when, verified);
    }

    /// <summary>Null when this host never completed TLS, or too long ago.</summary>
    public ProvenTlsHost? Find(string host, int port)
    {
        lock (_lock)
        {
            var oldest = clock.GetUtcNow() - _remember;
            return Known(host, port) is { } known && known.LastProvenAt > oldest ? Fresh(known, oldest) : null;
        }
    }

    public ProvenTlsHost? Find(PlannedHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Find(KeyOf(host), host.Port);
    }

    /// <summary>As hosts are kept: the name, or the address of one without.</summary>
    public static string KeyOf(PlannedHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Name?.Ascii ?? host.Addresses[0].ToString();
    }

    /// <summary>The operator knows that this host gave up TLS on purpose. The caller removes it from its store.</summary>
    /// <returns>False when it was not known.</returns>
    public bool Forget(string host, int port)
    {
        lock (_lock)
        {
            return _hosts.TryGetValue((host, port), out var node) && Remove(node);
        }
    }

    /// <summary>What is worth storing since the last call: each host at most once a day.</summary>
    public ImmutableArray<ProvenTlsHost> TakeChanges()
    {
        lock (_lock)
        {
            ImmutableArray<ProvenTlsHost> changes = [.. _changed.Select(key => _hosts[key].Value)];
            foreach (var change in changes)
            {
                _stored[(change.Host, change.Port)] = change.LastProvenAt;
            }

            _changed.Clear();
            return changes;
        }
    }

    /// <summary>Takes what was stored before; what is too old, or known better already, is left out.</summary>
    public void Restore(IEnumerable<ProvenTlsHost> hosts)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        var oldest = clock.GetUtcNow() - _remember;
        lock (_lock)
        {
            foreach (var host in hosts.Where(host => host.LastProvenAt > oldest).OrderBy(host => host.LastProvenAt))
            {
                if (Keep(host))
                {
                    _stored[(host.Host, host.Port)] = host.LastProvenAt;
                }
            }
        }
    }

    /// <summary>Everything that still counts.</summary>
    public ImmutableArray<ProvenTlsHost> Snapshot()
    {
        var oldest = clock.GetUtcNow() - _remember;
        lock (_lock)
        {
            return [.. _byAge.Where(host => host.LastProvenAt > oldest).Select(host => Fresh(host, oldest))];
        }
    }

    ProvenTlsHost? Known(string host, int port) => _hosts.TryGetValue((host, port), out var node) ? node.Value : null;

    /// <summary>An identity that was proved too long ago is not spoken of any more.</summary>
    static ProvenTlsHost Fresh(ProvenTlsHost host, DateTimeOffset oldest) =>
        host.LastVerifiedAt <= oldest ? host with { LastVerifiedAt = null } : host;

    /// <returns>False when what is known is newer.</returns>
    bool Keep(ProvenTlsHost host)
    {
        if (_hosts.TryGetValue((host.Host, host.Port), out var known))
        {
            if (known.Value.LastProvenAt >= host.LastProvenAt)
            {
                return false;
            }

            host = host with { LastVerifiedAt = host.LastVerifiedAt ?? known.Value.LastVerifiedAt };
            _byAge.Remove(known);
        }
        else if (_hosts.Count >= capacity)
        {
            Remove(_byAge.First!);
        }

        _hosts[(host.Host, host.Port)] = _byAge.AddLast(host);
        return true;
    }

    bool Remove(LinkedListNode<ProvenTlsHost> node)
    {
        var key = (node.Value.Host, node.Value.Port);
        _byAge.Remove(node);
        _stored.Remove(key);
        _changed.Remove(key);
        return _hosts.Remove(key);
    }
}
