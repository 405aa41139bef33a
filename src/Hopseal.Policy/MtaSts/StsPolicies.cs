using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.MtaSts;

/// <summary>The MTA-STS policies of other domains (RFC 8461): found, fetched, kept and renewed.</summary>
/// <remarks>
/// <para>Each message looks at the TXT record anew (the resolver keeps it for its TTL), so that a new policy counts at once, and always before
/// a message fails for good (RFC 8461 §5). A policy that is kept counts until its max_age, whatever becomes of the record or of the policy
/// host (§3.3): an attacker can hold off a renewal, but has to go on until the policy expires.</para>
/// <para>In memory and bounded. The caller stores it: <see cref="Restore"/> at start, <see cref="Snapshot"/> whenever
/// <see cref="StsOptions.Tell"/> tells of a fetch; and calls <see cref="RenewAsync"/> now and then. Any thread may call any member.</para>
/// </remarks>
public sealed class StsPolicies : IAsyncDisposable
{
    // Fetches that failed lately, over all domains.
    const int MostFailures = 20_000;
    const int RenewalsAtOnce = 16;

    static readonly TimeSpan s_useGrain = TimeSpan.FromDays(1);

    readonly IDnsResolver _resolver;
    readonly StsFetch _fetch;
    readonly TimeProvider _clock;
    readonly StsOptions _options;
    readonly CancellationTokenSource _stop = new();
    readonly SemaphoreSlim _places;

    readonly Lock _lock = new();
    readonly RecentlyUsed<KeptStsPolicy> _kept;
    readonly RecentlyUsed<FailedFetch> _failed = new(MostFailures, _ => 1);
    readonly Dictionary<DomainName, Task<StsFetchResult>> _running = [];

    public StsPolicies(IDnsResolver resolver, StsFetch fetch, TimeProvider clock, StsOptions? options = null)
    {
        _resolver = resolver;
        _fetch = fetch;
        _clock = clock;
        _options = options ?? new StsOptions();
        _places = new SemaphoreSlim(_options.FetchesAtOnce);
        _kept = new RecentlyUsed<KeptStsPolicy>(_options.MostPatterns, kept => 1 + kept.Policy.Mx.Length);
    }

    /// <summary>Everything that still counts.</summary>
    public ImmutableArray<KeptStsPolicy> Snapshot()
    {
        var now = _clock.GetUtcNow();
        lock (_lock)
        {
            return [.. _kept.Values.Where(kept => kept.ExpiresAt > now)];
        }
    }

    /// <summary>Takes what was stored before; what has expired, or is known already, is left out. A time in the future (the clock was
    /// wrong) is taken as now.</summary>
    public void Restore(IEnumerable<KeptStsPolicy> stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        var now = _clock.GetUtcNow();
        lock (_lock)
        {
            foreach (var one in stored.OrderBy(kept => kept.UsedAt))
            {
                var kept = one with { FetchedAt = Earlier(one.FetchedAt, now), UsedAt = Earlier(one.UsedAt, now) };
                if (kept.ExpiresAt > now && !_kept.TryGet(kept.Domain, out _))
                {
                    _kept.Set(kept.Domain, kept);
                }
            }
        }
    }

    /// <summary>Throws only when cancelled.</summary>
    public async ValueTask<StsFinding> FindAsync(DomainName domain, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(domain);
        var (record, why, unknown) = await LookUpAsync(domain, cancel);
        var kept = Use(domain);
        if (record is null)
        {
            return kept is null ? new StsFinding.None(why, []) { IsUnknown = unknown is not null } : Found(kept, unknown ?? FailureSince(kept));
        }

        if (kept is not null && kept.Policy.Id == record.Id)
        {
            return Found(kept, FailureSince(kept));
        }

        return await WaitAsync(Fetch(domain, record.Id, _options.BackOff), cancel) switch
        {
            StsFetchResult.Fetched fetched => new StsFinding.Found(fetched.Policy, _clock.GetUtcNow(), []),
            StsFetchResult.Failed failed when kept is not null => Found(kept, failed.Failure),
            StsFetchResult.Failed failed => new StsFinding.None(failed.Failure.Detail ?? failed.Failure.ReasonCode, [failed.Failure]),
            var other => throw new InvalidOperationException($"unknown result {other}"),
        };
    }

    /// <summary>Renews the policies that are due. Whatever the TXT record says, the policy host is asked: what an attacker can do
    /// to DNS must not hold off a renewal (RFC 8461 §10.2). Throws only when cancelled.</summary>
    public async Task RenewAsync(CancellationToken cancel)
    {
        var now = _clock.GetUtcNow();
        ImmutableArray<KeptStsPolicy> due;
        lock (_lock)
        {
            due = [.. _kept.Values.Where(kept => kept.RenewAt <= now && kept.ExpiresAt > now && now - kept.UsedAt < _options.RenewUnused)];
        }

        foreach (var some in due.Chunk(RenewalsAtOnce))
        {
            await Task.WhenAll(some.Select(kept => RenewOneAsync(kept, cancel)));
        }
    }

