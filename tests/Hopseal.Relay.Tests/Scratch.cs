using System.Collections.Immutable;
using System.Text;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests;

/// <summary>A data directory of one test, with the values that its messages are made of.</summary>
sealed class Scratch : IDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly RetrySchedule Schedule =
        new([TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30)], TimeSpan.FromHours(120));

    public static readonly RecipientOutcome Delivered =
        new RecipientOutcome.Delivered(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "ok"));

    public static readonly RecipientOutcome Deferred =
        new RecipientOutcome.Deferred(new EnhancedStatus(4, 4, 1), "nobody answers");

    public static readonly RecipientOutcome Bounced =
        new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "no such user");

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("hopseal-queue-").FullName;

    public FakeTimeProvider Clock { get; } = new(Start);

    public string Data => Path.Combine(Directory, "data");

    public SqliteQueueStore Open() => SqliteQueueStore.Open(Data);

    /// <summary>What a power cut at this moment would leave, as far as a file system keeps what it was told to flush.</summary>
    public SqliteQueueStore OpenWhatACrashLeaves()
    {
        var copy = Path.Combine(Directory, $"crash-{Guid.NewGuid():N}");
        foreach (var file in System.IO.Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories))
        {
            // The lock is held, and the index of the log does not outlive its readers.
            if (file.EndsWith(".lock", StringComparison.Ordinal) || file.EndsWith("-shm", StringComparison.Ordinal))
            {
                continue;
            }

            var target = Path.Combine(copy, Path.GetRelativePath(Data, file));
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using (var to = File.Create(target))
            {
                from.CopyTo(to);
            }

            // The next start comes later, and tells by it what was there before.
            File.SetLastWriteTimeUtc(target, File.GetLastWriteTimeUtc(file).AddSeconds(-1));
        }

        return SqliteQueueStore.Open(copy);
    }

    public StoredMessage Message(string text, params string[] recipients)
    {
        var content = Encoding.UTF8.GetBytes(text);
        return new StoredMessage(
            QueueId.Next(Clock), Clock.GetUtcNow(), Envelope(recipients), content.Length, content, null);
    }

    public static Envelope Envelope(params string[] recipients) =>
        new(Mailbox("sender@example.org"), [.. recipients.Select(Mailbox)]);

    public static Mailbox Mailbox(string text)
    {
        var at = text.LastIndexOf('@');
        var domain = text[(at + 1)..];
        return domain.StartsWith('[')
            ? new Mailbox(text[..at], null, domain)
            : new Mailbox(text[..at], DomainName.Parse(domain));
    }

    public static Settlement Settlement(params RecipientOutcome[] outcomes) => new([.. outcomes], null, false);

    /// <summary>Leases what is due, with a place for everything.</summary>
    public static async Task<ImmutableArray<QueueLease>> LeaseAsync(SqliteQueueStore store, DateTimeOffset now, int limit = 100) =>
        (await ScanAsync(store, now, new ListTaker(), limit)).Leases;

    /// <summary>Looks once for what is due.</summary>
    public static async Task<LeaseScan> ScanAsync(SqliteQueueStore store, DateTimeOffset now, ListTaker taker, int limit = 100) =>
        await store.LeaseDueAsync(new LeaseTerms(now, Schedule, taker), limit, TestContext.Current.CancellationToken);

    /// <summary>When something falls due that is not yet.</summary>
    public static async Task<DateTimeOffset?> NextDueAsync(SqliteQueueStore store, DateTimeOffset now) =>
        (await ScanAsync(store, now, new ListTaker { Answer = (_, _) => LeaseAnswer.Full.Instance })).NextDue;

    public static async Task<string> ReadAsync(SqliteQueueStore store, QueueId id)
    {
        await using var content = await store.OpenContentAsync(id, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(content);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
