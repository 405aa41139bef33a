namespace Hopseal.Configuration;

/// <summary>The section <c>Limits</c>: what one client, and all clients together, may cost.</summary>
sealed record LimitSettings
{
    /// <summary>Octets of content. RFC 5321 §4.5.3.1.7 asks for at least 64 KiB.</summary>
    public long MessageBytes { get; init; } = 50 * 1024 * 1024;

    /// <summary>At least 100 (RFC 5321 §4.5.3.1.8).</summary>
    public int Recipients { get; init; } = 1000;

    public int Connections { get; init; } = 10_000;

    public int ConnectionsPerAddress { get; init; } = 100;

    public TimeSpan Command { get; init; } = TimeSpan.FromSeconds(300);

    public TimeSpan Handshake { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Message { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Of the disk under DataDirectory, kept for the queue's own work; below, no mail is taken. 0: nothing is kept.</summary>
    public long FreeBytes { get; init; } = 128 * 1024 * 1024;

    public int LineBytes { get; init; } = 2048;

    public int Errors { get; init; } = 20;

    public int AuthenticationFailures { get; init; } = 3;

    /// <summary>How long transactions and attempts in progress may take once the gateway was told to stop.</summary>
    public TimeSpan Shutdown { get; init; } = TimeSpan.FromSeconds(30);

    public static LimitSettings Read(Section section)
    {
        var standard = new LimitSettings();
        var limits = new LimitSettings
        {
            MessageBytes = section.Find("MessageBytes")?.Whole(64 * 1024L, 2L * 1024 * 1024 * 1024) ?? standard.MessageBytes,
            Recipients = section.Find("Recipients")?.Whole(100, 100_000) ?? standard.Recipients,
            Connections = section.Find("Connections")?.Whole(1, 1_000_000) ?? standard.Connections,
            ConnectionsPerAddress = section.Find("ConnectionsPerAddress")?.Whole(1, 1_000_000) ?? standard.ConnectionsPerAddress,
            Command = Seconds(section, "CommandSeconds", 1, 3600) ?? standard.Command,
            Handshake = Seconds(section, "HandshakeSeconds", 1, 600) ?? standard.Handshake,
            Message = Seconds(section, "MessageSeconds", 10, 86_400) ?? standard.Message,
            FreeBytes = section.Find("FreeBytes")?.Whole(0, 1L << 50) ?? standard.FreeBytes,
            LineBytes = section.Find("LineBytes")?.Whole(512, 16_384) ?? standard.LineBytes,
            Errors = section.Find("Errors")?.Whole(1, 10_000) ?? standard.Errors,
            AuthenticationFailures = section.Find("AuthenticationFailures")?.Whole(1, 1000) ?? standard.AuthenticationFailures,
            Shutdown = Seconds(section, "ShutdownSeconds", 0, 3600) ?? standard.Shutdown,
        };
        section.Close();
        return limits;
    }

    static TimeSpan? Seconds(Section section, string name, int least, int most) =>
        section.Find(name)?.Whole(least, most) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
}
