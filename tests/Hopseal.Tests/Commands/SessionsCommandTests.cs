using System.Net;
using System.Security.Authentication;
using System.Text.Json;
using Hopseal.Commands;
using Hopseal.Configuration;
using Hopseal.Relay;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Commands;

public sealed class SessionsCommandTests : IDisposable
{
    static readonly DateTimeOffset s_noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    static readonly TlsOutcome s_tls = new TlsOutcome.Encrypted(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.FromMilliseconds(5), []);

    static readonly TlsOutcome s_failed = new TlsOutcome.Refused([new TlsFailure(TlsResultType.ValidationFailure, "no-shared-cipher")]);

    readonly Workspace _workspace = new();

    string Data => _workspace.PathOf(LocalMode.DirectoryName);

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task The_newest_come_first_with_what_was_reached_and_what_went_wrong()
    {
        await using var database = await FillAsync();

        var run = await RunAsync();

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.Contains("203.0.113.2", lines[1], StringComparison.Ordinal);
        Assert.Contains("validation-failure, no-shared-cipher", lines[1], StringComparison.Ordinal);
        Assert.Matches(@"^\s*2026-11-30 12:01:01\s+in\s+203\.0\.113\.1\s+b\?\[31m\s+encrypted\s+TLSv1\.3\s+1\s*$", lines[2]);
        Assert.DoesNotContain('\u001b', run.Out);
    }

    [Theory]
    [InlineData("--failed", "203.0.113.2")]
    [InlineData("--peer 203.0.113.2", "203.0.113.2")]
    [InlineData("--level refused --direction in", "203.0.113.2")]
    [InlineData("--from 2026-11-30T12:00:30Z --to 2026-11-30T12:01:30Z", "203.0.113.1")]
    [InlineData("--limit 1", "203.0.113.2")]
    [InlineData("--direction out", "")]
    [InlineData("--domain example.org", "")]
    public async Task Filters_leave_out_what_does_not_fit(string options, string peers)
    {
        await using var database = await FillAsync();

        var run = await RunAsync([.. options.Split(' '), "--json"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(peers, string.Join(' ', run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("peer").GetString())));
    }

    [Fact]
    public async Task Each_line_of_JSON_has_the_session_whole()
    {
        await using (await FillAsync())
        {
        }

        var run = await RunAsync("--json", "--failed");

        var row = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(("In", "Refused", "validation-failure"), (Text("direction"), Text("level"), Text("failure")));
        Assert.Equal(s_noon.AddMinutes(2).AddSeconds(1), row.GetProperty("ended").GetDateTimeOffset());

        string? Text(string name) => row.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("--limit 0")]
    [InlineData("--peer mail.example.org")]
    [InlineData("--from yesterday")]
    [InlineData("--direction sideways")]
    public async Task What_cannot_be_understood_is_said(string options)
    {
        await using var database = await FillAsync();
        var run = await RunAsync(options.Split(' '));
        Assert.Equal((ExitCode.Usage, ""), (run.ExitCode, run.Out));
        Assert.NotEqual("", run.Error);
    }

    [Fact]
    public async Task Without_records_it_says_so()
    {
        Directory.CreateDirectory(Data);
        var run = await RunAsync();
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Contains("nothing was recorded yet", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_an_answer_that_cannot_be_had()
    {
        Directory.CreateDirectory(Data);
        File.WriteAllText(Path.Combine(Data, RecordsDatabase.FileName), new string('x', 5000));
        var run = await RunAsync();
        Assert.Equal(ExitCode.Unknown, run.ExitCode);
        Assert.Contains("cannot be read", run.Error, StringComparison.Ordinal);
    }

    async Task<RecordsDatabase> FillAsync()
    {
        var database = RecordsDatabase.Open(Data, [SessionStore.Tables], NullLogger<RecordsDatabase>.Instance);
        var store = new SessionStore(database, new RecordsOptions(), TimeProvider.System, NullLogger<SessionStore>.Instance);
        store.TryRecord(Inbound("203.0.113.7", s_noon, "a", s_tls));
        store.TryRecord(Inbound("203.0.113.1", s_noon.AddMinutes(1), "b\u001b[31m", s_tls));
        store.TryRecord(Inbound("203.0.113.2", s_noon.AddMinutes(2), null, s_failed));
        store.Close();
        await database.WriteAsync(_ => { }, TestContext.Current.CancellationToken);
        return database;
    }

    static SessionRecord.Inbound Inbound(string peer, DateTimeOffset at, string? hello, TlsOutcome tls)
    {
        var (elapsed, endpoint) = (TimeSpan.FromSeconds(1), new IPEndPoint(IPAddress.Parse(peer), 40_000));
        return new SessionRecord.Inbound(new ServerSessionSummary(
            "s1", "mx", at, elapsed, endpoint, new IPEndPoint(IPAddress.Loopback, 25), hello, null, tls, 1, 0, 0, 0, SessionEnd.Quit, null, null))
        {
            SessionId = "s1",
            StartedAt = at,
            Elapsed = elapsed,
            Peer = endpoint,
            Tls = tls,
        };
    }

    Task<CommandRun> RunAsync(params string[] args) => CommandRun.OfAsync(_workspace.Directory, ["sessions", .. args]);
}
