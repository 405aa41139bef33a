using System.Text.RegularExpressions;

namespace Hopseal.Repository.Tests;

/// <summary>ARCHITECTURE.md tells the truth: the steps of a message's way exist, in the code and in its comments.</summary>
/// <remarks>A row of the table is <c>| 3 | STARTTLS | [`TlsUpgrade.AsServerAsync`](src/…/TlsUpgrade.cs) | … |</c>. Its third cell
/// holds one or more links; the text is a type, or a type and a member, and the target the file that declares it. Each such
/// file carries <c>Step 3:</c> in a comment where the step is done.</remarks>
public sealed partial class ArchitectureTests
{
    public static TheoryData<int, string, string> Places
    {
        get
        {
            var places = new TheoryData<int, string, string>();
            foreach (var (step, name, file) in ReadPlaces())
            {
                places.Add(step, name, file);
            }

            return places;
        }
    }

    [Fact]
    public void The_steps_are_numbered_without_a_gap()
    {
        var steps = ReadPlaces().Select(place => place.Step).Distinct().ToList();

        Assert.Equal(Enumerable.Range(1, 12), steps);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void A_step_names_code_that_exists_and_says_so(int step, string name, string file)
    {
        Assert.True(Repository.Has(file), $"{file} does not exist");
        var code = Repository.Read(file);
        Assert.All(name.Split('.'), part => Assert.True(Declares(code, part), $"{file} declares no {part}"));
        Assert.True(StepComment().Matches(code).Any(match => match.Groups["step"].Value == $"{step}"), $"{file} has no comment \"Step {step}:\"");
    }

    [Fact]
    public void No_comment_speaks_of_a_step_that_the_table_lacks()
    {
        var steps = ReadPlaces().Select(place => $"{place.Step}").ToHashSet(StringComparer.Ordinal);
        var strays = Repository.CSharp
            .Where(file => file.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(file => StepComment().Matches(Repository.Read(file)).Select(match => (file, step: match.Groups["step"].Value)))
            .Where(comment => !steps.Contains(comment.step));

        Assert.Empty(strays);
    }

    [Fact]
    public void The_projects_it_draws_are_the_projects_there_are()
    {
        var drawn = ProjectRow().Matches(Repository.Read("ARCHITECTURE.md")).Select(match => match.Groups["project"].Value);
        var existing = Directory.EnumerateDirectories(Repository.Full("src")).Select(path => Path.GetFileName(path)!);

        Assert.Equal(existing.Order(StringComparer.Ordinal), drawn.Order(StringComparer.Ordinal));
    }

    static IEnumerable<(int Step, string Name, string File)> ReadPlaces() =>
        from line in Repository.Lines("ARCHITECTURE.md")
        let row = Row().Match(line)
        where row.Success
        from Match link in Link().Matches(row.Groups["where"].Value)
        select (int.Parse(row.Groups["step"].Value, System.Globalization.CultureInfo.InvariantCulture), link.Groups["name"].Value, link.Groups["file"].Value);

    /// <summary>A type of that name, or a member that is not private: a modifier before it, and a parameter list, a body or a
    /// value behind it.</summary>
    static bool Declares(string code, string name) =>
        Regex.IsMatch(code, $@"\b(?:class|struct|interface|enum|record)\s+(?:struct\s+|class\s+)?{Regex.Escape(name)}\b")
        || Regex.IsMatch(code, $@"^[ \t]+(?:public|internal|protected|static|abstract)\b[^;={{}}]*[ )\]>?]{Regex.Escape(name)}\s*[(<{{;=]", RegexOptions.Multiline);

    [GeneratedRegex(@"^\|\s*(?<step>\d+)\s*\|[^|]*\|(?<where>[^|]*)\|")]
    private static partial Regex Row();

    [GeneratedRegex(@"\[`(?<name>[\w.]+)`\]\((?<file>[^)#]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"//[^\r\n]*\bStep (?<step>\d+):")]
    private static partial Regex StepComment();

    [GeneratedRegex(@"^\|\s*\[`(?<project>Hopseal(?:\.\w+)?)`\]\(src/", RegexOptions.Multiline)]
    private static partial Regex ProjectRow();
}
