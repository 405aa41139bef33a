using System.Text.Json;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Evidence;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Commands;

public sealed class EvidenceCommandTests : IAsyncLifetime
{
    static readonly DateTimeOffset s_at = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    readonly Workspace _workspace = new();

    string Ledger => Path.Combine(_workspace.PathOf("data"), LedgerFiles.DirectoryName);

    string File => Path.Combine(Ledger, "2026-03-01.jsonl");

    public async ValueTask InitializeAsync()
    {
        _workspace.Write("hopseal.json", """{ "DataDirectory": "data" }""");
        Directory.CreateDirectory(_workspace.PathOf("data"));
        await using var ledger = new EvidenceLedger(
            LedgerFiles.In(_workspace.PathOf("data")), new EvidenceOptions(), "digest", new FakeTimeProvider(s_at), NullLogger<EvidenceLedger>.Instance);
        var recipient = new Mailbox("anna", Dns.DomainName.Parse("ours.example"));
        var session = new SessionContext(
            "s1", "mx", System.Net.IPEndPoint.Parse("192.0.2.1:40000"), System.Net.IPEndPoint.Parse("192.0.2.2:25"), "mail.example.com", true, null, null);
        ledger.TryRecord(new Relay.AcceptedMessage(QueueId.Next(new FakeTimeProvider(s_at)), s_at, session, new Envelope(null, [recipient]), 10));
    }

    public ValueTask DisposeAsync()
    {
        _workspace.Dispose();
        return default;
    }

    [Fact]
    public async Task A_ledger_as_it_was_written_is_whole()
    {
        var run = await RunAsync("verify");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches("^whole: 3 entries, 1 to 3, the last with the hash [0-9a-f]{64}\n$", run.Out);
        Assert.Equal(run with { }, await RunAsync("verify", Ledger));
        Assert.Equal(0, (await RunAsync("verify", "--head", run.Out.Trim()[^64..])).ExitCode);
        Assert.Equal(0, (await RunAsync("verify", File)).ExitCode);
    }

    [Fact]
    public async Task Without_a_configuration_it_is_that_of_local_mode()
    {
        string[] verify = ["evidence", "verify"];
        var none = await CommandRun.OfAsync(_workspace.Directory, verify);
        Assert.Equal((2, "hopseal: there is no hopseal-data here: name the gateway's configuration with --config\n"), (none.ExitCode, none.Error));

        Directory.Move(_workspace.PathOf("data"), _workspace.PathOf("hopseal-data"));
        Assert.StartsWith("whole: 3 entries", (await CommandRun.OfAsync(_workspace.Directory, verify)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_changed_is_said_with_file_line_and_entry()
    {
        _workspace.Write(File, System.IO.File.ReadAllText(File).Replace("\"reached\":\"plaintext\"", "\"reached\":\"encrypted\"", StringComparison.Ordinal));

        var run = await RunAsync("verify");

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith(
            "2026-03-01.jsonl:3:#3: does not follow from the entry before it: one of the two was changed\nNOT WHOLE: 3 entries", run.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await RunAsync("verify", "--json")).Out);
        Assert.Equal((1, 3), (json.RootElement.GetProperty("faultCount").GetInt64(), json.RootElement.GetProperty("faults")[0].GetProperty("line").GetInt64()));
        Assert.Equal(1, (await RunAsync("export", "--from", "2026-03-01", "--to", "2026-03-01", "-o", "out.jsonl")).ExitCode);
    }

    [Theory]
    [InlineData("jsonl", "{\"seq\":1,")]
    [InlineData("html", "<!DOCTYPE html>")]
    public async Task An_export_is_a_file_for_its_owner(string format, string beginning)
    {
        var run = await RunAsync("export", "--from", "2026-03-01", "--to", "2026-03-01", "--format", format, "--output", "evidence.out");

        Assert.Equal((0, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("whole: 3 entries", run.Error, StringComparison.Ordinal);
        Assert.StartsWith(beginning, System.IO.File.ReadAllText(_workspace.PathOf("evidence.out")).TrimStart(), StringComparison.Ordinal);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite : System.IO.File.GetUnixFileMode(_workspace.PathOf("evidence.out")));
    }

    [Theory]
    [InlineData("hopseal: --head: \"abc\" is no hash of 64 hexadecimal digits\n", "verify", "--head", "abc")]
    [InlineData("hopseal: --to is before --from\n", "export", "--from", "2026-03-02", "--to", "2026-03-01")]
    [InlineData("hopseal: --domain: \"-\" is no domain\n", "export", "--from", "2026-03-01", "--to", "2026-03-01", "--domain", "-")]
    public async Task What_makes_no_sense_is_said(string error, params string[] args) => Assert.Equal(new CommandRun(2, "", error), await RunAsync(args));

    [Fact]
    public async Task Without_a_ledger_there_is_no_answer()
    {
        Directory.Delete(Ledger, recursive: true);

        Assert.Equal(new CommandRun(2, "", $"hopseal: there is no evidence in {Ledger}\n"), await RunAsync("verify"));
        Assert.Equal(2, (await RunAsync("export", "--from", "2026-03-01", "--to", "2026-03-01")).ExitCode);
    }

    Task<CommandRun> RunAsync(params string[] args) => CommandRun.OfAsync(_workspace.Directory, ["evidence", .. args, "--config", "hopseal.json"]);
}
