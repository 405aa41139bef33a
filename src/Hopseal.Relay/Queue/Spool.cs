namespace Hopseal.Relay.Queue;

/// <summary>The directory of message content that is too large for a row: <c>tmp/ID</c> while it arrives, <c>xx/ID</c> once it
/// is whole and on stable storage. Files are named relative to the directory, so that it can be moved.</summary>
public sealed class Spool
{
    /// <summary>Content up to this many octets stays in memory and goes into the store itself.</summary>
    public const int MemoryOctets = 256 * 1024;

    const string Arriving = "tmp";

    readonly string _directory;

    /// <summary>Creates the directory where it is missing, for this user only.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    public Spool(string directory)
    {
        _directory = Path.GetFullPath(directory);
        DirectorySync.Create(Path.Combine(_directory, Arriving));

        // A crash may have come between the creation of a folder and its flush.
        DirectorySync.Flush(_directory);
    }

    /// <summary>Opens the place for one message's content.</summary>
    public SpooledContent Begin(QueueId id) => new(this, id);

    /// <summary>Opens content at rest for reading.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public FileStream Open(string contentFile) => new(PathOf(contentFile), new FileStreamOptions
    {
        Access = FileAccess.Read,
        Share = FileShare.Read | FileShare.Delete,
        Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
        BufferSize = 0,
    });

    /// <summary>Removes content; no error when it is gone already.</summary>
    /// <exception cref="IOException">It is there and stays.</exception>
    public void Delete(string contentFile)
    {
        try
        {
            File.Delete(PathOf(contentFile));
        }
        catch (DirectoryNotFoundException)
        {
            // Then the file is gone too.
        }
    }

    /// <summary>Removes what never became whole before <paramref name="time"/>.</summary>
    internal int DeleteArrivedBefore(DateTime time, CancellationToken cancel)
    {
        var deleted = 0;
        foreach (var file in new DirectoryInfo(Path.Combine(_directory, Arriving)).EnumerateFiles())
        {
            cancel.ThrowIfCancellationRequested();
            if (file.LastWriteTimeUtc < time)
            {
                file.Delete();
                deleted++;
            }
        }

        return deleted;
    }

    /// <summary>The content files at rest that were last written before <paramref name="time"/>, as the store names them.</summary>
    internal IEnumerable<string> FilesBefore(DateTime time) =>
        from folder in new DirectoryInfo(_directory).EnumerateDirectories()
        where folder.Name != Arriving
        from file in folder.EnumerateFiles()
        where file.LastWriteTimeUtc < time
        select $"{folder.Name}/{file.Name}";

    internal FileStream CreateArriving(QueueId id)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(ArrivingPathOf(id), options);
    }

    internal void DeleteArriving(QueueId id) => File.Delete(ArrivingPathOf(id));

    /// <summary>Gives flushed content its name at rest, durably, and returns the name.</summary>
    internal string Keep(QueueId id)
    {
        // The end of an id is chance, its beginning is time: the end spreads over 1024 folders.
        var folder = Path.Combine(_directory, id.Text[^2..]);
        DirectorySync.Create(folder);
        var file = Path.Combine(folder, id.Text);
        File.Move(ArrivingPathOf(id), file);
        try
        {
            DirectorySync.Flush(folder);
        }
        catch (IOException)
        {
            File.Delete(file);
            throw;
        }

        return $"{id.Text[^2..]}/{id.Text}";
    }

    string ArrivingPathOf(QueueId id) => Path.Combine(_directory, Arriving, id.Text);

    string PathOf(string contentFile) => Path.Combine(_directory, contentFile);
}
