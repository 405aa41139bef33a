using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Relay.Tests.Queue;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

/// <summary>What an operator sees of the queue and does to it.</summary>
public sealed class AdministrationTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task An_entry_is_listed_with_what_became_of_it()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("hello", "one@example.com", "two@example.com", "three@example.net");
        await store.AddAsync(message, _cancel);
        var first = (await ListAsync(store, new QueueSelection { Domain = "example.com" })).Single();
        Assert.Equal(
            new QueueEntry(
                message.Id, "example.com", EntryState.Waiting, false, Scratch.Start, 5, "sender@example.org", 2, 0, Scratch.Start, null, null),
            first);

        var leases = await Scratch.LeaseAsync(store, Scratch.Start);
        Assert.All(await ListAsync(store, new()), entry => Assert.Equal((EntryState.Attempting, 1, null), (entry.State, entry.Attempts, entry.NextAttemptAt)));

        await store.SettleAsync(
            leases.Single(lease => lease.Domain == "example.com"), Scratch.Settlement(Scratch.Delivered, Scratch.Deferred), [], _cancel);
        var deferred = (await ListAsync(store, new QueueSelection { State = EntryState.Deferred })).Single();
        Assert.Equal(
            new QueueEntry(
                message.Id, "example.com", EntryState.Deferred, false, Scratch.Start, 5, "sender@example.org", 1, 1,
                Scratch.Start.AddMinutes(5), "4.4.1", "nobody answers"),
            deferred);

        var found = await store.FindAsync(message.Id, _cancel);
        Assert.Equal(["example.com", "example.net"], found!.Entries.Select(entry => entry.Domain));
        Assert.Equal(
            [
                new QueuedRecipient("one@example.com", "example.com", RecipientState.Delivered, "2.0.0", "250 2.0.0 ok"),
                new QueuedRecipient("two@example.com", "example.com", RecipientState.Pending, "4.4.1", "nobody answers"),
                new QueuedRecipient("three@example.net", "example.net", RecipientState.Pending, null, null),
            ],
            found.Recipients.AsEnumerable());
        Assert.Null(await store.FindAsync(QueueId.Next(_scratch.Clock), _cancel));
    }

    [Fact]
    public async Task The_queue_is_measured_with_what_is_held_and_its_oldest_message()
    {
        await using var store = _scratch.Open();
        Assert.Equal(new QueueDepth(0, 0, 0, null), await store.MeasureAsync(_cancel));

        var message = _scratch.Message("hello", "one@example.com", "two@example.com", "three@example.net");
        await store.AddAsync(message, _cancel);
        await store.AddAsync(_scratch.Message("later", "one@example.com") with { ReceivedAt = Scratch.Start.AddHours(1) }, _cancel);
        await store.ChangeAsync(QueueAction.Hold, [new EntryKey(message.Id, "example.net")], Scratch.Start, _cancel);

        Assert.Equal(new QueueDepth(2, 3, 1, Scratch.Start), await store.MeasureAsync(_cancel));
    }

    [Theory]
    [InlineData("example.com", null, null, "0 1")]
    [InlineData("*.example.com", null, null, "2")]
    [InlineData("*.com", null, null, "0 1 2")]
    [InlineData("ample.com", null, null, "")]
    [InlineData("[192.0.2.1]", null, null, "3")]
    [InlineData("%", null, null, "")]
    [InlineData(null, "sender@example.org", null, "0 1 2 3")]
    [InlineData(null, "SENDER@Example.Org", null, "0 1 2 3")]
    [InlineData(null, "@example.org", null, "0 1 2 3")]
    [InlineData(null, "@ample.org", null, "")]
    [InlineData(null, "", null, "4")]
    [InlineData("example.net", "", null, "4")]
    [InlineData(null, null, EntryState.Held, "1")]
    [InlineData(null, null, EntryState.Waiting, "0 2 3 4")]
    public async Task A_filter_finds_what_it_names_and_nothing_else(string? domain, string? sender, EntryState? state, string expected)
    {
        await using var store = _scratch.Open();
        ImmutableArray<StoredMessage> messages =
        [
            _scratch.Message("0", "a@example.com"),
            _scratch.Message("1", "a@example.com"),
            _scratch.Message("2", "a@sub.example.com"),
            _scratch.Message("3", "a@[192.0.2.1]"),
            _scratch.Message("4", "a@example.net"),
        ];
        messages = messages.SetItem(4, messages[4] with { Envelope = messages[4].Envelope with { ReturnPath = null } });
        foreach (var message in messages)
        {
            await store.AddAsync(message, _cancel);
        }

        await ChangeAsync(store, QueueAction.Hold, messages[1], "example.com");
        var selection = new QueueSelection { Domain = domain, Sender = sender, State = state };
        var found = await ListAsync(store, selection);
        Assert.Equal(expected, string.Join(' ', found.Select(entry => messages.IndexOf(messages.Single(message => message.Id == entry.Id)))));
        Assert.Equal(found.Count, await store.CountAsync(selection, QueuePosition.Start, _cancel));
    }

    [Fact]
    public async Task Pages_follow_each_other_in_the_order_of_arrival_whatever_their_size()
    {
        await using var store = _scratch.Open();
        var ids = new List<QueueId>();
        for (var i = 0; i < 9; i++)
        {
            var message = _scratch.Message("x", "a@example.com", $"b@n{i}.example");
            ids.Add(message.Id);
            await store.AddAsync(message, _cancel);
            _scratch.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        foreach (var size in new[] { 1, 2, 5, 18, 100 })
        {
            var all = await ListAsync(store, new(), size);
            Assert.Equal(ids.SelectMany(id => new[] { id, id }), all.Select(entry => entry.Id));
            Assert.Equal(18, all.Select(entry => entry.Key).Distinct().Count());

            var some = await ListAsync(store, new QueueSelection { Ids = [ids[5], ids[1], QueueId.Next(_scratch.Clock), ids[5]] }, size);
            Assert.Equal([ids[1], ids[1], ids[5], ids[5]], some.Select(entry => entry.Id));
        }

        var aged = new QueueSelection { ReceivedAfter = Scratch.Start.AddMinutes(2), ReceivedBefore = Scratch.Start.AddMinutes(5) };
        Assert.Equal([ids[3], ids[3], ids[4], ids[4]], (await ListAsync(store, aged)).Select(entry => entry.Id));

        var first = await store.ListAsync(new(), QueuePosition.Start, 4, _cancel);
        Assert.Equal(14, await store.CountAsync(new(), first.Next!.Value, _cancel));
        Assert.Equal(2, await store.CountAsync(new QueueSelection { Ids = [ids[5]] }, QueuePosition.Start, _cancel));
    }

    [Fact]
    public async Task What_is_held_is_not_leased_however_old_it_grows_and_what_is_released_is()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "one@example.com");
        await store.AddAsync(message, _cancel);
        Assert.Equal(EntryChange.Done, await ChangeAsync(store, QueueAction.Hold, message, "example.com"));
        Assert.Equal(EntryChange.Unchanged, await ChangeAsync(store, QueueAction.Hold, message, "example.com"));
        Assert.Equal(EntryChange.Unchanged, await ChangeAsync(store, QueueAction.Retry, message, "example.com"));

        var later = Scratch.Start.AddDays(30);
        Assert.Empty(await Scratch.LeaseAsync(store, later));

        await using var after = _scratch.OpenWhatACrashLeaves();
        Assert.Empty(await Scratch.LeaseAsync(after, later));
        Assert.Equal(EntryState.Held, (await ListAsync(after, new())).Single().State);
        Assert.Equal(EntryChange.Done, await ChangeAsync(after, QueueAction.Release, message, "example.com"));
        Assert.Equal(EntryChange.Unchanged, await ChangeAsync(after, QueueAction.Release, message, "example.com"));
        Assert.Equal(1, Assert.Single(await Scratch.LeaseAsync(after, later)).AttemptNumber);
    }

    [Fact]
    public async Task A_retry_makes_it_due_although_its_domain_had_to_wait()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "one@example.com");
        await store.AddAsync(message, _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], _cancel);
        var dueAt = Scratch.Start.AddMinutes(5);
        await Scratch.ScanAsync(store, dueAt, new ListTaker { Answer = (_, _) => new LeaseAnswer.NotBefore(Scratch.Start.AddHours(2)) });
        Assert.Equal(Scratch.Start.AddHours(2), (await ListAsync(store, new())).Single().NextAttemptAt);
        Assert.Empty(await Scratch.LeaseAsync(store, dueAt));

        var now = Scratch.Start.AddMinutes(1);
        Assert.Equal(EntryChange.Done, (await store.ChangeAsync(QueueAction.Retry, [new EntryKey(message.Id, "example.com")], now, _cancel)).Single());
        Assert.Equal(now, (await ListAsync(store, new())).Single().NextAttemptAt);
        Assert.Equal(2, Assert.Single(await Scratch.LeaseAsync(store, now)).AttemptNumber);
    }

    [Fact]
    public async Task While_it_is_attempted_it_is_neither_deleted_nor_retried_and_a_hold_waits_for_the_end()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "one@example.com");
        await store.AddAsync(message, _cancel);
        var lease = (await Scratch.LeaseAsync(store, Scratch.Start)).Single();

        Assert.Equal(EntryChange.Attempting, await ChangeAsync(store, QueueAction.Delete, message, "example.com"));
        Assert.Equal(EntryChange.Attempting, await ChangeAsync(store, QueueAction.Retry, message, "example.com"));
        Assert.Equal(EntryChange.Done, await ChangeAsync(store, QueueAction.Hold, message, "example.com"));
        Assert.Equal((EntryState.Attempting, true), (await ListAsync(store, new())).Select(entry => (entry.State, entry.Held)).Single());

        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], _cancel);
        Assert.Equal(EntryState.Held, (await ListAsync(store, new())).Single().State);
        Assert.Empty(await Scratch.LeaseAsync(store, Scratch.Start.AddDays(1)));
        Assert.Equal(EntryChange.Done, await ChangeAsync(store, QueueAction.Delete, message, "example.com"));
        Assert.Equal(EntryChange.Gone, await ChangeAsync(store, QueueAction.Delete, message, "example.com"));
        Assert.Equal(0, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task What_a_crash_left_leased_is_attempted_by_nobody_and_can_be_deleted()
    {
        await using var store = _scratch.Open();
        var message = _scratch.Message("x", "one@example.com");
        await store.AddAsync(message, _cancel);
        await Scratch.LeaseAsync(store, Scratch.Start);

        await using var after = _scratch.OpenWhatACrashLeaves();
        Assert.Equal(EntryState.Deferred, (await ListAsync(after, new())).Single().State);
        Assert.Equal(EntryChange.Done, await ChangeAsync(after, QueueAction.Delete, message, "example.com"));
        Assert.Equal(0, await after.CountAsync(_cancel));
        Assert.Empty(await Scratch.LeaseAsync(after, Scratch.Start.AddDays(1)));
    }

    [Fact]
    public async Task A_message_goes_with_its_last_entry_and_takes_its_content_along()
    {
        await using var store = _scratch.Open();
        var id = QueueId.Next(_scratch.Clock);
        await using var content = store.Spool.Begin(id);
        await content.WriteAsync(new byte[Spool.MemoryOctets + 1], _cancel);
        var (_, file) = await content.FinishAsync(_cancel);
        var message = new StoredMessage(
            id, Scratch.Start, Scratch.Envelope("one@example.com", "two@example.net"), Spool.MemoryOctets + 1, default, file);
        await store.AddAsync(message, _cancel);
        var path = Path.Combine(_scratch.Data, "spool", file!);

        Assert.Equal(EntryChange.Done, await ChangeAsync(store, QueueAction.Delete, message, "example.com"));
        Assert.True(File.Exists(path));
        Assert.Equal(
            [RecipientState.Deleted, RecipientState.Pending], (await store.FindAsync(id, _cancel))!.Recipients.Select(recipient => recipient.State));

        // The other one is delivered as if nothing had been.
        var lease = Assert.Single(await Scratch.LeaseAsync(store, Scratch.Start));
        await store.SettleAsync(lease, Scratch.Settlement(Scratch.Deferred), [], _cancel);
        Assert.Equal(EntryChange.Done, await ChangeAsync(store, QueueAction.Delete, message, "example.net"));
        Assert.False(File.Exists(path));
        Assert.Null(await store.FindAsync(id, _cancel));
        Assert.Equal(0, await store.CountAsync(_cancel));
    }

    [Fact]
    public async Task Many_entries_change_in_one_transaction()
    {
        await using var store = _scratch.Open();
        for (var i = 0; i < 50; i++)
        {
            await store.AddAsync(_scratch.Message("x", $"a@n{i}.example"), _cancel);
        }

        var before = store.Transactions;
        var entries = await ListAsync(store, new());
        var changes = await store.ChangeAsync(QueueAction.Delete, [.. entries.Select(entry => entry.Key)], Scratch.Start, _cancel);
        Assert.All(changes, change => Assert.Equal(EntryChange.Done, change));
        Assert.Equal(1, store.Transactions - before);
        Assert.Equal(0, await store.CountAsync(_cancel));
    }

    async Task<EntryChange> ChangeAsync(SqliteQueueStore store, QueueAction action, StoredMessage message, string domain) =>
        (await store.ChangeAsync(action, [new EntryKey(message.Id, domain)], _scratch.Clock.GetUtcNow(), _cancel)).Single();

    async Task<List<QueueEntry>> ListAsync(SqliteQueueStore store, QueueSelection selection, int size = 100)
    {
        var all = new List<QueueEntry>();
        for (QueuePosition? place = QueuePosition.Start; place is { } after;)
        {
            var page = await store.ListAsync(selection, after, size, _cancel);
            Assert.InRange(page.Entries.Length, 0, size);
            all.AddRange(page.Entries);
            place = page.Next;
        }

        return all;
    }
}
