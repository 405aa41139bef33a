using System.Text;
using Hopseal.Commands;
using Hopseal.Dns;

namespace Hopseal.Tests.Commands;

/// <summary>One run of the command line inside this process, and what it left.</summary>
sealed record CommandRun(int ExitCode, string Out, string Error)
{
    public static async Task<CommandRun> OfAsync(
        string directory,
        string[] args,
        string input = "",
        IReadOnlyDictionary<string, string>? variables = null,
        StringWriter? error = null,
        IDnsResolver? zone = null)
    {
        using var output = new StringWriter();
        error ??= new StringWriter();
        output.NewLine = error.NewLine = "\n";
        var terminal = new Terminal
        {
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            OpenInput = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
            Variables = variables ?? new Dictionary<string, string>(),
            Directory = directory,
            Zone = zone,
        };
        var code = await CommandLine.RunAsync(args, terminal, TestContext.Current.CancellationToken);
        return new CommandRun(code, output.ToString(), error.ToString());
    }
}
