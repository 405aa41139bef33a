using System.Collections.Immutable;
using System.Net;
using Hopseal.Smtp.Server;

namespace Hopseal.Configuration;

/// <summary>The section <c>Dashboard</c>: without it there is none.</summary>
/// <param name="Users">Empty: nobody has to log in.</param>
/// <param name="Names">By which it is called, besides our own name, <c>localhost</c> and addresses.</param>
sealed record DashboardSettings(IPEndPoint Endpoint, ImmutableDictionary<string, PasswordHash> Users, ImmutableArray<string> Names)
{
    public const int StandardPort = 8025;

    public static DashboardSettings OnLoopback(int port) => new(new IPEndPoint(IPAddress.Loopback, port), ImmutableDictionary<string, PasswordHash>.Empty, []);

    /// <summary>Beyond this machine a password would travel in the clear, so it is HTTPS there.</summary>
    public bool Https => !IPAddress.IsLoopback(Endpoint.Address);

    /// <param name="taken">Where something else listens already, and what.</param>
    public static DashboardSettings? Read(Section root, ImmutableArray<(IPEndPoint Endpoint, string What)> taken, bool hasCertificates)
    {
        if (root.Find("Dashboard")?.Section() is not { } section)
        {
            return null;
        }

        var setting = section.Find("Endpoint");
        var endpoint = setting is null ? new IPEndPoint(IPAddress.Loopback, StandardPort) : setting.Endpoint();
        var users = AccessSettings.ReadUsers(section);
        ImmutableArray<string> names = [.. (section.Find("Names")?.Items() ?? []).Select(item => item.Domain()?.Ascii).OfType<string>()];
        section.Close();
        if (endpoint is null)
        {
            return null;
        }

        if (taken.FirstOrDefault(other => other.Endpoint.Equals(endpoint)) is { What: { } what })
        {
            setting?.Error($"{what} listens on {endpoint} already");
        }

        if (!IPAddress.IsLoopback(endpoint.Address))
        {
            if (users.IsEmpty)
            {
                setting?.Error($"{endpoint} can be reached from other machines: that needs Users to log in, or an address of loopback");
            }

            if (!hasCertificates)
            {
                setting?.Error($"{endpoint} can be reached from other machines: that needs HTTPS, and Certificates has none");
            }
        }
        else if (users.IsEmpty && section.Find("Users")?.Node is null or ConfigNode.List { Items.IsEmpty: true })
        {
            section.Warn("without Users, everybody with an account on this machine sees the evidence and acts on the queue", ofServing: true);
        }

        return new DashboardSettings(endpoint, users, names);
    }
}
