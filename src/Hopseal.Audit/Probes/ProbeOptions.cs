namespace Hopseal.Audit.Probes;

/// <summary>How a server is asked, and how patiently.</summary>
public sealed record ProbeOptions
{
    /// <summary>In EHLO; should be what our address resolves to.</summary>
    public required string EhloName { get; init; }

    public required TimeProvider Clock { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For the greeting: some servers let everybody wait, to tell spammers by their haste (RFC 5321 §4.5.3.2.1 allows five minutes).</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For each other reply, and for a handshake.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two connections to one address.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.Zero;

    /// <summary>Connections to one address, at most.</summary>
    public int MostConnections { get; init; } = 10;

    public bool Deep { get; init; }
}
