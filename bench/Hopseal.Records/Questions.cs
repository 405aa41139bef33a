using Hopseal.Reports.Sessions;

namespace Hopseal.Records;

/// <summary>What the dashboard and <c>hopseal sessions</c> ask, and the worst that can be asked: filters that nothing or little passes.</summary>
static class Questions
{
    const int Page = 50;

    public static IEnumerable<(string Name, Func<int> Ask)> All(SessionQuery query)
    {
        var (now, day, month) = (Filling.Now, Filling.Now.AddDays(-1), Filling.Now.AddDays(-30));
        yield return ("traffic, a day by hours", () => query.Traffic(day, now, TimeSpan.FromHours(1)).Length);
        yield return ("traffic, a month by days", () => query.Traffic(month, now, TimeSpan.FromDays(1)).Length);
        yield return ("destinations, first page", () => query.Destinations(month, null, null, Page).Length);
        yield return ("destinations, a late page", () => query.Destinations(month, null, "d9", Page).Length);
        yield return ("destinations, search without a hit", () => query.Destinations(month, "nowhere", null, Page).Length);
        yield return ("a destination", () => query.Destination("large.example", month) is null ? 0 : 1);
        yield return ("days of a destination", () => query.DestinationDays("large.example", month).Length);
        yield return ("days of all destinations, a day", () => query.DestinationDays(null, day).Length);
        yield return ("peers, first page", () => query.Peers(null, null, Page).Length);
        yield return ("peers, search without a hit", () => query.Peers("nowhere", null, Page).Length);
        yield return ("sessions, first page", () => Sessions(new SessionFilter()));
        yield return ("sessions of a domain", () => Sessions(new SessionFilter { Domain = "large.example" }));
        yield return ("sessions of a small domain", () => Sessions(new SessionFilter { Domain = "d77.example" }));
        yield return ("sessions of a peer", () => Sessions(new SessionFilter { Peer = "203.1.2.3" }));
        yield return ("sessions with trouble", () => Sessions(new SessionFilter { Trouble = true }));
        yield return ("sessions two weeks ago", () => Sessions(new SessionFilter { From = now.AddDays(-15), To = now.AddDays(-14) }));
        yield return ("sessions in plaintext", () => Sessions(new SessionFilter { Level = TransportLevel.Plaintext }));
        yield return ("sessions outbound in plaintext", () => Sessions(new SessionFilter { Direction = Direction.Out, Level = TransportLevel.Plaintext }));
        yield return ("sessions of a level that none has", () => Sessions(new SessionFilter { Level = TransportLevel.Undecided }));
        yield return ("the same for a large domain", () => Sessions(new SessionFilter { Domain = "large.example", Level = TransportLevel.Undecided }));
        yield return ("trouble that is plaintext (none is)", () => Sessions(new SessionFilter { Trouble = true, Level = TransportLevel.Plaintext }));
        yield return ("inbound sessions of a domain (none are)", () => Sessions(new SessionFilter { Direction = Direction.In, Domain = "large.example" }));
        yield return ("attempts, first page", () => query.Attempts(null, null, null, null, null, Page).Length);
        yield return ("attempts of a domain", () => query.Attempts("large.example", null, null, null, null, Page).Length);

        int Sessions(SessionFilter filter) => query.Page(filter, null, Page).Rows.Length;
    }
}
