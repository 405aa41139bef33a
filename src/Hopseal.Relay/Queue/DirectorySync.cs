using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hopseal.Relay.Queue;

/// <summary>Puts a directory's entries on stable storage. After a rename, the file is safe but its name is not: on POSIX
/// systems the directory needs its own fsync, for which .NET has no call.</summary>
public static partial class DirectorySync
{
    const int ReadOnly = 0;

    /// <summary>EINVAL, on every system: this file system has no fsync for directories, so there is nothing to wait for.</summary>
    const int NotForDirectories = 22;

    static readonly Lock s_creating = new();

    /// <exception cref="IOException">The directory cannot be opened or flushed.</exception>
    public static void Flush(string directory)
    {
        // NTFS journals its directories.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var handle = Open(directory, ReadOnly);
        if (handle.IsInvalid || FSync(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == NotForDirectories && !handle.IsInvalid)
            {
                return;
            }

            throw new IOException($"cannot flush the directory {directory}: {new Win32Exception(error).Message}", error);
        }
    }

    /// <summary>Makes sure of a directory: where it is missing, it is created with its parents, for this user only, durably.</summary>
    public static void Create(string directory)
    {
        // Whoever finds it there must not go on before the one who has just created it has flushed its name.
        lock (s_creating)
        {
            CreateMissing(directory);
        }
    }

    static void CreateMissing(string directory)
    {
        if (Directory.Exists(directory))
        {
            return;
        }

        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        if (parent is not null)
        {
            CreateMissing(parent);
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (parent is not null)
        {
            Flush(parent);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [UnsupportedOSPlatform("windows")]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [UnsupportedOSPlatform("windows")]
    private static partial int FSync(SafeFileHandle directory);
}
