namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A directory for one test run, readable by the users that mail programs run as; removed afterwards.</summary>
sealed class TestDirectory : IDisposable
{
    const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public TestDirectory(string purpose)
    {
        Path = Directory.CreateTempSubdirectory($"hopseal-{purpose}-").FullName;
        Open(Path);
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string MakeDirectory(string name)
    {
        var path = Directory.CreateDirectory(this[name]).FullName;
        Open(path);
        return path;
    }

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    static void Open(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, Readable);
        }
    }
}
