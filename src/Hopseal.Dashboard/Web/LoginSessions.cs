using System.Security.Claims;
using System.Security.Cryptography;

namespace Hopseal.Dashboard.Web;

/// <summary>Who is logged in. It is in memory: a restart logs everybody out, and who logged out is out in every window.</summary>
sealed class LoginSessions(TimeProvider clock)
{
    /// <summary>However busy: once a working day.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    /// <summary>The oldest goes when there are more.</summary>
    public const int Most = 1000;

    const string IdClaim = "hopseal:session";

    readonly Lock _lock = new();
    readonly Dictionary<string, DateTimeOffset> _endings = new(StringComparer.Ordinal);

    public ClaimsPrincipal Begin(string user)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            foreach (var over in _endings.Where(pair => pair.Value <= now).Select(pair => pair.Key).ToList())
            {
                _endings.Remove(over);
            }

            if (_endings.Count >= Most)
            {
                _endings.Remove(_endings.MinBy(pair => pair.Value).Key);
            }

            _endings.Add(id, now + Longest);
        }

        return new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user), new Claim(IdClaim, id)], "password"));
    }

    public bool IsOpen(ClaimsPrincipal? user)
    {
        if (user?.FindFirst(IdClaim)?.Value is not { } id)
        {
            return false;
        }

        lock (_lock)
        {
            return _endings.TryGetValue(id, out var ending) && ending > clock.GetUtcNow();
        }
    }

    public void End(ClaimsPrincipal? user)
    {
        if (user?.FindFirst(IdClaim)?.Value is { } id)
        {
            lock (_lock)
            {
                _endings.Remove(id);
            }
        }
    }
}
