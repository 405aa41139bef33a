using System.Net;
using Hopseal.Dashboard.Web;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class LoginFailuresTests
{
    static readonly IPAddress s_guesser = IPAddress.Parse("192.0.2.1");

    readonly FakeTimeProvider _clock = new();

    [Fact]
    public void After_so_many_wrong_passwords_the_network_has_to_wait()
    {
        var failures = new LoginFailures(_clock);
        for (var i = 1; i < LoginFailures.Most; i++)
        {
            failures.TryAdd(s_guesser);
        }

        Assert.False(failures.AreTooMany(s_guesser));
        failures.TryAdd(s_guesser);
        Assert.True(failures.AreTooMany(s_guesser));
        Assert.False(failures.AreTooMany(IPAddress.Parse("192.0.2.2")));

        _clock.Advance(LoginFailures.Period);
        Assert.False(failures.AreTooMany(s_guesser));
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_and_mapped_IPv4_addresses_are_counted_together()
    {
        var failures = new LoginFailures(_clock);
        for (var i = 0; i < LoginFailures.Most; i++)
        {
            failures.TryAdd(IPAddress.Parse($"2001:db8:1:2::{i}"));
            failures.TryAdd(s_guesser.MapToIPv6());
        }

        Assert.True(failures.AreTooMany(IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.False(failures.AreTooMany(IPAddress.Parse("2001:db8:1:3::1")));
        Assert.True(failures.AreTooMany(s_guesser));
    }

    [Fact]
    public void However_many_networks_try_the_memory_is_bounded_and_the_latest_are_known()
    {
        var failures = new LoginFailures(_clock);
        for (var i = 0; i < 10_050; i++)
        {
            failures.TryAdd(new IPAddress(i));
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        for (var i = 1; i < LoginFailures.Most; i++)
        {
            failures.TryAdd(new IPAddress(10_049));
            failures.TryAdd(new IPAddress(0));
        }

        Assert.True(failures.AreTooMany(new IPAddress(10_049)));
        Assert.False(failures.AreTooMany(new IPAddress(0)));
    }

    [Fact]
    public async Task Of_many_tries_at_once_no_more_are_let_through()
    {
        var failures = new LoginFailures(_clock);

        var tries = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => failures.TryAdd(s_guesser), TestContext.Current.CancellationToken)));

        Assert.Equal(LoginFailures.Most, tries.Count(let => let));
    }

    [Fact]
    public void A_right_password_does_not_count()
    {
        var failures = new LoginFailures(_clock);
        for (var i = 0; i < 3 * LoginFailures.Most; i++)
        {
            Assert.True(failures.TryAdd(s_guesser));
            failures.TakeBack(s_guesser);
        }

        Assert.False(failures.AreTooMany(s_guesser));
    }
}
