using System.CommandLine;
using Spectre.Console;

namespace Hopseal.Commands.Demo;

/// <summary><c>hopseal demo</c>: two other hops and a zone on loopback, the gateway between them, and somebody on the path.</summary>
static class DemoCommand
{
    // Of a file or a pipe, which have no width of their own.
    const int PlainWidth = 120;

    public static Command Create(Terminal terminal)
    {
        var once = new Option<bool>("--once") { Description = "Exit when everything has been shown." };
        var command = new Command(
            "demo", "Sends a message over two encrypted hops on this machine, shows the proof of each, and lets an attacker try.")
        {
            once,
        };
        command.SetAction((parsed, cancel) => RunAsync(terminal, parsed.GetValue(once), cancel));
        return command;
    }

    static async Task<int> RunAsync(Terminal terminal, bool once, CancellationToken cancel)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal.OutColours ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = terminal.OutColours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(terminal.Out),
        });
        if (!terminal.OutColours)
        {
            console.Profile.Width = PlainWidth;
        }

        var screen = new DemoScreen(console);
        await using var world = await DemoWorld.StartAsync(terminal.Clock, cancel);
        var holds = await new DemoStory(world, screen, terminal.Clock).TellAsync(cancel);
        if (!once)
        {
            screen.Say("");
            screen.Say($"The dashboard shows all of this: {world.Dashboard}");
            screen.Say("");
            screen.Say($"The gateway goes on listening on {world.GatewayEndpoint} (STARTTLS) until Ctrl-C. Try for example:");
            screen.Say($"  openssl s_client -starttls smtp -crlf -connect {world.GatewayEndpoint} -CAfile {world.AuthorityFile}");
            screen.Say($"  swaks --tls --server {world.GatewayEndpoint} --from you@{DemoWorld.Sender} --to you@{DemoWorld.Receiver}");
            await WaitAsync(cancel);
        }

        return holds ? ExitCode.Done : ExitCode.No;
    }

    /// <summary>Until Ctrl-C or SIGTERM, which is how a person ends it.</summary>
    static async Task WaitAsync(CancellationToken cancel)
    {
        var stopped = new TaskCompletionSource();
        using var registration = cancel.Register(stopped.SetResult);
        await stopped.Task;
    }
}
