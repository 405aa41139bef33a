namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A file system of a few megabytes. It needs root, to mount it.</summary>
sealed class SmallDisk : IAsyncDisposable
{
    readonly TestDirectory _directory = new("disk");

    SmallDisk()
    {
    }

    public string Path => _directory["disk"];

    /// <summary>Null when there can be one here, else why not.</summary>
    public static string? Unavailable =>
        !OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ? "mounting a small disk needs Linux and root" : null;

    /// <summary>Null where even root may not mount, as in some containers.</summary>
    public static async Task<SmallDisk?> MountAsync(int megabytes, CancellationToken cancel)
    {
        var disk = new SmallDisk();
        disk._directory.MakeDirectory("disk");
        var mount = await Command.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m,mode=755", "tmpfs", disk.Path], cancel);
        if (mount.ExitCode == 0)
        {
            return disk;
        }

        disk._directory.Dispose();
        return null;
    }

    /// <summary>Takes space away, until <see cref="Release"/>.</summary>
    public void Occupy(int megabytes)
    {
        using var file = File.Create(Occupying);
        file.Write(new byte[megabytes * 1024 * 1024]);
    }

    public void Release() => File.Delete(Occupying);

    public async ValueTask DisposeAsync()
    {
        (await Command.RunAsync("umount", ["--lazy", Path], CancellationToken.None)).Succeeded("umount");
        _directory.Dispose();
    }

    string Occupying => System.IO.Path.Combine(Path, "occupied");
}
