using Hopseal.Parts;

namespace Hopseal.Tests.Parts;

public sealed class ClosingTests
{
    [Fact]
    public async Task A_part_that_fails_leaves_no_other_open_and_is_told()
    {
        var closed = new List<string>();
        var thrown = await Assert.ThrowsAsync<IOException>(async () => await Closing.AllAsync(
            Part("receiving"),
            () => throw new IOException("disk full"),
            Part("telling"),
            async () =>
            {
                await Task.Yield();
                throw new InvalidOperationException("a fault of ours");
            },
            Part("store")));

        Assert.Equal("disk full", thrown.Message);
        Assert.Equal(["receiving", "telling", "store"], closed);

        Func<ValueTask> Part(string name) => () =>
        {
            closed.Add(name);
            return ValueTask.CompletedTask;
        };
    }
}
