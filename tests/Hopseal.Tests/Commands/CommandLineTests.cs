namespace Hopseal.Tests.Commands;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData(new string[0], "hopseal: Required command was not provided.\n`hopseal --help` shows how it is used.\n")]
    [InlineData(new[] { "config" }, "hopseal: Required command was not provided.\n`hopseal config --help` shows how it is used.\n")]
    public async Task A_wrong_command_line_ends_with_2_and_says_where_help_is(string[] args, string expected)
    {
        var run = await CommandRun.OfAsync("/", args);
        Assert.Equal((2, "", expected), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task An_unknown_command_ends_with_2()
    {
        var run = await CommandRun.OfAsync("/", ["relay"]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains("'relay'", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--version", "0.1.0")]
    [InlineData("--help", "hash-password")]
    public async Task Version_and_help_are_on_standard_output(string option, string expected)
    {
        string[] args = option == "--help" ? ["config", option] : [option];
        var run = await CommandRun.OfAsync("/", args);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains(expected, run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exception_that_nobody_expected_is_one_line_and_70()
    {
        // A directory that is no path is none of the faults a command knows.
        var run = await CommandRun.OfAsync("not rooted", ["config", "check"]);
        Assert.Equal((70, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("hopseal: internal error: ArgumentException: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }
}
