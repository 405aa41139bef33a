using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Hopseal.Configuration;

namespace Hopseal.Commands;

/// <summary>What is wrong with a command line, in one line for people: the library's own words name types of the runtime.</summary>
static class ParseFaults
{
    /// <summary>Null when nothing is.</summary>
    public static string? Describe(ParseResult parsed)
    {
        // The first alone: after an unknown word the others are mostly about what it was meant to be.
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            var command = parsed.CommandResult.Command;
            var names = command.Subcommands.Cast<Symbol>().Concat(command.Options).Select(symbol => symbol.Name);
            return $"{Shown.Text(unknown)} is not known here{Shown.DidYouMean(unknown, names)}";
        }

        return parsed.CommandResult.Children.Select(OfValue).FirstOrDefault(fault => fault is not null)
            ?? parsed.Errors.Select(error => error.Message.Split('\n')[0]).FirstOrDefault();
    }

    static string? OfValue(SymbolResult result)
    {
        // What our own parsers and ranges say.
        if (result.Errors.FirstOrDefault(error => !error.Message.StartsWith("Cannot parse", StringComparison.Ordinal)) is { } own)
        {
            return own.Message;
        }

        var (name, type) = result switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType),
            _ => ("", typeof(string)),
        };
        type = Nullable.GetUnderlyingType(type) ?? type;
        return result.Tokens is [{ Value: var word }] && (type.IsEnum || result.Errors.Any()) && Wanted(word, type) is { } wanted
            ? $"{name} {wanted}, and {Shown.Text(word)} is not"
            : null;
    }

    /// <summary>Null where a value is of the right kind, and where the library's own words will do. Of an enumeration it would take 99, too.</summary>
    static string? Wanted(string word, Type type) => type switch
    {
        { IsEnum: true } => Enum.GetNames(type).Contains(word, StringComparer.OrdinalIgnoreCase) ? null : $"is {OneOf(Enum.GetNames(type))}",
        _ when type == typeof(int) => int.TryParse(word, CultureInfo.InvariantCulture, out _) ? null : Whole(word, int.MaxValue),
        _ when type == typeof(long) => long.TryParse(word, CultureInfo.InvariantCulture, out _) ? null : Whole(word, long.MaxValue),
        _ when type == typeof(double) => double.TryParse(word, CultureInfo.InvariantCulture, out _) ? null : "is a number",
        _ when type == typeof(DateTimeOffset) => "is a time, such as 2026-12-01T08:00Z",
        _ => null,
    };

    static string Whole(string word, long most) => word.Length > 0 && word.All(char.IsAsciiDigit) ? $"is {most} at most" : "is a whole number";

    static string OneOf(string[] names) =>
        string.Join(", ", names[..^1].Select(name => name.ToLowerInvariant())) + " or " + names[^1].ToLowerInvariant();
}
