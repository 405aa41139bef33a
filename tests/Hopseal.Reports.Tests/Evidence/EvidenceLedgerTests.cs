using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Evidence;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Tests.Evidence;

public sealed class EvidenceLedgerTests : IDisposable
{
    readonly LedgerDirectory _ledger = new();

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public async Task What_was_required_and_what_was_reached_stands_in_the_ledger()
    {
        var terms = new ExceptionTerms(new DateOnly(2027, 1, 31), "ticket 4711", "ops");
        var exception = new TransportPolicy.Operator(SecurityFloor.Plaintext, "Outbound.Rules[2]", terms);
        var plan = Records.Plan("mx1.example.net", exception, new TransportPolicy.Excepted(new TransportPolicy.Operator(SecurityFloor.Authenticated, "Outbound.Rules[0]"), exception));
        await _ledger.RunAsync(
            ledger =>
            {
                ledger.TryRecord(Records.Attempt(Records.Tls(PeerIdentity.DaneEe), Records.Delivered, plan: plan));
                ledger.TryRecord(Records.Accepted(null, "anna@ours.example", "bert@other.example"));
                ledger.TryRecord(Records.Inbound(Records.Tls(), end: SessionEnd.InjectedPlaintext));
                ledger.TryRecord(Records.Inbound(Records.Tls()));
            },
            new EvidenceOptions { Addresses = AddressUse.Full });

        var lines = _ledger.Lines();
        Assert.Equal(["start", "out", "in", "in", "incident", "stop"], lines.Select(line => Parse(line).GetProperty("kind").GetString()));
        var sent = Parse(lines[1]);
        Assert.Equal("plaintext", sent.GetProperty("required").GetString());
        Assert.Equal("authenticated", sent.GetProperty("reached").GetString());
        Assert.Equal("dane-ee", sent.GetProperty("identity").GetString());
        Assert.Equal(new string('a', 64), sent.GetProperty("certificate").GetString());
        Assert.Equal(["anna@example.org"], sent.GetProperty("to").EnumerateArray().Select(to => to.GetString()));
        var excepted = sent.GetProperty("policies")[2];
        Assert.Equal(
            ("excepted", "Outbound.Rules[2]", "ticket 4711", "ops", "authenticated"),
            (Text(excepted, "kind"), Text(excepted, "source"), Text(excepted, "reason"), Text(excepted, "owner"), Text(excepted.GetProperty("instead"), "floor")));
        Assert.Equal(["ours.example", "other.example"], lines[2..4].Select(line => Text(Parse(line), "domain")));
        Assert.Equal("plaintext", Text(Parse(lines[2]), "reached"));
        Assert.Equal("me@sender.example", Text(Parse(lines[2]), "from"));
        await _ledger.AssertWholeAsync();
    }

    [Fact]
    public async Task Mail_whose_time_is_over_is_returned_though_its_last_session_only_put_it_off()
    {
        var bounced = new RecipientOutcome.Bounced(new EnhancedStatus(4, 4, 7), "not delivered in 5 days");
        var attempt = Records.Attempt(Records.Tls(), bounced);
        var use = attempt.Sessions[0];
        await _ledger.RunAsync(
            ledger =>
            {
                ledger.TryRecord(attempt);
                ledger.TryRecord(attempt with { Sessions = [use with { Bounced = 1, Deferred = 0, BouncedPlaces = [0] }] });
                ledger.TryRecord(attempt with { Sessions = [] });
            },
            new EvidenceOptions { Addresses = AddressUse.Full });

        var lines = _ledger.Lines().Select(Parse).ToArray();
        Assert.Equal(["start", "out", "returned", "out", "returned", "stop"], lines.Select(line => Text(line, "kind")));
        Assert.Equal(["deferred", "bounced"], [Text(lines[1], "outcome"), Text(lines[3], "outcome")]);
        Assert.Equal(["anna@example.org"], lines[2].GetProperty("to").EnumerateArray().Select(to => to.GetString()));
        await _ledger.AssertWholeAsync();
    }

