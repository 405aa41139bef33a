using System.Text.Json;
using System.Xml.Linq;

namespace Hopseal.Repository.Tests;

/// <summary>The arrows between the projects, and what the libraries may bring with them.</summary>
public sealed class ProjectTests
{
    static readonly string[] s_libraries = ["Hopseal.Dns", "Hopseal.Smtp", "Hopseal.Policy", "Hopseal.Audit"];

    // Hosting, logging and storage belong to the relay and the executable.
    static readonly string[] s_notInLibraries =
    [
        "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging", "Microsoft.AspNetCore", "Serilog", "NLog", "OpenTelemetry",
        "Microsoft.Data.Sqlite", "SQLitePCLRaw", "Npgsql", "Dapper", "Microsoft.EntityFrameworkCore",
    ];

    public static TheoryData<string> Libraries => [.. s_libraries];

    [Theory]
    [InlineData("Hopseal.Dns")]
    [InlineData("Hopseal.Smtp", "Hopseal.Dns")]
    [InlineData("Hopseal.Policy", "Hopseal.Smtp")]
    [InlineData("Hopseal.Relay", "Hopseal.Policy")]
    [InlineData("Hopseal.Reports", "Hopseal.Relay")]
    [InlineData("Hopseal.Audit", "Hopseal.Policy")]
    [InlineData("Hopseal.Monitor", "Hopseal.Audit", "Hopseal.Reports")]
    [InlineData("Hopseal.Dashboard", "Hopseal.Monitor")]
    [InlineData("Hopseal", "Hopseal.Dashboard")]
    public void A_project_refers_to_the_ones_before_it_and_to_no_other(string project, params string[] allowed)
    {
        var actual = Load(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value));

        Assert.Equal(allowed, actual);
    }

    [Fact]
    public void There_is_no_project_without_a_place_in_that_order()
    {
        var projects = Directory.EnumerateDirectories(Repository.Full("src")).Select(Path.GetFileName).Order(StringComparer.Ordinal);

        Assert.Equal(["Hopseal", "Hopseal.Audit", "Hopseal.Dashboard", "Hopseal.Dns", "Hopseal.Monitor", "Hopseal.Policy", "Hopseal.Relay", "Hopseal.Reports", "Hopseal.Smtp"], projects);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_library_brings_no_hosting_no_logging_and_no_storage(string project)
    {
        Assert.Empty(Load(project).Descendants("FrameworkReference"));

        var forbidden = RestoredPackages(project)
            .Where(package => s_notInLibraries.Any(prefix => package.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)));
        Assert.Empty(forbidden);
    }

    [Fact]
    public void Every_project_is_in_the_solution_and_has_a_lock_file()
    {
        var projects = Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).ToList();
        var solution = XDocument.Load(Repository.Full("Hopseal.slnx")).Descendants("Project").Select(project => project.Attribute("Path")!.Value);

        Assert.Equal(projects, solution.Order(StringComparer.Ordinal));
        Assert.All(projects, project => Assert.True(
            Repository.Has($"{Path.GetDirectoryName(project)}/packages.lock.json"), $"{project} has no packages.lock.json"));
    }

    [Fact]
    public void Versions_of_packages_stand_in_one_place()
    {
        var pinned = Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))
            .SelectMany(file => XDocument.Load(Repository.Full(file)).Descendants("PackageReference"))
            .Where(reference => reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null);

        Assert.Empty(pinned);
    }

    static XDocument Load(string project) => XDocument.Load(Repository.Full($"src/{project}/{project}.csproj"));

    /// <summary>Direct and transitive, of every target framework.</summary>
    static IEnumerable<string> RestoredPackages(string project)
    {
        using var lockFile = JsonDocument.Parse(Repository.Read($"src/{project}/packages.lock.json"));
        return [.. lockFile.RootElement.GetProperty("dependencies").EnumerateObject()
            .SelectMany(framework => framework.Value.EnumerateObject())
            .Where(package => package.Value.GetProperty("type").GetString() != "Project")
            .Select(package => package.Name)];
    }
}
