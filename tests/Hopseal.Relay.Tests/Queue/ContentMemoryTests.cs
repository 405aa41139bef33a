using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Tests.Queue;

public sealed class ContentMemoryTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_content_stays_until_its_last_lease_has_ended()
    {
        var memory = new ContentMemory(100);
        var message = _scratch.Message("content", "a@one.example");
        memory.Keep(message, leases: 2);
        memory.LetGo(message.Id);
        using (var content = memory.TryOpen(message.Id))
        {
            Assert.Equal(7, content!.Length);
        }

        memory.LetGo(message.Id);
        memory.LetGo(message.Id);
        Assert.Null(memory.TryOpen(message.Id));
        Assert.Equal(0, memory.Octets);
    }

    [Fact]
    public void What_does_not_fit_is_not_kept()
    {
        var memory = new ContentMemory(100);
        var first = _scratch.Message(new string('x', 60), "a@one.example");
        var second = _scratch.Message(new string('x', 60), "a@one.example");
        memory.Keep(first, leases: 1);
        memory.Keep(second, leases: 1);
        Assert.Null(memory.TryOpen(second.Id));
        Assert.Equal(60, memory.Octets);

        memory.LetGo(second.Id);
        memory.LetGo(first.Id);
        memory.Keep(second, leases: 1);
        Assert.NotNull(memory.TryOpen(second.Id));
    }

    [Fact]
    public void What_nobody_leased_or_what_is_in_a_file_is_not_kept()
    {
        var memory = new ContentMemory(int.MaxValue);
        memory.Keep(_scratch.Message("content", "a@one.example"), leases: 0);
        memory.Keep(_scratch.Message("", "a@one.example") with { ContentFile = "xx/id" }, leases: 1);
        memory.Keep(_scratch.Message(new string('x', 100_000), "a@one.example"), leases: 1);
        Assert.Equal(0, memory.Octets);
    }
}
