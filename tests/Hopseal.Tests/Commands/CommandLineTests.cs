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

    [Theory]
    [InlineData("hopseal: \"serv\" is not known here; did you mean serve?\n`hopseal --help` shows how it is used.\n", "serv", "--config", "x")]
    [InlineData("hopseal: \"relay\" is not known here\n`hopseal --help` shows how it is used.\n", "relay")]
    [InlineData("hopseal: \"--confg\" is not known here; did you mean --config?\n`hopseal serve --help` shows how it is used.\n", "serve", "--confg", "x")]
    public async Task What_is_not_known_ends_with_2(string expected, params string[] args)
    {
        var run = await CommandRun.OfAsync("/", args);
        Assert.Equal((2, "", expected), (run.ExitCode, run.Out, run.Error));
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
