using System.Text.RegularExpressions;

namespace Hopseal.Repository.Tests;

/// <summary>The documents are there, and what they point at is there too.</summary>
public sealed partial class DocumentTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("DEVELOPING.md")]
    [InlineData("SECURITY.md")]
    [InlineData("CHANGELOG.md")]
    [InlineData("LICENSE")]
    public void The_document_exists_and_says_something(string file) =>
        Assert.True(Repository.Has(file) && Repository.Read(file).Length > 200, $"{file} is missing or empty");

    [Fact]
    public void Every_relative_link_leads_somewhere()
    {
        var broken =
            from file in Repository.Documents
            from Match link in Link().Matches(CodeBlock().Replace(Repository.Read(file), ""))
            let target = link.Groups["target"].Value
            where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
            where !Resolves(file, target)
            select $"{file}: {target}";

        Assert.Empty(broken);
    }

    [Theory]
    [InlineData("test")]
    [InlineData(".ci/run")]
    public void The_gate_can_be_started(string script)
    {
        Assert.StartsWith("#!/usr/bin/env bash", Repository.Read(script), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.True(File.GetUnixFileMode(Repository.Full(script)).HasFlag(UnixFileMode.UserExecute), $"{script} is not executable");
        }
    }

    [Fact]
    public void The_change_log_names_the_version_that_is_built()
    {
        var version = Version().Match(Repository.Read("Directory.Build.props")).Groups["version"].Value;
        var headings = Repository.Lines("CHANGELOG.md").Where(line => line.StartsWith("## [", StringComparison.Ordinal)).ToList();

        Assert.StartsWith("## [Unreleased]", headings[0], StringComparison.Ordinal);
        Assert.Contains(headings, heading => heading.StartsWith($"## [{version}]", StringComparison.Ordinal));
    }

    static bool Resolves(string file, string target)
    {
        var parts = target.Split('#', 2);
        var path = parts[0].Length == 0 ? file : Path.Combine(Path.GetDirectoryName(file)!, parts[0]);
        return Repository.Has(path) && (parts.Length == 1 || Anchors(path).Contains(parts[1]));
    }

    /// <summary>The anchor of a heading as forges make it: lower case, spaces to hyphens, punctuation dropped.</summary>
    static IEnumerable<string> Anchors(string file) =>
        Repository.Lines(file)
            .Where(line => line.StartsWith('#'))
            .Select(line => NotInAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"<Version>(?<version>[^<]+)</Version>")]
    private static partial Regex Version();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();
}
