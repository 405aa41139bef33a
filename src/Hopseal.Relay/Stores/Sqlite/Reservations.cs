using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The places that a taker reserved for the leases of one transaction: given back when it comes to nothing.</summary>
sealed class Reservations(ILeaseTaker taker)
{
    readonly List<(string Domain, bool Suspended)> _reserved = [];

    public LeaseAnswer Ask(string domain, bool arriving)
    {
        var answer = taker.Ask(domain, arriving);
        if (answer is LeaseAnswer.Yes)
        {
            _reserved.Add((domain, false));
        }

        return answer;
    }

    public bool AskSuspended(string domain)
    {
        if (!taker.AskSuspended())
        {
            return false;
        }

        _reserved.Add((domain, true));
        return true;
    }

    public void Undo()
    {
        foreach (var (domain, suspended) in _reserved)
        {
            taker.Release(domain, suspended);
        }

        _reserved.Clear();
    }
}
