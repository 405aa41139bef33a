namespace Hopseal.Audit.Probes;

/// <summary>How a server is asked, and how patiently.</summary>
public sealed record ProbeOptions
{
    /// <summary>In EHLO; should be what our address resolves to.</summary>
    public required string EhloName { get; init; }

    /// <summary>A server that greets with this name is ourselves: no command is sent behind STARTTLS there, because we would tell of it as of an attack.
    /// Null: we serve nobody.</summary>
    public string? OwnName { get; init; }

    public required TimeProvider Clock { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For the greeting: some servers let everybody wait, to tell spammers by their haste (RFC 5321 §4.5.3.2.1 allows five minutes).</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For each other reply, and for a handshake.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two connections to one address.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.Zero;

    /// <summary>How long a deep look waits when a server that has talked turns it away, once or twice: some count the connections of the last
    /// seconds, and those that they have not closed yet (Exim's <c>smtp_accept_max</c>).</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections to one address, at most.</summary>
    public int MostConnections { get; init; } = 10;

    /// <summary>For one address, pauses apart: after that no more connections are opened to it, and what was not asked stays unknown. A server
    /// that lets everybody wait for each reply would else hold its whole network up.</summary>
    public TimeSpan MostTime { get; init; } = TimeSpan.FromMinutes(3);

    public bool Deep { get; init; }

    /// <summary>Addresses that are asked at the same time, each in a network of its own (see <see cref="Manners"/>); at least 1. Who waits
    /// for a network takes no place from others.</summary>
    public int AddressesAtOnce { get; init; } = 256;
}
