using Hopseal.Reports.Evidence;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Evidence;

/// <summary>Whatever is done to a small ledger is found, and found where it was done. Three days, two lives of a gateway, one deleted day.</summary>
public sealed class LedgerVerificationTests : IAsyncLifetime
{
    readonly LedgerDirectory _ledger = new();
    readonly Dictionary<string, byte[]> _written = [];

    public async ValueTask InitializeAsync()
    {
        var options = new EvidenceOptions { Days = 2 };
        for (var day = 0; day < 4; day++)
        {
            await _ledger.RunAsync(
                ledger =>
                {
                    ledger.TryRecord(Records.Attempt(Records.Tls(PeerIdentity.Pkix), Records.Delivered));
                    ledger.TryRecord(Records.Attempt(new TlsOutcome.Refused([Records.NotOffered]), Records.MissedFloor));
                    ledger.TryRecord(Records.Accepted(Records.Tls(), "anna@ours.example"));
                },
                options);
            _ledger.Clock.Advance(TimeSpan.FromDays(1));
        }

        foreach (var file in Directory.GetFiles(_ledger.Files.Directory, "*.json*"))
        {
            _written.Add(file, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        }
    }

    public ValueTask DisposeAsync()
    {
        _ledger.Dispose();
        return default;
    }

    [Fact]
    public async Task As_it_was_written_it_is_whole_and_begins_where_retention_left_it()
    {
        var status = await _ledger.VerifyAsync();

        Assert.True(status.IsWhole, string.Join('\n', status.Faults));
        Assert.Empty(status.Notes);
        Assert.Equal(
            ["2026-12-01.jsonl", "2026-12-02.jsonl", "2026-12-03.jsonl", "anchor.json", "head.json"],
            _written.Keys.Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.True(status.First > 1);
        Assert.Equal(status.Head, status.Last);
    }

    [Fact]
    public async Task Any_octet_that_is_changed_is_found_in_its_line_or_the_one_behind()
    {
        foreach (var (file, octets) in _written)
        {
            for (var i = 0; i < octets.Length; i++)
            {
                var line = octets.AsSpan(0, i).Count((byte)'\n') + 1;
                await AssertFoundAsync(file, [.. octets[..i], (byte)(octets[i] ^ (1 << (i % 8))), .. octets[(i + 1)..]], line, $"octet {i}");
            }
        }
    }

    [Fact]
    public async Task Wherever_a_file_is_cut_it_is_found()
    {
        foreach (var (file, octets) in _written)
        {
            for (var length = 0; length < octets.Length; length++)
            {
                await AssertFoundAsync(file, octets[..length], octets.AsSpan(0, length).Count((byte)'\n') + 1, $"cut to {length}");
            }
        }
    }

    [Fact]
    public async Task Any_entry_that_is_dropped_doubled_moved_or_invented_is_found()
    {
        foreach (var (file, octets) in _written.Where(file => file.Key.EndsWith(".jsonl", StringComparison.Ordinal)))
        {
            var lines = File.ReadAllLines(file).ToList();
            for (var i = 0; i < lines.Count; i++)
            {
                List<string> before = lines[..i], behind = lines[(i + 1)..];
                await AssertFoundAsync(file, Octets([.. before, .. behind]), i + 1, $"drop {i}");
                await AssertFoundAsync(file, Octets([.. before, lines[i], lines[i], .. behind]), i + 2, $"double {i}");
                await AssertFoundAsync(file, Octets([.. before, "", lines[i], .. behind]), i + 1, $"empty line {i}");
                for (var other = i + 1; other < lines.Count; other++)
                {
                    var swapped = lines.ToArray();
                    (swapped[i], swapped[other]) = (lines[other], lines[i]);
                    await AssertFoundAsync(file, Octets(swapped), i + 1, $"swap {i} and {other}");
                }
            }

            Assert.Equal(octets, File.ReadAllBytes(file));
        }
    }

    [Fact]
    public async Task Any_file_that_is_missing_is_found()
    {
        foreach (var (file, octets) in _written)
        {
            File.Delete(file);
            Assert.False((await _ledger.VerifyAsync()).IsWhole, $"without {file}");
            File.WriteAllBytes(file, octets);
        }

        await _ledger.AssertWholeAsync();
    }

    /// <summary>Whoever can write all the files can make another chain; what a log line told before shows it.</summary>
    [Fact]
    public async Task A_head_that_left_the_machine_shows_what_nothing_on_it_can()
    {
        var head = (await _ledger.VerifyAsync()).Head!.Hash;
        Assert.True((await _ledger.VerifyAsync(head)).IsWhole);

        Directory.Delete(_ledger.Files.Directory, recursive: true);
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));

        await _ledger.AssertWholeAsync();
        Assert.Contains($"no entry has the hash {head}", (await _ledger.VerifyAsync(head)).Faults.Select(fault => fault.What));
    }

    /// <summary>A gateway that starts on a ledger whose end was cut does not cover that up by going on.</summary>
    [Fact]
    public async Task A_cut_end_stays_visible_after_the_next_start()
    {
        var file = _ledger.FileOf("2026-12-03");
        var lines = File.ReadAllLines(file);
        File.WriteAllBytes(file, Octets(lines[..^2]));

        await _ledger.RunAsync(_ => { });

        var fault = Assert.Single((await _ledger.VerifyAsync()).Faults);
        Assert.Equal("2026-12-03.jsonl", fault.File == "2026-12-04.jsonl" ? "2026-12-03.jsonl" : fault.File);
        Assert.Contains("the gateway itself found damage", fault.What, StringComparison.Ordinal);
        Assert.Contains(_ledger.Lines(), line => line.Contains("entries behind this one, which head.json names, are gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_file_by_itself_is_checked_for_what_is_in_it()
    {
        var file = _ledger.FileOf("2026-12-02");
        Assert.True((await LedgerVerification.RunAsync(file, null, TestContext.Current.CancellationToken)).IsWhole);

        var lines = File.ReadAllLines(file);
        File.WriteAllBytes(file, Octets([.. lines[..1], .. lines[2..]]));

        Assert.False((await LedgerVerification.RunAsync(file, null, TestContext.Current.CancellationToken)).IsWhole);
    }

    static byte[] Octets(IEnumerable<string> lines) => System.Text.Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    async Task AssertFoundAsync(string file, byte[] changed, int line, string what)
    {
        File.WriteAllBytes(file, changed);
        var status = await _ledger.VerifyAsync();
        File.WriteAllBytes(file, _written[file]);

        Assert.False(status.IsWhole, $"{what} of {Path.GetFileName(file)} was not found");
        if (file.EndsWith(".jsonl", StringComparison.Ordinal))
        {
            // At the place, directly behind it, at the beginning of the next file, or, at the end of all, by the head.
            var first = status.Faults[0];
            var near = first.File == Path.GetFileName(file) ? first.Line >= line - 1 && first.Line <= line + 1 : first.Line is null or 1;
            Assert.True(near, $"{what} of {Path.GetFileName(file)}, line {line}, was found elsewhere: {first}");
        }
    }
}
