#pragma warning disable RS0030 // files of our own, not the wire: a line ends as the platform says
using Hopseal.Audit.Output;

namespace Hopseal.Commands.Check;

/// <summary>Reports of earlier runs: one JSON document, or one in each line.</summary>
static class StoredReports
{
    /// <exception cref="UsageException">The file cannot be read, or a line is no report; the message says which.</exception>
    public static IEnumerable<AuditDocument> Read(string file)
    {
        using var reader = Open(file);
        var first = reader.ReadLine();
        if (first is null)
        {
            yield break;
        }

        // An indented document begins with a line that is none.
        if (first.Trim() == "{")
        {
            yield return Parse(first + "\n" + reader.ReadToEnd(), file, 1, AuditJson.Read);
            yield break;
        }

        var number = 1;
        for (var line = first; line is not null; line = reader.ReadLine(), number++)
        {
            if (line.Length > 0)
            {
                yield return Parse(line, file, number, AuditJson.Read);
            }
        }
    }

    /// <summary>Of a jsonlines file that a run was interrupted in: what its last line lost is cut off. Reads no more of a report than it tells.</summary>
    /// <exception cref="UsageException">The file cannot be read, or a line is no report; the message says which.</exception>
    public static IEnumerable<AuditSummary> Finished(string file)
    {
        if (!File.Exists(file))
        {
            yield break;
        }

        CutTornLine(file);
        using var reader = Open(file);
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length > 0)
            {
                yield return Parse(line, file, number, AuditJson.ReadSummary);
            }
        }
    }

    static ReadOnlySpan<byte> LineBegins => "{\"schemaVersion\":"u8;

    /// <exception cref="UsageException">It is not a line of ours that is torn: whose file this is nobody knows, and it is left as it is.</exception>
    static void CutTornLine(string file)
    {
        using var stream = OpenToCut(file);
        var end = stream.Length;
        while (end > 0)
        {
            stream.Position = end - 1;
            if (stream.ReadByte() == '\n')
            {
                break;
            }

            end--;
        }

        stream.Position = end;
        Span<byte> begins = stackalloc byte[LineBegins.Length];
        begins = begins[..stream.ReadAtLeast(begins, begins.Length, throwOnEndOfStream: false)];
        if (!LineBegins.StartsWith(begins))
        {
            throw new UsageException($"{file}: its last line has no end, and is no report: nothing is added to it");
        }

        stream.SetLength(end);
    }

    static FileStream OpenToCut(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }

    static StreamReader Open(string file)
    {
        try
        {
            return new StreamReader(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }

    static T Parse<T>(string json, string file, int line, Func<string, T> read)
    {
        try
        {
            return read(json);
        }
        catch (InvalidDataException e)
        {
            throw new UsageException($"{file}:{line}: {e.Message}");
        }
    }
}
