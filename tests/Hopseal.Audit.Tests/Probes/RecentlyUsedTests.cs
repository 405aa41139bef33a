using Hopseal.Audit.Probes;

namespace Hopseal.Audit.Tests.Probes;

public sealed class RecentlyUsedTests
{
    [Fact]
    public void What_nobody_came_back_to_is_forgotten_first()
    {
        var memory = new RecentlyUsed<int, string>(3);
        for (var i = 0; i < 100; i++)
        {
            memory.Set(i, $"{i}");
            Assert.True(memory.TryGet(0, out var first));
            Assert.Equal("0", first);
            Assert.InRange(memory.Count, 1, 3);
        }

        Assert.Equal((true, true, false), (memory.TryGet(99, out _), memory.TryGet(98, out _), memory.TryGet(97, out _)));
    }

    [Fact]
    public void The_last_word_counts()
    {
        var memory = new RecentlyUsed<int, string>(3);
        memory.Set(1, "a");
        memory.Set(1, "b");

        Assert.True(memory.TryGet(1, out var value));
        Assert.Equal(("b", 1), (value, memory.Count));
    }
}
