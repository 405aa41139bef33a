using System.CommandLine;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Commands;

/// <summary><c>hopseal report</c>: what others report about TLS with us, and we about TLS with them (RFC 8460).</summary>
static class ReportCommand
{
    public static Command Create(Terminal terminal) => new("report", "Reads reports of other mail servers about TLS with ours (TLSRPT), and shows and sends those of ours.")
    {
        Import(terminal),
        ReceivedCommand.Create(terminal),
        SentCommand.List(terminal),
        SentCommand.Show(terminal),
        SentCommand.Send(terminal),
    };

    static Command Import(Terminal terminal)
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "JSON, gzip, zip, a message or a mailbox (mbox), whatever it is called; - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var json = new Option<bool>("--json") { Description = "One JSON object in each line, for each report." };
        var verify = new Option<bool>("--verify-dkim") { Description = "Looks in DNS who stands for each message." };
        var store = new Option<bool>("--store") { Description = "Keeps what is about our domains with the reports that came by themselves; also while the gateway runs." };
        var config = new Option<string?>("--config", "-c") { Description = "The gateway's configuration file; for --store hopseal.json, if not given.", HelpName = "FILE" };
        var command = new Command("import", "Shows what is in reports: who met which failures with which of our hosts, and what to do about it.")
        {
            files, json, verify, store, config,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var import = ReportImport.Create(parsed.GetValue(config), parsed.GetValue(store), parsed.GetValue(verify), terminal);
            return await ImportAsync(parsed.GetRequiredValue(files), parsed.GetValue(json), import, terminal, cancel);
        });
        return command;
    }

    static async Task<int> ImportAsync(string[] files, bool json, ReportImport import, Terminal terminal, CancellationToken cancel)
    {
        var output = new ReportOutput(terminal, json);
        var unreadable = 0;
        foreach (var file in files)
        {
            try
            {
                await ImportAsync(file, output, import, terminal, cancel);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
            {
                unreadable++;
                await terminal.Error.WriteLineAsync($"hopseal: {Configuration.Shown.Text(file)} cannot be read: {Configuration.Shown.Plain(e.Message)}");
            }
        }

        await output.EndAsync();
        return unreadable > 0 ? ExitCode.Unknown : output.Rejected > 0 ? ExitCode.No : ExitCode.Done;
    }

    static async Task ImportAsync(string file, ReportOutput output, ReportImport import, Terminal terminal, CancellationToken cancel)
    {
        const int BufferOctets = 64 * 1024;
        var path = Path.Combine(terminal.Directory, file);
        await using var content = file == "-"
            ? terminal.OpenInput()
            : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferOctets, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var name = file == "-" ? "standard input" : file;
        await foreach (var found in ReportFile.ReadContentsAsync(content, file == "-" ? "" : Path.GetFileName(path), cancel))
        {
            var (proof, kept) = await import.TakeAsync(found, name, cancel);
            for (var i = 0; i < found.Items.Length; i++)
            {
                await output.WriteAsync(name, found.Items[i], proof?.ToString(), kept.IsEmpty ? null : ReportImport.Words(kept[i]));
            }
        }
    }
}
