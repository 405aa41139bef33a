namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>The program as the build made it, in the same configuration as this test.</summary>
static class Executable
{
    // tests/Hopseal.Interop.Tests/bin/<configuration>/net10.0
    static readonly DirectoryInfo s_output = new(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar));

    /// <summary>Of the repository.</summary>
    public static string Root { get; } = s_output.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    public static string Path { get; } = Of("src", "Hopseal", "hopseal");

    /// <summary>The simulated world of the benchmarks.</summary>
    public static string Hosts { get; } = Of("bench", "Hopseal.Hosts", "hopseal-hosts");

    static string Of(string folder, string project, string name) =>
        System.IO.Path.Combine(Root, folder, project, "bin", s_output.Parent!.Name, s_output.Name, name);
}
