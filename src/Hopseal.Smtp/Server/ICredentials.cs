namespace Hopseal.Smtp.Server;

/// <summary>The users a server knows. Seam: the configuration's users in production, one fixed user in tests.</summary>
public interface ICredentials
{
    /// <summary>Null for a user that does not exist; the session then behaves as with a wrong password, in the same time.</summary>
    PasswordHash? Find(string user);
}
