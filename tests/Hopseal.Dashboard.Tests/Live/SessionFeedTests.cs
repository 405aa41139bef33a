using System.Net;
using Hopseal.Dashboard.Live;
using Hopseal.Relay;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Dashboard.Tests.Live;

public sealed class SessionFeedTests
{
    static readonly DateTimeOffset s_noon = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly TlsOutcome s_plain = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-asked"));

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Only_the_latest_sessions_are_kept_and_the_newest_is_the_first()
    {
        var feed = new SessionFeed();
        for (var number = 1; number <= 10_000; number++)
        {
            Assert.True(feed.TryRecord(Session(number)));
        }

        Assert.Equal(Enumerable.Range(0, SessionFeed.Capacity).Select(back => $"s{10_000 - back}"), feed.Latest.Select(session => session.SessionId));
    }

    /// <summary>What is kept for somebody who reads no more does not grow.</summary>
    [Fact]
    public async Task What_happens_while_a_watcher_does_not_read_is_one_thing_to_him()
    {
        var feed = new SessionFeed();
        await using var watcher = feed.WatchAsync(Cancel).GetAsyncEnumerator(Cancel);
        var first = watcher.MoveNextAsync();
        for (var number = 1; number <= 10_000; number++)
        {
            feed.TryRecord(Session(number));
        }

        Assert.True(await first);

        // Whether the first took one of the pokes away or the rest came before it: at most one is left.
        feed.TryRecord(Session(10_001));
        Assert.True(await watcher.MoveNextAsync());
        var next = watcher.MoveNextAsync();
        Assert.False(next.IsCompleted);
        feed.TryRecord(Session(10_002));
        Assert.True(await next);
    }

    static SessionRecord.Inbound Session(int number)
    {
        var (peer, local) = (new IPEndPoint(IPAddress.Loopback, 40_000), new IPEndPoint(IPAddress.Loopback, 25));
        return new SessionRecord.Inbound(new ServerSessionSummary(
            $"s{number}", "mx", s_noon, TimeSpan.Zero, peer, local, "client.example", null, s_plain, 0, 0, 0, 0, SessionEnd.Quit, null, null))
        {
            SessionId = $"s{number}",
            StartedAt = s_noon,
            Elapsed = TimeSpan.Zero,
            Peer = peer,
            Tls = s_plain,
        };
    }
}
