using System.Text;

namespace Hopseal.Smtp.Sasl;

/// <summary>The client's side of one SASL exchange (RFC 4422 §3).</summary>
public abstract class SaslClient
{
    public abstract string Mechanism { get; }

    /// <summary>Sent along with AUTH; null where the server speaks first.</summary>
    public abstract byte[]? Initial { get; }

    /// <summary>Whether the server has done what the mechanism asks of a server: for SCRAM, shown that it knows the password too.</summary>
    public abstract bool ServerIsProven { get; }

    /// <summary>The strongest of the offered mechanisms that is known here: SCRAM-SHA-256, PLAIN, LOGIN; null for none.</summary>
    /// <param name="offered">In upper case.</param>
    public static SaslClient? Start(IReadOnlyCollection<string> offered, string user, string password)
    {
        ArgumentNullException.ThrowIfNull(offered);
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(password);
        return offered switch
        {
            _ when offered.Contains(ScramSha256Client.Name) => new ScramSha256Client(user, password),
            _ when offered.Contains(PlainClient.Name) => new PlainClient(user, password),
            _ when offered.Contains(LoginClient.Name) => new LoginClient(user, password),
            _ => null,
        };
    }

    /// <summary>Answers a challenge; null when the server broke the rules and the exchange must be cancelled.</summary>
    public abstract byte[]? Next(ReadOnlySpan<byte> challenge);
}

/// <summary>RFC 4616: everything in the initial response.</summary>
sealed class PlainClient(string user, string password) : SaslClient
{
    public const string Name = "PLAIN";

    public override string Mechanism => Name;

    public override byte[]? Initial => Encoding.UTF8.GetBytes($"\0{user}\0{password}");

    public override bool ServerIsProven => true;

    public override byte[]? Next(ReadOnlySpan<byte> challenge) => null;
}

/// <summary>Never standardised: the server asks for the name, then for the password; what it says in asking does not matter.</summary>
sealed class LoginClient(string user, string password) : SaslClient
{
    public const string Name = "LOGIN";

    int _asked;

    public override string Mechanism => Name;

    public override byte[]? Initial => null;

    public override bool ServerIsProven => true;

    public override byte[]? Next(ReadOnlySpan<byte> challenge) => _asked++ switch
    {
        0 => Encoding.UTF8.GetBytes(user),
        1 => Encoding.UTF8.GetBytes(password),
        _ => null,
    };
}
