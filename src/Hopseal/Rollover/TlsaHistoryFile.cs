using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy.Dane;

namespace Hopseal.Rollover;

/// <summary>What was published for our hosts, over restarts: a text file, replaced as a whole. Each line is one version of one host, the newest
/// of a host first: <c>host state first-seen ttl replaced records</c>, times in Unix seconds, <c>-</c> for none, records as
/// <c>3-1-1-0ab1…,3-1-1-…</c>. What it holds is known again after the next look-up, so a damaged line is skipped.</summary>
sealed class TlsaHistoryFile(string path)
{
    const int MaxOctets = 16 * 1024 * 1024;
    const long LatestUnixSeconds = 253_402_300_799;

    /// <summary>Empty when there is no file yet.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public ImmutableArray<PublishedTlsa> Load()
    {
        if (!File.Exists(path))
        {
            return [];
        }

        if (new FileInfo(path).Length > MaxOctets)
        {
            throw new IOException($"{path} is larger than {MaxOctets} octets");
        }

        return
        [
            .. File.ReadLines(path).Select(Parse).OfType<Line>()
                .GroupBy(line => line.Host)
                .Select(group => new PublishedTlsa(group.Key, [.. group.Select(line => line.Version).Take(PublishedTlsa.MostVersions)]))
                .Where(published => published.Versions.Index().All(entry => entry.Index == 0 == entry.Item.ReplacedAt is null))
        ];
    }

    /// <exception cref="IOException">The old file is still there.</exception>
    public void Save(IEnumerable<PublishedTlsa> all)
    {
        var text = new StringBuilder();
        foreach (var published in all)
        {
            foreach (var version in published.Versions)
            {
                var replaced = version.ReplacedAt is { } at ? Seconds(at) : "-";
                var records = version.Records.IsEmpty ? "-" : string.Join(',', version.Records.Select(record => record.ToString().Replace(' ', '-')));
                text.Append(CultureInfo.InvariantCulture, $"{published.Host} {version.State} {Seconds(version.FirstSeenAt)} ")
                    .Append(CultureInfo.InvariantCulture, $"{(long)version.Ttl.TotalSeconds} {replaced} {records}\n");
            }
        }

        var candidate = path + ".new";
        using (var file = new FileStream(candidate, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(Encoding.ASCII.GetBytes(text.ToString()));
            file.Flush(flushToDisk: true);
        }

        File.Move(candidate, path, overwrite: true);
    }

    static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    static Line? Parse(string line)
    {
        if (line.Split(' ') is not [var hostText, var stateText, var first, var ttlText, var replaced, var recordsText]
            || !DomainName.TryParse(hostText, out var host)
            || !Enum.TryParse<TlsaState>(stateText, out var state)
            || !Enum.IsDefined(state)
            || Time(first) is not { } firstSeen
            || !uint.TryParse(ttlText, NumberStyles.None, CultureInfo.InvariantCulture, out var ttl)
            || (replaced != "-" && Time(replaced) is null)
            || Records(recordsText) is not { } records
            || records.IsEmpty != (state is TlsaState.Absent))
        {
            return null;
        }

        return new Line(host, new TlsaVersion(state, records, firstSeen, TimeSpan.FromSeconds(ttl), replaced == "-" ? null : Time(replaced)));
    }

    static DateTimeOffset? Time(string seconds) =>
        long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var unixSeconds) && unixSeconds <= LatestUnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds(unixSeconds)
            : null;

    static ImmutableArray<TlsaRecord>? Records(string text)
    {
        if (text == "-")
        {
            return [];
        }

        var records = text.Split(',').Select(Record).ToArray();
        return records.Contains(null) ? null : [.. records.OfType<TlsaRecord>()];
    }

    static TlsaRecord? Record(string text) =>
        text.Split('-') is [var usage, var selector, var matching, var data]
        && byte.TryParse(usage, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
        && byte.TryParse(selector, NumberStyles.None, CultureInfo.InvariantCulture, out var second)
        && byte.TryParse(matching, NumberStyles.None, CultureInfo.InvariantCulture, out var third)
        && data.Length % 2 == 0
        && data.All(char.IsAsciiHexDigit)
            ? new TlsaRecord(first, second, third, [.. Convert.FromHexString(data)])
            : null;

    sealed record Line(DomainName Host, TlsaVersion Version);
}
