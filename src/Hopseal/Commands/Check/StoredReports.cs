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
            yield return Parse(first + "\n" + reader.ReadToEnd(), file, 1);
            yield break;
        }

        var number = 1;
        for (var line = first; line is not null; line = reader.ReadLine(), number++)
        {
            if (line.Length > 0)
            {
                yield return Parse(line, file, number);
            }
        }
    }

    /// <summary>Of a jsonlines file that a run was interrupted in: what its last line lost is cut off.</summary>
    public static IReadOnlySet<string> Targets(string file)
    {
        var targets = new HashSet<string>(StringComparer.Ordinal);
        if (!File.Exists(file))
        {
            return targets;
        }

        CutTornLine(file);
        foreach (var document in Read(file))
        {
            targets.Add(document.Target);
        }

        return targets;
    }

    static void CutTornLine(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
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

        stream.SetLength(end);
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

    static AuditDocument Parse(string json, string file, int line)
    {
        try
        {
            return AuditJson.Read(json);
        }
        catch (InvalidDataException e)
        {
            throw new UsageException($"{file}:{line}: {e.Message}");
        }
    }
}
