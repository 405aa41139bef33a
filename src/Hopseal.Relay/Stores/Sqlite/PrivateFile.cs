namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>A file for this user only, from its first moment on.</summary>
public static class PrivateFile
{
    /// <summary>Empty.</summary>
    /// <exception cref="IOException">It exists, or cannot be made.</exception>
    public static void Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (new FileStream(path, options))
        {
        }
    }
}
