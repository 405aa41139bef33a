using System.Diagnostics;
using Hopseal.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Configuration;

public sealed class ConfigurationFileTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("hopseal.json")]
    [InlineData("mx.pem")]
    public async Task A_pipe_that_nobody_writes_to_holds_nobody_up(string pipe)
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("hopseal.json", """
            {
              "Hostname": "mx1.example.org", "DataDirectory": ".", "RelayFrom": [ "127.0.0.1" ],
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ]
            }
            """);
        File.Delete(_workspace.PathOf(pipe));
        using (var mkfifo = Process.Start("mkfifo", [_workspace.PathOf(pipe)]))
        {
            await mkfifo.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, mkfifo.ExitCode);
        }

        var clock = new FakeTimeProvider();
        var load = Task.Run(() => ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], clock), TestContext.Current.CancellationToken);
        while (!load.IsCompleted)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(20));
            await Task.Yield();
        }

        // Lets the thread go that is still at it; whoever asks for the pipe alone is refused when that thread has it already.
        await using (new FileStream(_workspace.PathOf(pipe), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            Assert.Equal(
                "hopseal.json: could not be read within 20 seconds; it, or a file that it names, may be a pipe that nobody writes to",
                Assert.IsType<ConfigurationResult.Unreadable>(await load).Why);
        }
    }
}
