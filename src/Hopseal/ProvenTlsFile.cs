using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Policy;

namespace Hopseal;

/// <summary>Keeps <see cref="ProvenTlsMemory"/> over restarts: a text file, one <c>host port unix-seconds</c> a line, replaced as a
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
