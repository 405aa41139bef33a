using Hopseal.Audit.Targets;
using Hopseal.Configuration;

namespace Hopseal.Commands.Check;

/// <summary>What a run asks: what the command line names, then what stands in a list; everything once.</summary>
static class CheckTargets
{
    const int Most = 1_000_000;

    /// <summary>Reads the whole list: a fault in its last line is told before anybody is asked.</summary>
    /// <param name="list">A target in each line; <c>#</c> begins a comment. Null for none.</param>
    /// <exception cref="UsageException">It cannot be read, is too long, or a line is no target; the message says which.</exception>
    public static IReadOnlyList<AuditTarget> Read(IEnumerable<AuditTarget> named, string? list)
    {
        List<AuditTarget> targets = [];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var target in named.Concat(list is null ? [] : Lines(list)))
        {
            if (seen.Add(target.ToString()!))
            {
                targets.Add(target);
            }

            if (targets.Count > Most)
            {
                throw new UsageException($"{list} has more than {Most} targets");
            }
        }

        return targets;
    }

    static IEnumerable<AuditTarget> Lines(string list)
    {
        using var reader = Open(list);
        for (var number = 1; Line(reader, list) is { } line; number++)
        {
            var text = line.Split('#', 2)[0].Trim();
            if (text.Length > 0)
            {
                yield return AuditTarget.TryParse(text, out var target, out var why)
                    ? target
                    : throw new UsageException($"{list}:{number}: {Shown.Text(text)} cannot be checked: {why}");
            }
        }
    }

    static string? Line(StreamReader reader, string list)
    {
        try
        {
#pragma warning disable RS0030 // a file of our own, not the wire: a line ends as the platform says
            return reader.ReadLine();
#pragma warning restore RS0030
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{list}: {e.Message}");
        }
    }

    static StreamReader Open(string list)
    {
        try
        {
            return new StreamReader(list);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }
}
