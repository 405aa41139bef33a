using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text;
using Hopseal.Control;
using Hopseal.Policy;
using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Control;

/// <summary>The control socket, and clients that mean it no good.</summary>
public sealed class ControlServerTests : IAsyncDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new();
    readonly SqliteQueueStore _store;

    public ControlServerTests() => _store = SqliteQueueStore.Open(_workspace.Directory);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    string Path => _workspace.PathOf("control.sock");

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _workspace.Dispose();
    }

    [Theory]
    [InlineData("", "the request cannot be understood: a line is not what was expected")]
    [InlineData("EHLO example.org", "the request cannot be understood: a line is not what was expected")]
    [InlineData("null", "the request cannot be understood: a line is no value")]
    [InlineData("{}", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":1,"command":"list"} {}""", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":1,"command":"list","surprise":1}""", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":1,"command":"shutdown"}""", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":1,"command":1}""", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":1,"command":[[[[[[[[[[[[]]]]]]]]]]]]}""", "the request cannot be understood: a line is not what was expected")]
    [InlineData("""{"version":2,"command":"list"}""", "this gateway speaks version 1 of the control protocol, not 2")]
    [InlineData("""{"version":1,"command":"list","limit":-1}""", "the limit is negative")]
    [InlineData("""{"version":1,"command":"delete","ids":["x"]}""", "an id is none")]
    [InlineData("""{"version":1,"command":"delete","ids":[null]}""", "an id is none")]
    [InlineData("""{"version":1,"command":"content"}""", "content is asked for by one id")]
    [InlineData("""{"version":1,"command":"plan"}""", "a plan is for one domain")]
    [InlineData("""{"version":2,"command":"plan","domain":"example.org"}""", "this gateway speaks version 1 of the control protocol, not 2")]
    [InlineData("""{"version":1,"command":"plan","domain":"example.org","sender":"me"}""", "the sender is no address")]
    public async Task What_is_no_request_is_answered_with_the_reason(string request, string expected)
    {
        await using var server = Start();
        using var client = await ConnectAsync();
        Assert.Equal($$"""{"type":"fault","why":"{{expected}}"}""" + "\n", await AskAsync(client, request + "\n"));
    }

    [Fact]
    public async Task A_request_is_answered_and_the_connection_ends()
    {
        await using var server = Start();
        using var client = await ConnectAsync();
        Assert.Equal(
            """{"type":"done","matched":0,"changed":0,"unchanged":0,"attempting":0,"more":0,"missing":[]}""" + "\n",
            await AskAsync(client, """{"version":1,"command":"list","ids":null}""" + "\n"));
    }

    [Fact]
    public async Task A_request_without_end_is_cut_off()
    {
        await using var server = Start();
        using var client = await ConnectAsync();
        var answer = ReadAsync(client);
        try
        {
            var octets = new byte[ControlRequest.MaxOctets];
            for (var i = 0; i < 100; i++)
            {
                await client.SendAsync(octets, Cancel);
            }
        }
        catch (SocketException)
        {
            // It has been closed.
        }

        Assert.True(await answer is "" or """{"type":"fault","why":"the request cannot be understood: a line is longer than 65536 octets"}""" + "\n");
    }

    [Fact]
    public async Task Who_says_nothing_is_disconnected_and_who_leaves_does_no_harm()
    {
        await using var server = Start();
        using (var hasty = await ConnectAsync())
        {
            await hasty.SendAsync("{\"ver"u8.ToArray(), Cancel);
        }

        using var silent = await ConnectAsync();
        var answer = ReadAsync(silent);
        while (!answer.IsCompleted)
        {
            _clock.Advance(ControlServer.RequestTimeout);
            await Task.Yield();
        }

        Assert.Equal("", await answer);
        using var next = await ConnectAsync();
        Assert.Contains("\"done\"", await AskAsync(next, """{"version":1,"command":"list"}""" + "\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_at_once_are_told_so()
    {
        await using var server = Start();
        var clients = new List<Socket>();
        for (var i = 0; i < ControlServer.MaxClients; i++)
        {
            clients.Add(await ConnectAsync());
        }

        using (var last = await ConnectAsync())
        {
            Assert.Equal("""{"type":"fault","why":"the gateway is answering too many commands already"}""" + "\n", await ReadAsync(last));
        }

        Assert.Contains("\"done\"", await AskAsync(clients[0], """{"version":1,"command":"list"}""" + "\n"), StringComparison.Ordinal);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task The_socket_is_its_owners_replaces_a_stale_one_and_goes_with_the_gateway()
    {
        // As SIGKILL leaves it.
        using (var stale = ControlSocket.Create())
        {
            stale.Bind(ControlSocket.EndPointIn(_workspace.Directory));
        }

        await File.WriteAllTextAsync(Path, "", Cancel);
        var server = Start();
        using (var client = await ConnectAsync())
        {
            Assert.Contains("\"done\"", await AskAsync(client, """{"version":1,"command":"list"}""" + "\n"), StringComparison.Ordinal);
        }

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        }

        using var waiting = await ConnectAsync();
        await server.DisposeAsync();
        Assert.Equal("", await ReadAsync(waiting));
        Assert.False(File.Exists(Path));
        Assert.Null(await ControlClient.ConnectAsync(_workspace.Directory, Cancel));
    }

    [Fact]
    public void A_directory_that_is_too_long_for_a_socket_is_refused()
    {
        var directory = "/" + new string('d', 100);
        Assert.Equal(
            $"{directory} is too long: with /control.sock it has 114 octets, and the path of a socket has at most {(OperatingSystem.IsMacOS() ? 103 : 107)}",
            ControlSocket.Refuse(directory));
        Assert.Null(ControlSocket.Refuse("/var/lib/hopseal"));
    }

    ControlServer Start() => ControlServer.Start(
        _workspace.Directory,
        new ControlOperations(
            new QueueOperations(_store, _clock, NullLogger<QueueOperations>.Instance),
            new PlanOperations(
                PlanSource.Gateway, (_, _, _) => ValueTask.FromResult<DeliveryPlan>(new DeliveryPlan.Keep("mail")), _ => default, _clock),
            TlsOperations.OfStopped(_workspace.Directory, _clock),
            new AlertOperations(_ => Task.FromResult<ImmutableArray<(string, bool)>>([]), (_, _) => null),
            new ReportOperations(null),
            RequireOperations.OfStopped(_workspace.Directory, _clock),
            new MonitorOperations(null)),
        _clock,
        NullLogger<ControlServer>.Instance);

    async Task<Socket> ConnectAsync() => Assert.IsType<Socket>(await ControlClient.ConnectAsync(_workspace.Directory, Cancel));

    static async Task<string> AskAsync(Socket client, string request)
    {
        await client.SendAsync(Encoding.UTF8.GetBytes(request), Cancel);
        return await ReadAsync(client);
    }

    /// <summary>All that comes up to the end.</summary>
    static async Task<string> ReadAsync(Socket client)
    {
        using var all = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (await client.ReceiveAsync(buffer, Cancel).AsTask().WaitAsync(s_limit, Cancel) is > 0 and var read)
            {
                all.Write(buffer, 0, read);
            }
        }
        catch (SocketException)
        {
            // Reset: it had not read all that we sent.
        }

        return Encoding.UTF8.GetString(all.ToArray());
    }
}
