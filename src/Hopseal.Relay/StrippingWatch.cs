using System.Collections.Immutable;
using System.Net;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay;

/// <summary>A change of what is suspected.</summary>
public abstract record StrippingNotice
{
    StrippingNotice()
    {
    }

    /// <summary>A host that completed TLS before does not start it now: somebody on the path strips it, or the host gave it up.</summary>
    public sealed record HostLost(string Host, int Port, IPAddress Peer, TransportPolicy.ProvenTls Proven, TlsFailure Why) : StrippingNotice;

    /// <summary>It does again.</summary>
    public sealed record HostBack(string Host, int Port, DateTimeOffset Since) : StrippingNotice;

    /// <summary>It is not held to TLS any more, and got mail without: it was forgotten, too long ago, or an exception lets it off.</summary>
    public sealed record HostLetGo(string Host, int Port, DateTimeOffset Since) : StrippingNotice;

    /// <summary>Many hosts lost TLS together: it is the path from here, and not they.</summary>
    /// <param name="Hosts">The first of them.</param>
    /// <param name="Lost">Parties that lost it.</param>
    /// <param name="Kept">Parties that completed it since.</param>
    public sealed record PathLost(ImmutableArray<string> Hosts, int Lost, int Kept) : StrippingNotice;

    /// <summary>Most of them have it again.</summary>
    public sealed record PathBack(DateTimeOffset Since, int Lost, int Kept) : StrippingNotice;
}

/// <summary>Suspects that STARTTLS is stripped, from finished sessions: of one host that had TLS before, and of the path when many such
/// hosts lose it within an hour. Says each change once. Without a clock and without DNS: what counts is when sessions began. Any thread may call any
/// member.</summary>
/// <remarks>
/// <para>A host lost TLS when it is held to it (<see cref="TransportPolicy.ProvenTls"/>) and STARTTLS is not offered, is overwritten, or is
/// refused. It has it back when TLS works again at each address where it was missing within a day.</para>
/// <para>The hosts of one party lose TLS together when the party gives it up, so parties are counted: the name of a host without its first
/// label. The path is suspected from three parties on, when more lost TLS than completed it since; and from ten on in any case, because only some ways
/// may be stripped.</para>
/// </remarks>
/// <param name="capacity">Hosts; those met longest ago give way.</param>
public sealed class StrippingWatch(int capacity = 10_000)
{
    const int FewParties = 3;
    const int ManyParties = 10;
    const int MostNames = 20;
    const int MostAddresses = 16;
    static readonly TimeSpan s_window = TimeSpan.FromHours(1);
    static readonly TimeSpan s_addressMemory = TimeSpan.FromDays(1);

    readonly Lock _lock = new();
    readonly Dictionary<(string Host, int Port), Sighting> _hosts = [];
    int _lost;

    /// <summary>Since when the path is suspected.</summary>
    DateTimeOffset? _pathSince;

    /// <summary>The changes that this session brings.</summary>
    public ImmutableArray<StrippingNotice> Observe(SessionRecord.Outbound session)
    {
        ArgumentNullException.ThrowIfNull(session);
        lock (_lock)
        {
            var key = (ProvenTlsMemory.KeyOf(session.Plan.Host), session.Plan.Host.Port);
            var host = _hosts.GetValueOrDefault(key);
            if (host is not null && session.StartedAt < host.LastAt)
            {
                // A session that was kept open is recorded after others that began later, and say more.
                return [];
            }

            var before = host?.LastAt ?? DateTimeOffset.MinValue;
            StrippingNotice? about = session.Tls switch
            {
                TlsOutcome.Refused refused when Missing(refused) is { } why && Held(session.Plan) is { } proven =>
                    Lose(key, host ?? Meet(key), session, proven, why),
                TlsOutcome.Encrypted when session.Start is TlsStart.StartTls || host is { LostSince: not null } =>
                    Keep(key, host ?? Meet(key), session),
                TlsOutcome.Plaintext when host is { LostSince: { } since } && !IsKnown(session.Plan) => LetGo(key, since),
                _ => null,
            };

            // Nothing else can change what is thought of the path.
            var path = about is not null || before <= _pathSince ? JudgePath(session.StartedAt) : null;
            return [.. new[] { about, path }.OfType<StrippingNotice>()];
        }
    }

    /// <summary>Takes back what was suspected before a restart, so that it counts until these hosts are met again.</summary>
    public void Restore(IEnumerable<(string Host, int Port, DateTimeOffset Since)> lost, DateTimeOffset? pathSince)
    {
        ArgumentNullException.ThrowIfNull(lost);
        lock (_lock)
        {
            foreach (var (host, port, since) in lost.Where(host => !_hosts.ContainsKey((host.Host, host.Port))))
            {
                var sighting = Meet((host, port));
                sighting.LastAt = since;
                sighting.LostSince = since;
                _lost++;
                pathSince = since < pathSince ? since : pathSince;
            }

            _pathSince = pathSince;
        }
    }

    /// <summary>Hosts that lost TLS, and since when.</summary>
    public ImmutableDictionary<(string Host, int Port), DateTimeOffset> Suspects()
    {
        lock (_lock)
        {
            return _hosts.Where(host => host.Value.LostSince is not null).ToImmutableDictionary(host => host.Key, host => host.Value.LostSince!.Value);
        }
    }

