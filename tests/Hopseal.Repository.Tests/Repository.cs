namespace Hopseal.Repository.Tests;

/// <summary>The files of the working tree this test run was built from, as a person sees them: without build output.</summary>
static class Repository
{
    static readonly string[] s_notSource = ["bin", "obj", "TestResults", "hopseal-data", ".git", ".vs", ".idea"];

    public static string Root { get; } = FindRoot();

    /// <summary>Every file, as a path relative to <see cref="Root"/> with forward slashes, in order.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(Root).Select(Relative).Order(StringComparer.Ordinal)];

    public static IEnumerable<string> CSharp => Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<string> Documents => Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    public static string Full(string relative) => Path.Combine(Root, relative);

    public static bool Has(string relative) => File.Exists(Full(relative)) || Directory.Exists(Full(relative));

    public static string Read(string relative) => File.ReadAllText(Full(relative));

    public static string[] Lines(string relative) => File.ReadAllLines(Full(relative));

    static string Relative(string full) => Path.GetRelativePath(Root, full).Replace('\\', '/');

    static IEnumerable<string> Walk(string directory) =>
        Directory.EnumerateFiles(directory).Concat(
            Directory.EnumerateDirectories(directory)
                .Where(child => !s_notSource.Contains(Path.GetFileName(child)))
                .SelectMany(Walk));

    static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException($"no Hopseal.slnx above {AppContext.BaseDirectory}");
    }
}
