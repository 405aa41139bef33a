namespace Hopseal.Audit.Probes;

/// <summary>What was found at hosts in this run: thousands of domains lie at the same few, which are asked once. Bounded: what nobody came
/// back to for longest is forgotten, and asked again if need be. Any thread may use it.</summary>
/// <typeparam name="TFacts">What is found of a host.</typeparam>
/// <param name="most">Hosts that are remembered. Those that are asked just now, or wait for it, do not count: a run bounds them itself, and they
/// would else push out what is worth most.</param>
/// <param name="isWhole">What is worth remembering; null: all.</param>
sealed class SharedHosts<TFacts>(int most, Func<TFacts, bool>? isWhole = null)
{
    readonly Lock _lock = new();
    readonly Dictionary<(string Name, bool Signed), Lazy<Task<TFacts>>> _asking = [];
    readonly RecentlyUsed<(string Name, bool Signed), TFacts> _known = new(most);

    /// <summary>How many are remembered.</summary>
    public int Count => _known.Count;

    /// <param name="ask">When it fails, all who wait for it are told, and the next one asks again.</param>
    public async Task<TFacts> FindAsync((string Name, bool Signed) key, Func<Task<TFacts>> ask, CancellationToken cancel)
    {
        while (true)
        {
            Lazy<Task<TFacts>> asking;
            var isOurs = false;
            lock (_lock)
            {
                if (_known.TryGet(key, out var facts))
                {
                    return facts;
                }

                if (!_asking.TryGetValue(key, out asking!))
                {
                    // Not within the lock, whatever it begins with; and not later: who comes first is asked first.
                    (_asking[key], isOurs) = (asking = new Lazy<Task<TFacts>>(() => AskAsync(key, ask)), true);
                }
            }

            try
            {
                return await asking.Value.WaitAsync(cancel);
            }
            catch (OperationCanceledException) when (!isOurs && !cancel.IsCancellationRequested)
            {
                // Whoever asked was called away; we were not.
            }
        }
    }

    async Task<TFacts> AskAsync((string Name, bool Signed) key, Func<Task<TFacts>> ask)
    {
        try
        {
            var facts = await ask();
            if (isWhole?.Invoke(facts) is not false)
            {
                _known.Set(key, facts);
            }

            return facts;
        }
        finally
        {
            lock (_lock)
            {
                _asking.Remove(key);
            }
        }
    }
}
