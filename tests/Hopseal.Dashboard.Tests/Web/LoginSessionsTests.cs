using Hopseal.Dashboard.Web;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class LoginSessionsTests
{
    readonly FakeTimeProvider _clock = new();

    [Fact]
    public void A_login_is_open_until_it_is_ended()
    {
        var sessions = new LoginSessions(_clock);
        var mine = sessions.Begin("ada");
        var other = sessions.Begin("ada");

        Assert.True(sessions.IsOpen(mine));
        sessions.End(mine);
        Assert.False(sessions.IsOpen(mine));
        Assert.True(sessions.IsOpen(other));
    }

    [Fact]
    public void A_login_ends_by_itself()
    {
        var sessions = new LoginSessions(_clock);
        var login = sessions.Begin("ada");

        _clock.Advance(LoginSessions.Longest - TimeSpan.FromSeconds(1));
        Assert.True(sessions.IsOpen(login));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(sessions.IsOpen(login));
    }

    [Fact]
    public void Another_process_and_nobody_are_not_logged_in()
    {
        var sessions = new LoginSessions(_clock);

        Assert.False(sessions.IsOpen(new LoginSessions(_clock).Begin("ada")));
        Assert.False(sessions.IsOpen(null));
    }

    [Fact]
    public void The_oldest_login_goes_when_there_are_too_many()
    {
        var sessions = new LoginSessions(_clock);
        var oldest = sessions.Begin("ada");
        _clock.Advance(TimeSpan.FromSeconds(1));
        for (var i = 1; i < LoginSessions.Most; i++)
        {
            sessions.Begin("ada");
        }

        Assert.True(sessions.IsOpen(oldest));
        sessions.Begin("ada");
        Assert.False(sessions.IsOpen(oldest));
    }
}
