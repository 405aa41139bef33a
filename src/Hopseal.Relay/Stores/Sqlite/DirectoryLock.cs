using System.Globalization;
using System.Text;
using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The right to be the one gateway on a data directory. A lock file beside the database, not a lock of the database:
/// other programs may still open it to read. The system drops it when the process ends, however it ends.</summary>
sealed class DirectoryLock : IDisposable
{
    const string FileName = "hopseal.lock";

    // How .NET says that somebody else holds the lock: errno on POSIX systems, an HRESULT on Windows.
    const int Eagain = 11;
    const int EagainBsd = 35;
    const int SharingViolation = unchecked((int)0x80070020);

    readonly FileStream _file;

    DirectoryLock(FileStream file, DateTime takenAt)
    {
        _file = file;
        TakenAt = takenAt;
    }

    /// <summary>By the file system's own clock (UTC): files of the directory that are older were there before us.</summary>
    public DateTime TakenAt { get; }

    /// <exception cref="QueueStoreException">Another gateway has it, or the directory cannot be written.</exception>
    public static DirectoryLock Take(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            // FileShare.None is flock(LOCK_EX) on POSIX systems.
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            try
            {
                file.SetLength(0);
                file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
                return new DirectoryLock(file, File.GetLastWriteTimeUtc(path));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (IOException e) when (e.HResult is Eagain or EagainBsd or SharingViolation)
        {
            throw new QueueStoreException($"the data directory {directory} is in use by another gateway{HolderOf(path)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueStoreException($"the data directory {directory} cannot be written: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();

    static string HolderOf(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file);
            Span<char> digits = stackalloc char[20];
            var text = digits[..reader.ReadBlock(digits)].Trim();
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? $" (process {id})" : "";
        }
        catch (IOException)
        {
            // Where a lock is mandatory (Windows), only the number is missing from the message.
            return "";
        }
    }
}
