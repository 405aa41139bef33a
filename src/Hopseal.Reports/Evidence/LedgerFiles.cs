using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Relay.Queue;

namespace Hopseal.Reports.Evidence;

/// <summary>Where a ledger is: a file for each day (UTC), <c>head.json</c> with its last entry, and <c>anchor.json</c> with the last one that retention
/// deleted.</summary>
public sealed class LedgerFiles(string directory)
{
    public const string DirectoryName = "evidence";
    const string DayFormat = "yyyy-MM-dd";
    const string Extension = ".jsonl";

    public string Directory => directory;

    internal string Head => Path.Combine(directory, "head.json");

    internal string Anchor => Path.Combine(directory, "anchor.json");

    /// <summary>Of the key of pseudonyms.</summary>
    internal string Key => Path.Combine(directory, "pseudonym.key");

    /// <summary>Of a gateway.</summary>
    public static LedgerFiles In(string dataDirectory) => new(Path.Combine(dataDirectory, DirectoryName));

    /// <summary>The files of days, in their order; none where there is no directory.</summary>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public ImmutableArray<(DateOnly Day, string Path)> Days()
    {
        if (!System.IO.Directory.Exists(directory))
        {
            return [];
        }

        return
        [
            .. System.IO.Directory.EnumerateFiles(directory, "*" + Extension)
                .Select(path => (IsDay: DateOnly.TryParseExact(
                    Path.GetFileNameWithoutExtension(path), DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day), day, path))
                .Where(file => file.IsDay)
                .Select(file => (file.day, file.path))
                .OrderBy(file => file.day),
        ];
    }

    internal string PathOf(DateOnly day) => Path.Combine(directory, day.ToString(DayFormat, CultureInfo.InvariantCulture) + Extension);

    internal static FileStream OpenToRead(string path) => new(
        path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);

    /// <summary>Opens a day's file at its end; makes it, for this user only.</summary>
    internal static FileStream OpenToAppend(string path)
    {
        var isNew = !File.Exists(path);
        var options = OfThisUser(FileMode.OpenOrCreate, FileShare.Read);
        var file = new FileStream(path, options);
        try
        {
            file.Seek(0, SeekOrigin.End);
            if (isNew)
            {
                DirectorySync.Flush(Path.GetDirectoryName(path)!);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a small file at once: who reads it sees the old one or the new one, also after a power cut.</summary>
    internal static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var arriving = path + ".new";
        using (var file = new FileStream(arriving, OfThisUser(FileMode.Create, FileShare.None)))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(arriving, path, overwrite: true);
    }

    static FileStreamOptions OfThisUser(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
