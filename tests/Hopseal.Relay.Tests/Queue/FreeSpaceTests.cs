using Hopseal.Relay.Queue;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Queue;

public sealed class FreeSpaceTests
{
    readonly FakeTimeProvider _clock = new();
    readonly RecordingLog<FreeSpace> _log = new();
    long _free = 1000;

    [Fact]
    public void Mail_is_refused_below_the_reserve_and_taken_again_above_it_and_each_is_said_once()
    {
        var space = new FreeSpace("/queue", () => _free, 1000, _clock, _log);
        Assert.True(space.IsEnough());

        Assert.False(After(space, 999));
        Assert.False(After(space, 0));
        Assert.True(After(space, 1000));
        Assert.True(After(space, 5000));

        Assert.Equal([1241, 1242], _log.Lines.Select(line => line.Event));
    }

    [Fact]
    public void The_disk_is_not_asked_for_every_recipient()
    {
        var asked = 0;
        var space = new FreeSpace("/queue", () => asked++, 1, _clock, _log);
        for (var i = 0; i < 1000; i++)
        {
            space.IsEnough();
        }

        Assert.Equal(1, asked);
    }

    [Fact(Timeout = 30_000)]
    public async Task While_one_waits_for_the_disk_the_others_take_its_last_answer()
    {
        var asked = 0;
        using var begun = new SemaphoreSlim(0);
        using var answer = new SemaphoreSlim(0);
        var space = new FreeSpace("/queue", AskSlowly, 1000, _clock, _log);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var first = Task.Run(space.IsEnough, TestContext.Current.CancellationToken);
        await begun.WaitAsync(TestContext.Current.CancellationToken);

        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(space.IsEnough());
        Assert.True(space.IsEnough());
        answer.Release();

        Assert.False(await first);
        Assert.Equal(2, asked);

        long AskSlowly()
        {
            if (Interlocked.Increment(ref asked) == 1)
            {
                return 1000;
            }

            begun.Release();
            answer.Wait(TestContext.Current.CancellationToken);
            return 0;
        }
    }

    [Fact]
    public void Without_a_reserve_the_disk_is_never_asked()
    {
        var space = new FreeSpace("/queue", () => throw new IOException("gone"), 0, _clock, _log);
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.True(space.IsEnough());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_disk_that_does_not_answer_is_left_to_the_store()
    {
        var space = new FreeSpace("/queue", () => throw new IOException("gone"), 1000, _clock, _log);

        Assert.True(space.IsEnough());
        Assert.Equal([1243], _log.Lines.Select(line => line.Event));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(long.MaxValue, false)]
    public void A_real_disk_answers(long reserve, bool isEnough) => Assert.Equal(
        isEnough, new FreeSpace(Path.GetTempPath(), reserve, _clock, NullLogger<FreeSpace>.Instance).IsEnough());

    bool After(FreeSpace space, long free)
    {
        _free = free;
        _clock.Advance(TimeSpan.FromSeconds(1));
        return space.IsEnough();
    }
}