    /// <summary>Ends every fetch.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _running.Values];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _places.Dispose();
        _stop.Dispose();
    }

    async Task RenewOneAsync(KeptStsPolicy kept, CancellationToken cancel)
    {
        var (record, _, _) = await LookUpAsync(kept.Domain, cancel);
        await Fetch(kept.Domain, record?.Id ?? kept.Policy.Id, _options.RenewalBackOff).WaitAsync(cancel);
    }

    /// <returns>The record; or in words why there is none, and set when that is not known.</returns>
    async ValueTask<(StsRecord? Record, string Why, TlsFailure? Unknown)> LookUpAsync(DomainName domain, CancellationToken cancel)
    {
        if (StsRecord.NameFor(domain) is not { } name)
        {
            return (null, "the name is too long to have a record", null);
        }

        switch (await _resolver.TxtAsync(name, cancel))
        {
            case DnsAnswer<string>.Found found:
                return (StsRecord.Choose(found.Records, out var why), why, null);
            case DnsAnswer<string>.Failed failed:
                return (null, $"not known: {failed.Detail}", new TlsFailure(TlsResultType.StsPolicyFetchError, "record-unknown", failed.Detail));
            default:
                return (null, "no record", null);
        }
    }

    async Task<StsFetchResult> WaitAsync(Task<StsFetchResult> fetching, CancellationToken cancel)
    {
        try
        {
            return await fetching.WaitAsync(_options.Patience, _clock, cancel);
        }
        catch (TimeoutException)
        {
            return Failed("slow", $"no policy within {_options.Patience.TotalSeconds:0} s; it is still asked for");
        }
    }

    /// <summary>The one fetch of this domain that runs, or a new one, or the failure of the last one while it is not to be repeated.</summary>
    Task<StsFetchResult> Fetch(DomainName domain, string id, TimeSpan backOff)
    {
        lock (_lock)
        {
            if (_running.TryGetValue(domain, out var running))
            {
                return running;
            }

            if (_failed.TryGet(domain, out var last) && last.Id == id && _clock.GetUtcNow() - last.At < backOff)
            {
                return Task.FromResult<StsFetchResult>(new StsFetchResult.Failed(last.Failure));
            }

            if (_running.Count >= _options.MostFetches || _stop.IsCancellationRequested)
            {
                return Task.FromResult<StsFetchResult>(Failed("busy", "too many policies are asked for at once"));
            }

            return _running[domain] = Task.Run(() => FetchAsync(domain, id));
        }
    }

    async Task<StsFetchResult> FetchAsync(DomainName domain, string id)
    {
        try
        {
            await _places.WaitAsync(_stop.Token);
            try
            {
                var result = await _fetch.FetchAsync(domain, id, _stop.Token);
                _options.Tell?.Invoke(Note(domain, id, result));
                return result;
            }
            finally
            {
                _places.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return Failed("stopped", "the gateway is stopping");
        }
        finally
        {
            lock (_lock)
            {
                _running.Remove(domain);
            }
        }
    }

    StsNews Note(DomainName domain, string id, StsFetchResult result)
    {
        var now = _clock.GetUtcNow();
        lock (_lock)
        {
            var before = _kept.TryGet(domain, out var kept) && kept.ExpiresAt > now ? kept : null;
            if (result is StsFetchResult.Fetched { Policy: var policy })
            {
                // Only mail counts as use; a policy is first fetched for mail.
                var fetched = new KeptStsPolicy(domain, policy, now, before?.UsedAt ?? now);
                _kept.Set(domain, fetched);
                _failed.Remove(domain);
                return new StsNews.Fetched(fetched, before?.Policy);
            }

            var failure = ((StsFetchResult.Failed)result).Failure;
            _failed.Set(domain, new FailedFetch(id, now, failure));
            return new StsNews.Failed(domain, failure, before);
        }
    }

    /// <summary>The policy that is kept and counts.</summary>
    KeptStsPolicy? Use(DomainName domain)
    {
        var now = _clock.GetUtcNow();
        lock (_lock)
        {
            if (!_kept.TryGet(domain, out var kept))
            {
                return null;
            }

            if (kept.ExpiresAt <= now)
            {
                _kept.Remove(domain);
                return null;
            }

            if (now - kept.UsedAt >= s_useGrain)
            {
                kept = kept with { UsedAt = now };
                _kept.Set(domain, kept);
            }

            return kept;
        }
    }

    TlsFailure? FailureSince(KeptStsPolicy kept)
    {
        lock (_lock)
        {
            return _failed.TryGet(kept.Domain, out var failed) && failed.At >= kept.FetchedAt ? failed.Failure : null;
        }
    }

    static StsFinding.Found Found(KeptStsPolicy kept, TlsFailure? failure) =>
        new(kept.Policy, kept.FetchedAt, failure is null ? [] : [failure]);

    static StsFetchResult.Failed Failed(string reason, string detail) =>
        new(new TlsFailure(TlsResultType.StsPolicyFetchError, reason, detail));

    static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    sealed record FailedFetch(string Id, DateTimeOffset At, TlsFailure Failure);
}
