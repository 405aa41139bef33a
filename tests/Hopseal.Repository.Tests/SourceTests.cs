using System.Text.RegularExpressions;

namespace Hopseal.Repository.Tests;

/// <summary>Rules for C# files that no analyzer checks.</summary>
public sealed partial class SourceTests
{
    const int MostLines = 400;

    // A name with one of these says where code was left, not what it does.
    static readonly string[] s_emptyNames = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Common", "Base"];

    // Each of these has a counterpart in src; the other test projects look at the whole.
    static readonly string[] s_mirrors = ["Hopseal", "Hopseal.Dns", "Hopseal.Smtp", "Hopseal.Policy", "Hopseal.Relay", "Hopseal.Reports", "Hopseal.Audit", "Hopseal.Monitor", "Hopseal.Dashboard"];

    [Fact]
    public void No_file_is_longer_than_a_person_reads_in_one_go()
    {
        var tooLong = Repository.CSharp
            .Select(file => (file, lines: Repository.Lines(file).Length))
            .Where(entry => entry.lines > MostLines)
            .Select(entry => $"{entry.file}: {entry.lines} lines, at most {MostLines}");

        Assert.Empty(tooLong);
    }

    [Fact]
    public void No_type_file_or_folder_has_a_name_that_says_nothing()
    {
        var types = Repository.CSharp.SelectMany(file =>
            TypeDeclaration().Matches(Repository.Read(file)).Select(match => $"{file}: {match.Groups["name"].Value}"));
        var paths = Repository.CSharp.SelectMany(file => file[..^".cs".Length].Split('/').Select(part => $"{file}: {part}"));

        Assert.Empty(types.Concat(paths).Where(name => s_emptyNames.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal))).Distinct());
    }

    [Fact]
    public void Every_citation_of_a_standard_can_be_looked_up()
    {
        var malformed = Repository.CSharp.Concat(Repository.Documents)
            .SelectMany(file => Repository.Lines(file).Select((text, index) => (file, line: index + 1, text)))
            .Where(entry => entry.file.EndsWith(".md", StringComparison.Ordinal) || entry.text.Contains("//", StringComparison.Ordinal))
            .SelectMany(entry => Citations.Malformed(entry.text).Select(what => $"{entry.file}:{entry.line}: {what}"));

        Assert.Empty(malformed);
    }

    [Theory]
    [InlineData("RFC 5321 §4.1.1.4", true)]
    [InlineData("RFC 3207 §4 and §6", true)]
    [InlineData("RFC 8461", true)]
    [InlineData("RFC 5322 §A.1", true)]
    [InlineData("RFC5321 §4", false)]
    [InlineData("RFC 5321 § 4", false)]
    [InlineData("RFC 5321 section 4", false)]
    [InlineData("RFC 5321, Section 4.1", false)]
    [InlineData("RFC 05321", false)]
    [InlineData("RFC 5321 §4.", true)]
    [InlineData("RFC 5321 §4..1", false)]
    public void A_citation_is_a_number_and_a_section_sign(string text, bool wellFormed) =>
        Assert.Equal(wellFormed, !Citations.Malformed(text).Any());

    /// <summary>A folder of the project, or one of the whole repository, such as packaging.</summary>
    [Fact]
    public void Tests_stand_in_the_folder_of_what_they_test()
    {
        var strays =
            from project in s_mirrors
            let root = $"tests/{project}.Tests/"
            from file in Repository.CSharp
            where file.StartsWith(root, StringComparison.Ordinal)
            let folder = Path.GetDirectoryName(file[root.Length..])!
            where !Repository.Has($"src/{project}/{folder}") && !Repository.Has(folder.ToLowerInvariant())
            select file;

        Assert.Empty(strays);
    }

    [GeneratedRegex(@"^\s*(?!//)(?:[\w\[\]]+\s+)*(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();
}
