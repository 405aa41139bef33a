using System.Collections.Immutable;
using Hopseal.Commands;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Commands;

public sealed class TlsCommandTests : IDisposable
{
    static readonly DateTimeOffset s_at = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    readonly Workspace _workspace = new();

    public TlsCommandTests()
    {
        Directory.CreateDirectory(Data);
        ProvenTlsFile.In(Data).Save(
        [
            new ProvenTlsHost("mx.one.test", 25, s_at, s_at.AddDays(-1)),
            new ProvenTlsHost("mx.one.test", 465, s_at),
            new ProvenTlsHost("2001:db8::1", 25, s_at),
        ]);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    string Data => _workspace.PathOf(LocalMode.DirectoryName);

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Of_a_stopped_gateway_the_file_is_shown_and_changed()
    {
        await SqliteQueueStore.Open(Data).DisposeAsync();
        Assert.Equal(
            new CommandRun(0, """
                LAST TLS          LAST VERIFIED     MISSING SINCE     HOST
                2026-03-01 12:00  -                 -                 [2001:db8::1]:25
                2026-03-01 12:00  2026-02-28 12:00  -                 mx.one.test:25
                2026-03-01 12:00  -                 -                 mx.one.test:465

                """, ""),
            await RunAsync("list"));
        Assert.Equal(new CommandRun(0, "", "MX.one.test:25 is not held to TLS any more, until it has it again\n"), await RunAsync("forget", "MX.one.test:25"));
        Assert.Equal(new CommandRun(1, "", "mx.one.test:25 is not held to TLS\n"), await RunAsync("forget", "mx.one.test:25"));
        Assert.Equal(0, (await RunAsync("forget", "2001:db8::1")).ExitCode);
        Assert.Equal(
            """
            {"type":"tlsHost","host":"mx.one.test","port":465,"lastProvenAt":"2026-03-01T12:00:00+00:00","lastVerifiedAt":null,"missingSince":null}

            """,
            (await RunAsync("list", "--json")).Out);
        Assert.Equal(0, (await RunAsync("forget", "mx.one.test")).ExitCode);
        Assert.Equal(new CommandRun(1, "", ""), await RunAsync("list"));
    }

    [Fact]
    public async Task A_running_gateway_forgets_at_once_and_over_a_restart()
    {
        await using var store = SqliteQueueStore.Open(Data);
        var memory = new ProvenTlsMemory(TimeProvider.System, TimeSpan.FromDays(3650));
        var file = ProvenTlsFile.In(Data);
        memory.Restore(file.Load());
        var tls = new TlsOperations(new ProvenTlsKeeper(memory, file, NullLogger<ProvenTlsKeeper>.Instance), new StrippingWatch());
        var planner = new DeliveryPlanner(new Routing(), ZoneResolver.Parse(""), memory);
        await using var server = ControlServer.Start(
            Data,
            new ControlOperations(
                new QueueOperations(store, TimeProvider.System, NullLogger<QueueOperations>.Instance),
                new PlanOperations(PlanSource.Gateway, planner.PlanAsync, _ => default, TimeProvider.System),
                tls,
                new AlertOperations(_ => Task.FromResult<ImmutableArray<(string, bool)>>([]), (_, _) => null),
                new ReportOperations(null),
                RequireOperations.OfStopped(Data, TimeProvider.System),
                new MonitorOperations(null)),
            TimeProvider.System,
            NullLogger<ControlServer>.Instance);

        Assert.Equal(1, (await RunAsync("list", "--missing")).ExitCode);
        Assert.Equal(0, (await RunAsync("forget", "mx.one.test")).ExitCode);
        Assert.Null(memory.Find("mx.one.test", 25));
        Assert.Equal(["2001:db8::1"], file.Load().Select(host => host.Host));
    }

    [Fact]
    public async Task What_cannot_be_written_down_is_said()
    {
        await SqliteQueueStore.Open(Data).DisposeAsync();
        Directory.CreateDirectory(Path.Combine(Data, "proven-tls.new"));
        var run = await RunAsync("forget", "mx.one.test:465");
        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith("hopseal: mx.one.test:465 is forgotten, but that cannot be written down, and a restart undoes it: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mx.one.test", "mx.one.test", null)]
    [InlineData("BÜCHER.test.:587", "xn--bcher-kva.test", 587)]
    [InlineData("192.0.2.1", "192.0.2.1", null)]
    [InlineData("192.0.2.1:25", "192.0.2.1", 25)]
    [InlineData("2001:DB8:0::1", "2001:db8::1", null)]
    [InlineData("[2001:db8::1]", "2001:db8::1", null)]
    [InlineData("[2001:db8::1]:25", "2001:db8::1", 25)]
    public void A_host_is_read_as_it_is_kept(string text, string host, int? port)
    {
        Assert.True(TlsCommand.TryParse(text, out var name, out var number));
        Assert.Equal((host, port), (name, number));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":25")]
    [InlineData("mx.one.test:")]
    [InlineData("mx.one.test:0")]
    [InlineData("mx.one.test:65536")]
    [InlineData("[mx.one.test]:25")]
    [InlineData("mx one")]
    public async Task What_is_no_host_is_refused(string text) => Assert.Equal(2, (await RunAsync("forget", text)).ExitCode);

    Task<CommandRun> RunAsync(params string[] args) => CommandRun.OfAsync(_workspace.Directory, ["tls", .. args]);
}
