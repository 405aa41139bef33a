using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

public sealed class ProvenTlsMemoryTests
{
    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    DateTimeOffset Now => _clock.GetUtcNow();

    [Fact]
    public void A_host_is_remembered_by_name_and_port_for_so_long()
    {
        var memory = new ProvenTlsMemory(_clock, TimeSpan.FromDays(2));
        memory.Prove("mx.test", 25, Now);
        var proven = Now;
        Assert.Equal(proven, memory.Find("mx.test", 25)?.LastProvenAt);
        Assert.Null(memory.Find("mx.test", 465)?.LastProvenAt);
        Assert.Null(memory.Find("other.test", 25)?.LastProvenAt);
        _clock.Advance(TimeSpan.FromDays(2) - TimeSpan.FromTicks(1));
        Assert.Equal(proven, memory.Find("mx.test", 25)?.LastProvenAt);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(memory.Find("mx.test", 25)?.LastProvenAt);
        Assert.Empty(memory.Snapshot());
    }

    [Fact]
    public void The_newest_proof_counts()
    {
        var memory = new ProvenTlsMemory(_clock);
        memory.Prove("mx.test", 25, Now);
        memory.Prove("mx.test", 25, Now.AddHours(-1));
        Assert.Equal(Now, memory.Find("mx.test", 25)?.LastProvenAt);
    }

    [Fact]
    public void A_host_is_worth_storing_once_a_day()
    {
        var memory = new ProvenTlsMemory(_clock);
        memory.Prove("mx.test", 25, Now);
        memory.Prove("mx.test", 25, Now.AddMinutes(1));
        Assert.Equal([new ProvenTlsHost("mx.test", 25, Now.AddMinutes(1))], memory.TakeChanges());
        Assert.Empty(memory.TakeChanges());
        memory.Prove("mx.test", 25, Now.AddHours(23));
        Assert.Empty(memory.TakeChanges());
        memory.Prove("mx.test", 25, Now.AddHours(25));
        Assert.Equal([new ProvenTlsHost("mx.test", 25, Now.AddHours(25))], memory.TakeChanges());
    }

    [Fact]
    public void What_was_stored_comes_back_without_what_is_too_old()
    {
        var memory = new ProvenTlsMemory(_clock);
        memory.Prove("newer.test", 25, Now);
        memory.TakeChanges();
        memory.Restore(
        [
            new ProvenTlsHost("mx.test", 25, Now.AddHours(-1)),
            new ProvenTlsHost("old.test", 25, Now.AddDays(-30)),
            new ProvenTlsHost("newer.test", 25, Now.AddDays(-1)),
        ]);
        Assert.Equal((Now.AddHours(-1), null, Now), (memory.Find("mx.test", 25)?.LastProvenAt, memory.Find("old.test", 25)?.LastProvenAt, memory.Find("newer.test", 25)?.LastProvenAt));
        memory.Prove("mx.test", 25, Now);
        Assert.Empty(memory.TakeChanges());
    }

    [Fact]
    public void The_memory_is_bounded_and_the_oldest_gives_way()
    {
        var memory = new ProvenTlsMemory(_clock, capacity: 2);
        memory.Prove("a.test", 25, Now.AddMinutes(1));
        memory.Prove("b.test", 25, Now.AddMinutes(2));
        memory.Prove("a.test", 25, Now.AddMinutes(3));
        memory.Prove("c.test", 25, Now.AddMinutes(4));
        Assert.Equal(["a.test", "c.test"], memory.Snapshot().Select(host => host.Host));
        Assert.Equal(["a.test", "c.test"], memory.TakeChanges().Select(host => host.Host).Order());
        memory.Restore(Enumerable.Range(0, 10).Select(i => new ProvenTlsHost($"r{i}.test", 25, Now.AddHours(1 + i))));
        Assert.Equal(["r8.test", "r9.test"], memory.Snapshot().Select(host => host.Host));
    }

    [Fact]
    public void The_operator_can_make_it_forget()
    {
        var memory = new ProvenTlsMemory(_clock);
        memory.Prove("mx.test", 25, Now);
        Assert.True(memory.Forget("mx.test", 25));
        Assert.False(memory.Forget("mx.test", 25));
        Assert.Null(memory.Find("mx.test", 25)?.LastProvenAt);
        Assert.Empty(memory.TakeChanges());
    }

    [Fact]
    public void Any_thread_may_use_it()
    {
        var memory = new ProvenTlsMemory(_clock, capacity: 50);
        Parallel.For(0, 2_000, i =>
        {
            memory.Prove($"h{i % 80}.test", 25, Now.AddSeconds(i));
            memory.Find($"h{(i + 1) % 80}.test", 25);
            if (i % 100 == 0)
            {
                memory.TakeChanges();
                memory.Snapshot();
            }
        });
        Assert.Equal(50, memory.Snapshot().Length);
    }

    [Fact]
    public void That_a_host_proved_who_it_is_stays_known_while_it_is_not_too_long_ago()
    {
        var memory = new ProvenTlsMemory(_clock, TimeSpan.FromDays(2));
        var start = Now;
        memory.Prove("mx.test", 25, start, verified: true);
        memory.Prove("mx.test", 25, start.AddHours(1));
        Assert.Equal(new ProvenTlsHost("mx.test", 25, start.AddHours(1), start), memory.Find("mx.test", 25));

        _clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(new ProvenTlsHost("mx.test", 25, start.AddHours(1)), memory.Find("mx.test", 25));
        Assert.Null(Assert.Single(memory.Snapshot()).LastVerifiedAt);
    }

    [Fact]
    public void That_a_host_proves_who_it_is_for_the_first_time_is_worth_storing()
    {
        var memory = new ProvenTlsMemory(_clock);
        memory.Prove("mx.test", 25, Now);
        Assert.Single(memory.TakeChanges());
        memory.Prove("mx.test", 25, Now.AddMinutes(1), verified: true);
        Assert.Equal(Now.AddMinutes(1), Assert.Single(memory.TakeChanges()).LastVerifiedAt);
        memory.Prove("mx.test", 25, Now.AddMinutes(2), verified: true);
        Assert.Empty(memory.TakeChanges());
    }
}
