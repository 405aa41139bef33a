using System.CommandLine;
using Hopseal.Commands;

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
    [InlineData("check x --format yaml", "--format is text, json, jsonlines, csv, html, junit, sarif or prometheus, and \"yaml\" is not")]
    [InlineData("check x --format 99", "--format is text, json, jsonlines, csv, html, junit, sarif or prometheus, and \"99\" is not")]
    [InlineData("check x --parallel some", "--parallel is a whole number, and \"some\" is not")]
    [InlineData("check x --parallel 99999999999", "--parallel is 2147483647 at most, and \"99999999999\" is not")]
    [InlineData("check x --pause long", "--pause is a number, and \"long\" is not")]
    [InlineData("sessions --from yesterday", "--from is a time, such as 2026-12-01T08:00Z, and \"yesterday\" is not")]
    [InlineData("sessions --direction 1", "--direction is in or out, and \"1\" is not")]
    [InlineData("queue list --limit x\u001b[2J", "--limit is a whole number, and \"x\\u001b[2J\" is not")]
    [InlineData("queue list --limit -1", "--limit is negative")]
    [InlineData("sink --port many", "--port is a whole number, and \"many\" is not")]
    public async Task A_value_of_the_wrong_kind_is_told_in_words(string arguments, string expected)
    {
        var run = await CommandRun.OfAsync("/", arguments.Split(' '));
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal($"hopseal: {expected}", run.Error.Split('\n')[0]);
    }

    /// <summary>Each option of each command that is no text.</summary>
    public static TheoryData<string> Options
    {
        get
        {
            var terminal = new Terminal { Out = TextWriter.Null, Error = TextWriter.Null, OpenInput = () => Stream.Null };
            return [.. All(CommandLine.Root(terminal), "").Distinct(StringComparer.Ordinal)];

            static IEnumerable<string> All(Command command, string path) => command.Options
                .Where(option => (Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) is { } type && (type.IsEnum || type.Namespace == "System")
                    && type != typeof(string) && type != typeof(bool) && !type.IsArray && type != typeof(void))
                .Select(option => $"{path}{option.Name}")
                .Concat(command.Subcommands.SelectMany(below => All(below, $"{path}{below.Name} ")));
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public async Task No_message_names_a_type_of_the_runtime(string option)
    {
        var run = await CommandRun.OfAsync("/", [.. option.Split(' '), "what?"]);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"hopseal: {option.Split(' ')[^1]}", run.Error, StringComparison.Ordinal);
        Assert.All(["System", "Hopseal", "Cannot parse", "`1"], word => Assert.DoesNotContain(word, run.Error, StringComparison.Ordinal));
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
