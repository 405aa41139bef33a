using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>One certificate authority and one server certificate per run.</summary>
static class TestAuthority
{
    public const string ServerName = "mx.test";

    static readonly LocalAuthority s_authority = LocalAuthority.Create("Test CA", TimeProvider.System);

    public static ServerCertificates Certificates { get; } =
        ServerCertificates.FromCertificates(new X509Certificate2Collection(s_authority.Issue(ServerName)));
}

/// <summary>One user.</summary>
sealed class OneUser : ICredentials
{
    public const string Name = "app";
    public const string Password = "correct horse";

    static readonly PasswordHash s_hash = PasswordHash.Create(Password);

    public PasswordHash? Find(string user) => user == Name ? s_hash : null;
}

sealed class BrokenCredentials : ICredentials
{
    public PasswordHash? Find(string user) => throw new InvalidOperationException("the user store is gone");
}
