using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Policy;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Keeps what <see cref="ProvenTlsMemory"/> knows over restarts. A fault of the file costs that, and nothing else.</summary>
sealed partial class ProvenTlsKeeper(ProvenTlsMemory memory, ProvenTlsFile file, ILogger<ProvenTlsKeeper> log)
{
    // Stays set when the file cannot be written: the memory tells of a change once only.
    bool _unsaved;

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
            _unsaved |= !memory.TakeChanges().IsEmpty;
            if (_unsaved)
            {
                file.Save(memory.Snapshot());
                _unsaved = false;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFault(e);
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "Which hosts had TLS cannot be remembered over a restart")]
    partial void LogFault(Exception e);
}

/// <summary>The file of <see cref="ProvenTlsKeeper"/>: a text file, one <c>host port unix-seconds</c> a line, replaced as a
/// whole. What it holds can be known again from the next session, so a damaged line is skipped, not fatal.</summary>
sealed class ProvenTlsFile(string path)
{
    // A line for each of the hosts that the memory holds at most, at the length of the longest names.
    const long MaxOctets = 100_000 * 300L;

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
                    writer.Write(string.Create(
                        CultureInfo.InvariantCulture, $"{host.Host} {host.Port} {host.LastProvenAt.ToUnixTimeSeconds()}\n"));
                }
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(candidate, path, overwrite: true);
    }

    static ProvenTlsHost? Parse(string line)
    {
        const long LatestUnixSeconds = 253_402_300_799;
        return line.Split(' ') is [{ Length: > 0 } host, var port, var seconds]
            && int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var unixSeconds)
            && unixSeconds <= LatestUnixSeconds
            ? new ProvenTlsHost(host, number, DateTimeOffset.FromUnixTimeSeconds(unixSeconds))
            : null;
    }
}
