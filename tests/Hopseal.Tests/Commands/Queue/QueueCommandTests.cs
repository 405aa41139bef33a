using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Hopseal.Commands;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Commands.Queue;

public sealed class QueueCommandTests : IDisposable
{
    const string First = "01jd0000000000000000000001";
    const string Second = "01jd0000000000000000000002";
    const string Third = "01jd0000000000000000000003";
    const string Unknown = "01jd0000000000000000000009";

    static readonly DateTimeOffset s_start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly RetrySchedule s_schedule = new([TimeSpan.FromMinutes(30)], TimeSpan.FromDays(5));

    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(s_start);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    string Data => _workspace.PathOf(LocalMode.DirectoryName);

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task List_shows_what_waits_the_oldest_first()
    {
        await FillAsync();
        var run = await RunAsync("list");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            """
            ID                          STATE          AGE    SIZE  TRIES    NEXT  SENDER → DOMAIN
            01jd0000000000000000000001  deferred     2h10m       5      1     now  a@example.org → one.example (2)
                4.4.1 mx\u001b[31m says no
            01jd0000000000000000000002  held           10m    1.5K      0       -  <> → two.example
            01jd0000000000000000000003  waiting        10m       1      0     now  c@example.org → sub.two.example
            01jd0000000000000000000003  waiting        10m       1      0     now  c@example.org → two.example

            """,
            run.Out);
        Assert.Equal("", run.Error);
    }

    [Fact]
    public async Task List_as_JSON_is_one_object_a_line()
    {
        await FillAsync();
        var run = await RunAsync("list", "--json", "--state", "deferred");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            """
            {"type":"entry","id":"01jd0000000000000000000001","domain":"one.example","state":"deferred","held":false,"receivedAt":"2026-03-01T12:00:00+00:00","size":5,"sender":"a@example.org","recipients":2,"attempts":1,"nextAttemptAt":"2026-03-01T12:30:00+00:00","status":"4.4.1","reason":"mx\u001B[31m says no"}

            """,
            run.Out);

        run = await RunAsync("list", "--json", "--state", "held");
        Assert.Equal(
            """
            {"type":"entry","id":"01jd0000000000000000000002","domain":"two.example","state":"held","held":true,"receivedAt":"2026-03-01T14:00:00+00:00","size":1500,"sender":null,"recipients":1,"attempts":0,"nextAttemptAt":null,"status":null,"reason":null}

            """,
            run.Out);
    }

    [Theory]
    [InlineData("--domain two.example", "2 3")]
    [InlineData("--domain TWO.example.", "2 3")]
    [InlineData("-d *.two.example", "3")]
    [InlineData("--sender A@EXAMPLE.ORG", "1")]
    [InlineData("-s @example.org", "1 3 3")]
    [InlineData("-s <>", "2")]
    [InlineData("--older-than 1h", "1")]
    [InlineData("--younger-than 1h", "2 3 3")]
    [InlineData("--older-than 5m --younger-than 15m --domain two.example", "2 3")]
    [InlineData("--state waiting", "3 3")]
    [InlineData("--state attempting", "")]
    [InlineData(First + " " + Third, "1 3 3")]
    [InlineData("01JD0000000000000000000003 -d two.example", "3")]
    public async Task Filters_meet_together(string arguments, string expected)
    {
        await FillAsync();
        var run = await RunAsync(["list", "--json", .. arguments.Split(' ')]);
        Assert.Equal(expected, string.Join(' ', Lines(run.Out).Select(line => line.GetProperty("id").GetString()![^1])));
        Assert.Equal(expected.Length == 0 ? 1 : 0, run.ExitCode);
    }

    [Fact]
    public async Task A_list_that_is_cut_says_how_much_more_there_is()
    {
        await FillAsync();
        var run = await RunAsync("list", "--limit", "1");
        Assert.Equal(3, run.Out.Split('\n').Length - 1);
        Assert.Equal("3 more entries not shown; --limit 0 shows all\n", run.Error);
        Assert.Equal("", (await RunAsync("list", "--limit", "0")).Error);
    }

    [Fact]
    public async Task The_summary_counts_by_domain()
    {
        await FillAsync();
        var run = await RunAsync("list", "--summary");
        Assert.Equal(
            """
            ENTRIES  WAITING  DEFERRED    HELD  ATTEMPTING  OLDEST    NEXT  DOMAIN
                  2        1         0       1           0     10m     now  two.example
                  1        0         1       0           0   2h10m     now  one.example
                4.4.1 mx\u001b[31m says no
                  1        1         0       0           0     10m     now  sub.two.example

            """,
            run.Out);

        run = await RunAsync("list", "--summary", "--json", "--limit", "1");
        Assert.Equal(
            """
            {"type":"destination","domain":"two.example","entries":2,"waiting":1,"deferred":0,"held":1,"attempting":0,"oldestReceivedAt":"2026-03-01T14:00:00+00:00","nextAttemptAt":"2026-03-01T14:00:00+00:00","status":null,"reason":null}

            """,
            run.Out);
        Assert.Equal("2 more domains not shown; --limit 0 shows all\n", run.Error);
    }

    [Fact]
    public async Task Show_tells_each_recipient_and_the_content_is_the_message_itself()
    {
        await FillAsync();
        var run = await RunAsync("show", First);
        Assert.Equal(
            """
            message    01jd0000000000000000000001
            received   2026-03-01 12:00:00 UTC, 2h10m ago
            size       5
            sender     a@example.org
            body       SevenBit
            tls        required by the sender (REQUIRETLS)

            ID                          STATE          AGE    SIZE  TRIES    NEXT  SENDER → DOMAIN
            01jd0000000000000000000001  deferred     2h10m       5      1     now  a@example.org → one.example (2)
                4.4.1 mx\u001b[31m says no

            x@one.example  delivered
                2.0.0 250 2.0.0 ok
            y@one.example  pending
                4.4.1 mx\u001b[31m says no
            z@one.example  pending
                4.4.1 mx\u001b[31m says no

            """,
            run.Out);

        var lines = Lines((await RunAsync("show", First, "--json")).Out);
        Assert.Equal(["message", "entry", "recipient", "recipient", "recipient"], lines.Select(line => line.GetProperty("type").GetString()));
        Assert.Equal(("sevenBit", "required"), (lines[0].GetProperty("body").GetString(), lines[0].GetProperty("tls").GetString()));
        Assert.Equal("delivered", lines[2].GetProperty("state").GetString());

        Assert.Equal("a\r\n\u001bb", (await RunAsync("show", First, "--content")).Octets);
        Assert.Equal("a \n?b", (await RunAsync(width: 80, "show", First, "--content")).Out);

        run = await RunAsync("show", Unknown);
        Assert.Equal((1, "", $"{Unknown} is not in the queue\n"), (run.ExitCode, run.Out, run.Error));
        Assert.Equal(1, (await RunAsync("show", Unknown, "--content")).ExitCode);
    }

    [Fact]
    public async Task On_a_terminal_a_line_is_cut_to_its_width()
    {
        await FillAsync();
        var run = await RunAsync(width: 60, "list");
        Assert.All(run.Out.Split('\n'), line => Assert.InRange(line.Length, 0, 60));
        Assert.Contains("…", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_say_what_they_did()
    {
        await FillAsync();
        Assert.Equal((0, "1 entry due now, 1 entry held, and not retried\n"), await ChangeAsync("retry", First, Second));
        Assert.Equal((0, "2 entries held, 1 entry held already\n"), await ChangeAsync("hold", "-d", "*.example", "--younger-than", "1h"));
        Assert.Equal((0, "3 entries released\n"), await ChangeAsync("release", "--state", "held"));
        Assert.Equal((1, "0 entries released\n"), await ChangeAsync("release", "--state", "held"));
        Assert.Equal((1, $"{Unknown} is not in the queue\n1 entry held\n"), await ChangeAsync("hold", First, Unknown));
        Assert.Equal((0, "1 entry deleted\n"), await ChangeAsync("delete", First));
        Assert.Equal((1, $"{First} is not in the queue\n0 entries deleted\n"), await ChangeAsync("delete", First));

        var run = await RunAsync("delete", "--all", "--yes", "--json");
        Assert.Equal("{\"type\":\"done\",\"matched\":3,\"changed\":3,\"unchanged\":0,\"attempting\":0,\"more\":0,\"missing\":[]}\n", run.Out);
        Assert.Equal(1, (await RunAsync("list")).ExitCode);
    }

    [Fact]
    public async Task To_delete_by_filter_wants_to_be_sure()
    {
        await FillAsync();
        Assert.Equal((2, "3 entries would be met; nothing was done\nhopseal: to delete them, add --yes\n"), await ChangeAsync("delete", "-d", "*.example", "--younger-than", "1h"));
        Assert.Equal((2, "4 entries would be met; nothing was done\nhopseal: to delete them, add --yes\n"), await ChangeAsync("delete", "--all"));
        Assert.Equal((0, "4 entries would be met; nothing was done\n"), await ChangeAsync("delete", "--all", "--yes", "--dry-run"));
        Assert.Equal((0, "1 entry deleted\n"), await ChangeAsync("delete", "-d", "one.example", "--yes"));
    }

    [Theory]
    [InlineData("retry", "choose entries by id or by filter, or --all")]
    [InlineData("delete --yes", "choose entries by id or by filter, or --all")]
    [InlineData("hold --all --domain a.example", "--all goes with no ids and no filters")]
    [InlineData("list --domain a..b", "--domain: \"a..b\" is not a domain name, nor \"*.\" and one, nor an address in brackets")]
    [InlineData("list --older-than 2", "\"2\" is no age: write 90s, 30m, 2h or 3d")]
    [InlineData("list --older-than 99999999d", "\"99999999d\" is no age: write 90s, 30m, 2h or 3d")]
    [InlineData("list --state lost", "--state is none of waiting, deferred, held, attempting")]
    [InlineData("list --limit -1", "--limit is negative")]
    [InlineData("show 5", "\"5\" is no id of a message: one has 26 letters and digits")]
    [InlineData("show " + First + " --content --json", "--content is the message itself, and no JSON")]
    public async Task What_cannot_be_meant_is_a_usage_error(string arguments, string expected)
    {
        await FillAsync();
        var run = await RunAsync(arguments.Split(' '));
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"hopseal: {expected}\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_no_queue_none_is_made()
    {
        var run = await RunAsync("list");
        Assert.Equal((2, "hopseal: there is no hopseal-data here: name the gateway's configuration with --config\n"), (run.ExitCode, run.Error));

        Directory.CreateDirectory(Data);
        Assert.Equal(3, (await RunAsync("list")).ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(Data));

        // The rest of the file may be as wrong as it likes.
        await FillAsync();
        _workspace.Write("hopseal.json", $$"""{ "DataDirectory": "{{LocalMode.DirectoryName}}", "Listeners": 5 }""");
        Assert.Equal(0, (await RunAsync("list", "--config", "hopseal.json")).ExitCode);
        Assert.Equal(2, (await RunAsync("list", "--config", "none.json")).ExitCode);
        _workspace.Write("hopseal.json", "{ }");
        Assert.Equal("hopseal: hopseal.json:1: DataDirectory: is missing\n", (await RunAsync("list", "--config", "hopseal.json")).Error);
    }

    [Fact]
    public async Task Whoever_has_the_queue_and_does_not_answer_is_named()
    {
        await FillAsync();
        await using var other = SqliteQueueStore.Open(Data);
        var running = RunAsync("list");
        while (!running.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var run = await running;
        Assert.Equal(3, run.ExitCode);
        Assert.Equal(
            $"hopseal: the data directory {Data} is in use by another gateway (process {Environment.ProcessId}), which does not answer: it is starting, or stopping\n",
            run.Error);
    }

    [Fact]
    public async Task A_running_gateway_is_asked_and_releases_what_it_held()
    {
        await FillAsync();
        Assert.Equal((0, "3 entries held, 1 entry held already\n"), await ChangeAsync("hold", "--all"));
        var configuration = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        await using (var gateway = await Gateway.StartAsync(configuration, NullLoggerFactory.Instance, TimeProvider.System))
        {
            // The gateway has the lock: these come through its socket.
            Assert.Equal(4, Lines((await RunAsync("list", "--json", "--state", "held")).Out).Length);
            Assert.Equal("a\r\n\u001bb", (await RunAsync("show", First, "--content")).Octets);
            Assert.Equal((0, "1 entry deleted\n"), await ChangeAsync("delete", Second));

            var arrived = ArrivalsAsync(3);
            Assert.Equal((0, "3 entries released\n"), await ChangeAsync("release", "--all"));
            await arrived;
            while ((await RunAsync("list")).ExitCode == 0)
            {
                await Task.Yield();
            }
        }

        Assert.Equal((1, ""), ((await RunAsync("list")).ExitCode, (await RunAsync("list")).Out));
    }

    /// <summary>Waits for so many files in the Maildir of local mode.</summary>
    async Task ArrivalsAsync(int count)
    {
        var directory = Directory.CreateDirectory(Path.Combine(LocalMode.MaildirOf(Data), "new")).FullName;
        using var watcher = new FileSystemWatcher(directory);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watcher.Renamed += (_, _) => Look();
        watcher.Created += (_, _) => Look();
        watcher.EnableRaisingEvents = true;
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);

        void Look()
        {
            if (Directory.GetFiles(directory).Length == count)
            {
                arrived.TrySetResult();
            }
        }
    }

    /// <summary>One message that was deferred, one that is held, and one for two domains; then it is ten minutes later.</summary>
    async Task FillAsync()
    {
        _clock.SetUtcNow(s_start);
        await using (var store = SqliteQueueStore.Open(Data))
        {
            await store.AddAsync(Message(First, "a@example.org", "a\r\n\u001bb", "x@one.example", "y@one.example", "z@one.example"), null, Cancel);
            var lease = Assert.Single((await store.LeaseDueAsync(new LeaseTerms(s_start, s_schedule, new Taker()), 10, Cancel)).Leases);
            var deferred = new RecipientOutcome.Deferred(new EnhancedStatus(4, 4, 1), "mx\u001b[31m says no");
            var delivered = new RecipientOutcome.Delivered(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "ok"));
            await store.SettleAsync(lease, new Settlement([delivered, deferred, deferred], null, false), [], Cancel);

            _clock.Advance(TimeSpan.FromHours(2));
            await store.AddAsync(Message(Second, null, new string('b', 1500), "x@two.example"), null, Cancel);
            await store.ChangeAsync(QueueAction.Hold, [new EntryKey(new QueueId(Second), "two.example")], s_start, Cancel);
            await store.AddAsync(Message(Third, "c@example.org", "c", "x@two.example", "x@sub.two.example"), null, Cancel);
        }

        _clock.Advance(TimeSpan.FromMinutes(10));
    }

    StoredMessage Message(string id, string? sender, string content, params string[] recipients)
    {
        var octets = Encoding.UTF8.GetBytes(content);
        return new StoredMessage(
            new QueueId(id),
            _clock.GetUtcNow(),
            new Envelope(sender is null ? null : Mailbox(sender), [.. recipients.Select(Mailbox)], Tls: id == First ? MessageTls.Required : default),
            octets.Length,
            octets,
            null);
    }

    static Mailbox Mailbox(string text) => new(text.Split('@')[0], DomainName.Parse(text.Split('@')[1]));

    async Task<(int ExitCode, string Error)> ChangeAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        return (run.ExitCode, run.Error);
    }

    Task<(int ExitCode, string Out, string Error, string Octets)> RunAsync(params string[] arguments) => RunAsync(width: null, arguments);

    async Task<(int ExitCode, string Out, string Error, string Octets)> RunAsync(int? width, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var octets = new MemoryStream();
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            OpenInput = () => Stream.Null,
            OpenOutput = () => octets,
            OutWidth = width,
            Directory = _workspace.Directory,
            Clock = _clock,
        };
        var code = await CommandLine.RunAsync(["queue", .. arguments], terminal, Cancel);
        return (code, output.ToString(), error.ToString(), Encoding.UTF8.GetString(octets.ToArray()));
    }

    static ImmutableArray<JsonElement> Lines(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    /// <summary>Has a place for everything.</summary>
    sealed class Taker : ILeaseTaker
    {
        public LeaseAnswer Ask(string domain, bool arriving) => LeaseAnswer.Yes.Instance;

        public bool AskSuspended() => true;

        public void Release(string domain, bool suspended)
        {
        }

        public void Take(QueueLease lease)
        {
        }

        public void EndRound()
        {
        }
    }
}