    /// <summary>Since when the path is suspected; null while it is not.</summary>
    public DateTimeOffset? PathSuspectedSince
    {
        get
        {
            lock (_lock)
            {
                return _pathSince;
            }
        }
    }

    /// <summary>An operator let the host go.</summary>
    public void Forget(string host, int port)
    {
        lock (_lock)
        {
            Remove((host, port));
        }
    }

    static TransportPolicy.ProvenTls? Held(HostPlan plan) => plan.Policies.OfType<TransportPolicy.ProvenTls>().FirstOrDefault();

    /// <summary>A sender who waived it (RFC 8689 §4.2.2), or an exception for some mail, lets nobody go: others are still held to it.</summary>
    static bool IsKnown(HostPlan plan) => plan.Policies.Any(policy => policy is TransportPolicy.ProvenTls
        or TransportPolicy.Waived { Policy: TransportPolicy.ProvenTls }
        or TransportPolicy.Excepted { Policy: TransportPolicy.ProvenTls });

    static TlsFailure? Missing(TlsOutcome.Refused refused) =>
        refused.Failures.FirstOrDefault(failure => failure.Type is TlsResultType.StarttlsNotSupported);

    StrippingNotice.HostLost? Lose(
        (string Host, int Port) key, Sighting host, SessionRecord.Outbound session, TransportPolicy.ProvenTls proven, TlsFailure why)
    {
        host.LastAt = session.StartedAt;
        if (host.Addresses.Count < MostAddresses || host.Addresses.ContainsKey(session.Peer.Address))
        {
            host.Addresses[session.Peer.Address] = session.StartedAt;
        }

        if (host.LostSince is not null)
        {
            return null;
        }

        host.LostSince = session.StartedAt;
        _lost++;
        return new StrippingNotice.HostLost(key.Host, key.Port, session.Peer.Address, proven, why);
    }

    StrippingNotice.HostBack? Keep((string Host, int Port) key, Sighting host, SessionRecord.Outbound session)
    {
        host.LastAt = session.StartedAt;
        host.Addresses.Remove(session.Peer.Address);
        foreach (var (address, at) in host.Addresses)
        {
            if (session.StartedAt - at > s_addressMemory)
            {
                host.Addresses.Remove(address);
            }
        }

        if (host.LostSince is not { } since || host.Addresses.Count > 0)
        {
            return null;
        }

        host.LostSince = null;
        _lost--;
        return new StrippingNotice.HostBack(key.Host, key.Port, since);
    }

    StrippingNotice.HostLetGo LetGo((string Host, int Port) key, DateTimeOffset since)
    {
        Remove(key);
        return new StrippingNotice.HostLetGo(key.Host, key.Port, since);
    }

    StrippingNotice? JudgePath(DateTimeOffset now)
    {
        if (_pathSince is null && _lost < FewParties)
        {
            return null;
        }

        var from = _pathSince ?? now - s_window;
        var lost = _hosts.Where(host => host.Value.LostSince >= from).ToArray();
        var since = _pathSince ?? lost.Select(host => host.Value.LostSince!.Value).DefaultIfEmpty(now).Min();
        var parties = Parties(lost);
        var kept = Parties(_hosts.Where(host => host.Value.LostSince is null && host.Value.LastAt > since));
        if (_pathSince is null && parties >= FewParties && (parties > kept || parties >= ManyParties))
        {
            _pathSince = since;
            return new StrippingNotice.PathLost(
                [.. lost.OrderBy(host => host.Value.LostSince).Select(host => $"{host.Key.Host}:{host.Key.Port}").Take(MostNames)], parties, kept);
        }

        if (_pathSince is { } began && parties < ManyParties && parties * 2 <= kept)
        {
            _pathSince = null;
            return new StrippingNotice.PathBack(began, parties, kept);
        }

        return null;
    }

    static int Parties(IEnumerable<KeyValuePair<(string Host, int Port), Sighting>> hosts) =>
        hosts.Select(host => Party(host.Key.Host)).Distinct(StringComparer.Ordinal).Count();

    /// <summary>An address is its own party.</summary>
    static string Party(string host)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && !IPAddress.TryParse(host, out _) && host.IndexOf('.', dot + 1) > 0 ? host[(dot + 1)..] : host;
    }

    Sighting Meet((string Host, int Port) key)
    {
        if (_hosts.Count >= capacity)
        {
            foreach (var (old, _) in _hosts.OrderBy(host => host.Value.LastAt).Take(Math.Max(1, capacity / 4)).ToArray())
            {
                Remove(old);
            }
        }

        return _hosts[key] = new Sighting();
    }

    void Remove((string Host, int Port) key)
    {
        if (_hosts.Remove(key, out var host) && host.LostSince is not null)
        {
            _lost--;
        }
    }

    /// <summary>What the sessions with one host say.</summary>
    sealed class Sighting
    {
        /// <summary>When the latest of them began.</summary>
        public DateTimeOffset LastAt { get; set; } = DateTimeOffset.MinValue;

        /// <summary>Null while it has TLS.</summary>
        public DateTimeOffset? LostSince { get; set; }

        /// <summary>Where TLS was missing, and when last.</summary>
        public Dictionary<IPAddress, DateTimeOffset> Addresses { get; } = [];
    }
}
