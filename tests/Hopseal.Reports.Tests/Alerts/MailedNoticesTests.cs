using Hopseal.Reports.Alerts;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class MailedNoticesTests : IDisposable
{
    readonly FakeTimeProvider _clock = new(Records.Noon);
    readonly List<string> _mailed = [];
    readonly MailedNotices _notices;
    string? _refusal;

    public MailedNoticesTests() => _notices = new MailedNotices(null, Mail, _clock, NullLogger<MailedNotices>.Instance);

    public void Dispose() => _notices.Dispose();

    [Fact]
    public async Task What_is_refused_waits_in_order_and_what_comes_later_does_not_overtake_it()
    {
        await _notices.TellAsync(Notice("first"));
        _refusal = "no room";
        await _notices.TellAsync(Notice("second"));
        await _notices.TellAsync(Notice("third"));
        await _notices.RetryAsync();
        Assert.Equal(["first"], _mailed);
        _refusal = null;
        await _notices.TellAsync(Notice("fourth"));
        Assert.Equal(["first", "second", "third", "fourth"], _mailed);
        await _notices.RetryAsync();
        Assert.Equal(4, _mailed.Count);
    }

    [Fact]
    public async Task After_a_day_it_is_given_up()
    {
        _refusal = "no room";
        await _notices.TellAsync(Notice("old"));
        _clock.Advance(TimeSpan.FromHours(24.5));
        await _notices.TellAsync(Notice("new"));
        _refusal = null;
        await _notices.RetryAsync();
        Assert.Equal(["new"], _mailed);
    }

    [Fact]
    public async Task Only_so_many_wait_and_the_oldest_are_given_up()
    {
        _refusal = "no room";
        for (var i = 0; i < NoticeOutbox.MostWaiting + 2; i++)
        {
            await _notices.TellAsync(Notice($"{i}"));
        }

        _refusal = null;
        await _notices.RetryAsync();
        Assert.Equal((NoticeOutbox.MostWaiting, "2"), (_mailed.Count, _mailed[0]));
    }

    AlertNotice Notice(string subject)
    {
        var now = _clock.GetUtcNow();
        return new AlertNotice(NoticeKind.Opened, new Alert(1, "rule", subject, AlertSeverity.Warning, subject, "look", now, now, null, null), now);
    }

    Task<string?> Mail(AlertNotice notice)
    {
        if (_refusal is null)
        {
            _mailed.Add(notice.Alert.Subject);
        }

        return Task.FromResult(_refusal);
    }
}
