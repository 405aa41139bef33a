#pragma warning disable RS0030 // the one place that touches the console: every command takes a Terminal
using System.Collections;
using System.Text;
using Hopseal.Dns;

namespace Hopseal.Commands;

/// <summary>What a command sees of the outside: the three streams, the environment, the directory and the clock it was started with.</summary>
sealed record Terminal
{
    /// <summary>For what a script reads.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>For words to people.</summary>
    public required TextWriter Error { get; init; }

    public required Func<Stream> OpenInput { get; init; }

    /// <summary>Whether a person reads <see cref="Error"/> on a terminal.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether that terminal understands colours, and its owner wants them.</summary>
    public bool Colours { get; init; }

    /// <summary>The same of <see cref="Out"/>.</summary>
    public bool OutColours { get; init; }

    /// <summary>Characters in a line of that terminal; null when nobody reads <see cref="Out"/> on one.</summary>
    public int? OutWidth { get; init; }

    /// <summary><see cref="Out"/>, for octets that are no text.</summary>
    public Func<Stream> OpenOutput { get; init; } = Console.OpenStandardOutput;

    /// <summary>Asks a person without showing what is typed; null when the input is no terminal.</summary>
    public Func<string, string?>? AskSecret { get; init; }

    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    public string Directory { get; init; } = Environment.CurrentDirectory;

    /// <summary>Answers instead of the resolver, for tests.</summary>
    public IDnsResolver? Zone { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public static Terminal OfProcess()
    {
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);
        return new Terminal
        {
            Out = Console.Out,
            Error = Console.Error,
            OpenInput = Console.OpenStandardInput,
            AskSecret = Console.IsInputRedirected ? null : ReadHidden,
            Variables = variables,
            ErrorIsTerminal = !Console.IsErrorRedirected,

            Colours = !Console.IsErrorRedirected && UnderstandsColours(variables),
            OutWidth = WidthOfOutput(),
            OutColours = !Console.IsOutputRedirected && UnderstandsColours(variables),
        };
    }

    static int? WidthOfOutput()
    {
        try
        {
            return Console.IsOutputRedirected || Console.WindowWidth <= 0 ? null : Console.WindowWidth;
        }
        catch (IOException)
        {
            // A terminal that does not say how wide it is.
            return null;
        }
    }

    /// <summary>https://no-color.org: any non-empty value turns colours off.</summary>
    static bool UnderstandsColours(Dictionary<string, string> variables) =>
        variables.GetValueOrDefault("NO_COLOR", "").Length == 0 && variables.GetValueOrDefault("TERM", "") is not ("" or "dumb");

    static string? ReadHidden(string prompt)
    {
        Console.Error.Write(prompt);
        var text = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Console.Error.WriteLine();
                    return text.ToString();
                case ConsoleKey.Backspace when text.Length > 0:
                    text.Length--;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                    {
                        text.Append(key.KeyChar);
                    }

                    break;
            }
        }
    }
}
