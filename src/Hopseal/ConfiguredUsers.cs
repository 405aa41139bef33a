using System.Collections.Immutable;
using Hopseal.Smtp.Server;

namespace Hopseal;

/// <summary>The users of the configuration.</summary>
sealed class ConfiguredUsers(ImmutableDictionary<string, PasswordHash> users) : ICredentials
{
    public PasswordHash? Find(string user) => users.GetValueOrDefault(user);
}
