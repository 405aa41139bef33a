using System.Globalization;
using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The right to be the one gateway on a data directory. A lock file beside the database, not a lock of the database:
/// other programs may still open it to read. The system drops it when the process ends, however it ends.</summary>
sealed class DirectoryLock : IDisposable
{
    const string LockFile = "hopseal.lock";

    /// <summary>Who holds the lock, for people: the lock file itself cannot be read while it is locked.</summary>
    const string HolderFile = "hopseal.pid";

    // How .NET says that somebody else holds the lock: errno on POSIX systems, an HRESULT on Windows.
    const int Eagain = 11;
    const int EagainBsd = 35;
    const int SharingViolation = unchecked((int)0x80070020);

    readonly FileStream _file;
    readonly string _holder;

    DirectoryLock(FileStream file, string holder)
    {
        _file = file;
        _holder = holder;

        // Somebody else's (root's, whose command was killed) may be removed and not written.
        File.Delete(holder);
        File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        TakenAt = File.GetLastWriteTimeUtc(holder);
    }

    /// <summary>By the file system's own clock (UTC): files of the directory that are older were there before us.</summary>
    public DateTime TakenAt { get; }

    /// <exception cref="QueueStoreException">Another gateway has it, or the directory cannot be written.</exception>
    public static DirectoryLock Take(string directory)
    {
        var holder = Path.Combine(directory, HolderFile);
        try
        {
            // FileShare.None is flock(LOCK_EX) on POSIX systems.
            var file = new FileStream(Path.Combine(directory, LockFile), Options());
            try
            {
                return new DirectoryLock(file, holder);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (IOException e) when (e.HResult is Eagain or EagainBsd or SharingViolation)
        {
            throw new QueueStoreException($"the data directory {directory} is in use by another gateway{Describe(holder)}", e) { IsInUse = true };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueStoreException($"the data directory {directory} cannot be written: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        using (_file)
        {
            try
            {
                File.Delete(_holder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The directory is read-only by now. It is the lock that counts, and that ends here; the next gateway writes another.
            }
        }
    }

    /// <summary>For this user only: whoever may read the file may lock it, and so keep us from starting.</summary>
    static FileStreamOptions Options()
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    static string Describe(string holder)
    {
        try
        {
            return int.TryParse(File.ReadAllText(holder), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var id)
                ? $" (process {id})"
                : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has only just taken the lock: the number is missing from the message, no more.
            return "";
        }
    }
}