    /// <summary>What docs/evidence.md promises: sha256sum and a JSON reader are enough.</summary>
    [Fact]
    public async Task Anybody_can_follow_the_chain()
    {
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(Records.Tls(), "anna@ours.example")));

        var expected = new string('0', 64);
        foreach (var line in _ledger.Lines())
        {
            Assert.Equal(expected, Text(Parse(line), "prev"));
            expected = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
        }

        var head = Parse(File.ReadAllText(Path.Combine(_ledger.Files.Directory, "head.json")));
        Assert.Equal(expected, Text(head, "hash"));
    }

    [Theory]
    [InlineData(AddressUse.None)]
    [InlineData(AddressUse.Pseudonym)]
    public async Task Addresses_are_told_only_to_whoever_may_know_them(AddressUse use)
    {
        var options = new EvidenceOptions { Addresses = use };
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "Anna@ours.example")), options);
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@OURS.example")), options);

        Assert.All(_ledger.Lines(), line => Assert.DoesNotContain("nna", line, StringComparison.Ordinal));
        var to = _ledger.Lines().Select(Parse).Where(line => Text(line, "kind") == "in").Select(line => line.GetProperty("to").EnumerateArray().Select(one => one.GetString()).ToList()).ToList();
        Assert.Equal(2, to.Count);
        Assert.Equal(use is AddressUse.None ? 0 : 1, to[0].Count);
        Assert.Equal(to[0], to[1]);
        if (use is AddressUse.Pseudonym)
        {
            var key = Convert.FromHexString(File.ReadAllText(Path.Combine(_ledger.Files.Directory, "pseudonym.key")).Trim());
            Assert.Equal(Convert.ToHexStringLower(HMACSHA256.HashData(key, "anna@ours.example"u8)), to[0][0]);
        }
    }

    [Fact]
    public async Task Files_are_for_their_owner_only()
    {
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));

        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are of Unix");
        Assert.All(
            Directory.GetFiles(_ledger.Files.Directory),
            file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task A_message_with_many_recipients_is_told_in_several_entries_and_none_is_left_out()
    {
        var recipients = Enumerable.Range(0, 1000).Select(number => $"{new string('é', 30)}{number}@{new string('x', 60)}.example").ToArray();
        await _ledger.RunAsync(
            ledger => ledger.TryRecord(Records.Accepted(null, recipients)),
            new EvidenceOptions { Addresses = AddressUse.Full });

        var told = _ledger.Lines().Select(Parse).Where(line => Text(line, "kind") == "in").ToList();
        Assert.Equal(recipients, told.SelectMany(line => line.GetProperty("to").EnumerateArray().Select(to => to.GetString()!)));
        Assert.Equal(1000, told.Sum(line => line.GetProperty("recipients").GetInt32()));
        await _ledger.AssertWholeAsync();
    }

    /// <summary>Whatever a peer says, and however long.</summary>
    [Fact]
    public async Task A_hostile_peer_writes_no_line_of_its_own()
    {
        var hello = "x\"}\n{\"seq\":1,\u001b[2J\ud800" + new string('y', 100_000);
        var message = Records.Accepted(null, "anna@ours.example");
        await _ledger.RunAsync(ledger => ledger.TryRecord(message with { Session = message.Session with { Hello = hello, User = "\ud800" } }));

        Assert.Equal(3, _ledger.Lines().Length);
        Assert.All(_ledger.Lines(), line => Assert.InRange(line.Length, 100, 10_000));
        Assert.All(_ledger.Lines(), line => Assert.DoesNotContain(line, character => character is < ' ' or > '~'));
        await _ledger.AssertWholeAsync();
    }

    [Fact]
    public async Task A_day_has_a_file_and_a_clock_that_is_set_back_does_not_disturb_the_order()
    {
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));
        _ledger.Clock.Advance(TimeSpan.FromDays(1));
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));
        _ledger.Clock.AdjustTime(Records.Noon.AddDays(-3));
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));

        Assert.Equal([3, 6], _ledger.Files.Days().Select(file => File.ReadAllLines(file.Path).Length));
        await _ledger.AssertWholeAsync();
    }

    /// <summary>What came just before midnight is flushed by what is the first word of the new day: that it stopped.</summary>
    [Fact]
    public async Task A_stop_just_after_midnight_is_in_order()
    {
        _ledger.Clock.SetUtcNow(new DateTimeOffset(2026, 11, 30, 23, 59, 59, 600, TimeSpan.Zero));
        await using (var ledger = _ledger.Open())
        {
            await UntilWrittenAsync("start");
            ledger.TryRecord(Records.Accepted(null, "anna@ours.example"));
            _ledger.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await UntilWrittenAsync("in");
            _ledger.Clock.Advance(TimeSpan.FromMilliseconds(400));
        }

        await _ledger.RunAsync(_ => { });
        Assert.Equal(["start", "in", "stop", "start", "stop"], _ledger.Lines().Select(line => Text(Parse(line), "kind")));
        Assert.Equal([2, 3], _ledger.Files.Days().Select(file => File.ReadAllLines(file.Path).Length));
        await _ledger.AssertWholeAsync();
    }

    [Fact]
    public async Task After_a_crash_the_torn_line_is_put_aside_and_the_ledger_says_what_nobody_knows()
    {
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));
        var file = _ledger.FileOf("2026-11-30");
        var lines = File.ReadAllLines(file);

        // The crash came before the last entry was whole, and before head.json was written.
        File.WriteAllText(file, string.Join('\n', lines[..2]) + "\n" + lines[2][..40]);
        File.Delete(Path.Combine(_ledger.Files.Directory, "head.json"));
        WriteHead(lines[1]);

        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "bert@ours.example")));

        await _ledger.AssertWholeAsync();
        Assert.Equal(["start", "in", "recovered", "gap", "start", "in", "stop"], _ledger.Lines().Select(line => Text(Parse(line), "kind")));
        Assert.Equal(lines[2][..40], File.ReadAllText(Assert.Single(Directory.GetFiles(_ledger.Files.Directory, "*.torn"))));
        Assert.False(Parse(_ledger.Lines()[4]).GetProperty("afterCleanEnd").GetBoolean());
    }

    [Fact]
    public async Task What_comes_is_on_stable_storage_a_moment_later_and_not_only_at_the_end()
    {
        await using var ledger = _ledger.Open();
        foreach (var seq in (long[])[2, 3])
        {
            Assert.True(ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));
            await UntilAsync(() => ledger.Head?.Seq == seq);
            Assert.Equal(seq, _ledger.Lines().Length);
        }
    }

    [Fact]
    public async Task What_finds_no_room_is_counted_in_a_gap()
    {
        Directory.CreateDirectory(_ledger.Files.Directory);
        await using (var ledger = _ledger.Open(capacity: 1))
        {
            var taken = Enumerable.Range(0, 10_000).Count(_ => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")));
            ledger.Missed(7);
            await ledger.DisposeAsync();

            var missing = _ledger.Lines().Select(Parse).Where(line => Text(line, "kind") == "gap").Sum(line => line.GetProperty("count").GetInt64());
            Assert.Equal(10_007 - taken, missing);
            Assert.Equal(taken, _ledger.Lines().Count(line => line.Contains("\"kind\":\"in\"", StringComparison.Ordinal)));
        }

        await _ledger.AssertWholeAsync();
    }

    /// <summary>A file stands where the directory should be; then it does not.</summary>
    [Fact]
    public async Task While_the_ledger_cannot_be_written_it_is_told_once_and_then_told_in_the_ledger()
    {
        var log = new CountingLog();
        File.WriteAllText(_ledger.Files.Directory, "in the way");
        await using (var ledger = _ledger.Open(log: log))
        {
            for (var i = 0; i < 3; i++)
            {
                ledger.TryRecord(Records.Accepted(null, "anna@ours.example"));
                await UntilAsync(() => log.Count(3102) == 1 && ledger.Waiting == 0);
            }

            File.Delete(_ledger.Files.Directory);
            await UntilAsync(() => log.Count(3103) == 1);
            ledger.TryRecord(Records.Accepted(null, "anna@ours.example"));
        }

        Assert.Equal(1, log.Count(3102));
        Assert.Equal(0, log.Count(3105));
        var gaps = _ledger.Lines().Select(Parse).Where(line => Text(line, "kind") == "gap").Sum(line => line.GetProperty("count").GetInt64());
        var kept = _ledger.Lines().Count(line => line.Contains("\"kind\":\"in\"", StringComparison.Ordinal));
        Assert.Equal(4, gaps + kept);
        Assert.True(gaps >= 2, $"{gaps} were tried while it could not be written");
        await _ledger.AssertWholeAsync();
    }

    [Fact]
    public async Task A_key_that_is_no_key_keeps_the_ledger_from_being_written_and_says_so()
    {
        var log = new CountingLog();
        await _ledger.RunAsync(_ => { });
        File.WriteAllText(Path.Combine(_ledger.Files.Directory, "pseudonym.key"), "no key\n");

        await using (_ledger.Open(log: log))
        {
        }

        Assert.Equal(1, log.Count(3102));
        Assert.Equal(2, _ledger.Lines().Length);
    }

    [Fact]
    public async Task Retention_deletes_whole_days_and_says_so()
    {
        var options = new EvidenceOptions { Days = 2 };
        for (var day = 0; day < 10; day++)
        {
            await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")), options);
            await _ledger.AssertWholeAsync();
            _ledger.Clock.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(3, _ledger.Files.Days().Length);
        Assert.Contains(_ledger.Lines(), line => Text(Parse(line), "kind") == "retention");
    }

    [Fact]
    public async Task A_clock_that_is_years_ahead_for_a_moment_costs_no_evidence()
    {
        var options = new EvidenceOptions { Days = 2 };
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")), options);
        _ledger.Clock.Advance(TimeSpan.FromDays(3653));
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")), options);
        Assert.Equal([2026, 2036], _ledger.Files.Days().Select(file => file.Day.Year));

        // It says so a day later, too.
        _ledger.Clock.Advance(TimeSpan.FromDays(1));
        await _ledger.RunAsync(ledger => ledger.TryRecord(Records.Accepted(null, "anna@ours.example")), options);
        Assert.Equal([2036, 2036], _ledger.Files.Days().Select(file => file.Day.Year));
        await _ledger.AssertWholeAsync();
    }

    /// <summary>Without moving the clock.</summary>
    async Task UntilWrittenAsync(string kind)
    {
        while (!Directory.Exists(_ledger.Files.Directory) || !_ledger.Lines().Any(line => line.Contains($"\"kind\":\"{kind}\"", StringComparison.Ordinal)))
        {
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    void WriteHead(string line)
    {
        var entry = Parse(line);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
        File.WriteAllText(
            Path.Combine(_ledger.Files.Directory, "head.json"), $"{{\"seq\":{entry.GetProperty("seq")},\"hash\":\"{hash}\",\"time\":\"{Text(entry, "time")}\"}}\n");
    }

    /// <summary>The ledger's own clock moves on while its task is waited for.</summary>
    async Task UntilAsync(Func<bool> look)
    {
        while (!look())
        {
            _ledger.Clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }

    static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    sealed class CountingLog : ILogger<EvidenceLedger>
    {
        readonly System.Collections.Concurrent.ConcurrentQueue<int> _events = [];

        public int Count(int eventId) => _events.Count(one => one == eventId);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _events.Enqueue(eventId.Id);
    }
}
