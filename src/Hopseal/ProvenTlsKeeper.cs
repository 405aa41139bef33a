using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Policy;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Keeps what <see cref="ProvenTlsMemory"/> knows over restarts. A fault of the file costs that, and nothing else.</summary>
sealed partial class ProvenTlsKeeper(ProvenTlsMemory memory, ProvenTlsFile file, ILogger<ProvenTlsKeeper> log)
{
    readonly Lock _lock = new();

    // Stays set when the file cannot be written: the memory tells of a change once only.
    bool _unsaved;

    public ImmutableArray<ProvenTlsHost> Hosts => memory.Snapshot();

    public void Restore()
    {
        try
        {
            memory.Restore(file.Load());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFault(e);
        }
    }

    /// <summary>Writes the file when there is something new.</summary>
    public void Save()
    {
        try
        {
            Write(anew: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFault(e);
        }
    }

    /// <summary>The operator lets the host go: it counts as one that never had TLS. Also over a restart.</summary>
    /// <returns>False when it was not known.</returns>
    /// <exception cref="IOException">It is forgotten, and known again after a restart unless the file can be written before.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public bool Forget(string host, int port)
    {
        if (!memory.Forget(host, port))
        {
            return false;
        }

        LogForgotten(host, port);
        Write(anew: true);
        return true;
    }

    void Write(bool anew)
    {
        lock (_lock)
        {
            _unsaved |= anew | !memory.TakeChanges().IsEmpty;
            if (_unsaved)
            {
                file.Save(memory.Snapshot());
                _unsaved = false;
            }
        }
    }

    [LoggerMessage(2102, LogLevel.Warning, "An operator let {Host}:{Port} go: it is not held to TLS any more, until it has it again")]
    partial void LogForgotten(string host, int port);

    [LoggerMessage(2101, LogLevel.Warning, "Which hosts had TLS cannot be remembered over a restart")]
    partial void LogFault(Exception e);
}

/// <summary>The file of <see cref="ProvenTlsKeeper"/>: a text file, one <c>host port unix-seconds</c> a line, with a second time when the host last
/// proved who it is as well, if it did; replaced as a whole. What it holds can be known again from the next session, so a damaged line is skipped, not fatal.</summary>
sealed class ProvenTlsFile(string path)
{
    // A line for each of the hosts that the memory holds at most, at the length of the longest names.
    const long MaxOctets = 100_000 * 300L;

    /// <summary>Of the gateway that has this data directory.</summary>
    public static ProvenTlsFile In(string directory) => new(Path.Combine(directory, "proven-tls"));

    /// <summary>Empty when there is no file yet.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public ImmutableArray<ProvenTlsHost> Load()
    {
        if (!File.Exists(path))
        {
            return [];
        }

        if (new FileInfo(path).Length > MaxOctets)
        {
            throw new IOException($"{path} is larger than {MaxOctets} octets");
        }

        return [.. File.ReadLines(path).Select(Parse).OfType<ProvenTlsHost>()];
    }

    /// <exception cref="IOException">The old file is still there.</exception>
    public void Save(IEnumerable<ProvenTlsHost> hosts)
    {
        var candidate = path + ".new";
        using (var file = new FileStream(candidate, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            using (var writer = new StreamWriter(file, leaveOpen: true))
            {
                foreach (var host in hosts)
                {
                    var verified = host.LastVerifiedAt is { } at ? string.Create(CultureInfo.InvariantCulture, $" {at.ToUnixTimeSeconds()}") : "";
                    writer.Write(string.Create(
                        CultureInfo.InvariantCulture, $"{host.Host} {host.Port} {host.LastProvenAt.ToUnixTimeSeconds()}{verified}\n"));
                }
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(candidate, path, overwrite: true);
    }

    static ProvenTlsHost? Parse(string line) => line.Split(' ') switch
    {
        [{ Length: > 0 } host, var port, var proven] when Port(port) is { } number && Time(proven) is { } at => new(host, number, at),
        [{ Length: > 0 } host, var port, var proven, var verified]
            when Port(port) is { } number && Time(proven) is { } at && Time(verified) is { } known => new(host, number, at, known),
        _ => null,
    };

    static int? Port(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    static DateTimeOffset? Time(string text)
    {
        const long LatestUnixSeconds = 253_402_300_799;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= LatestUnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
    }
}
