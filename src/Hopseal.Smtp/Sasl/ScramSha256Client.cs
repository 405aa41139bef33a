using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Smtp.Sasl;

/// <summary>SCRAM-SHA-256 (RFC 5802 §5, RFC 7677) without channel binding. The server must prove in turn that it knows the password:
/// one that does not is an impostor.</summary>
sealed class ScramSha256Client(string user, string password) : SaslClient
{
    public const string Name = "SCRAM-SHA-256";

    // Fewer would make what we send easy to crack for whoever plays the server (RFC 7677 §4); more would be work that the
    // server chooses and we do.
    const int MinIterations = 4096;
    const int MaxIterations = 2_000_000;

    const int NonceOctets = 18;
    const string Header = "n,,";
    const string HeaderBase64 = "biws";

    readonly string _nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceOctets));
    byte[] _serverSignature = [];
    State _state = State.ServerFirst;

    enum State
    {
        ServerFirst,
        ServerFinal,
        Done,
    }

    public override string Mechanism => Name;

    public override byte[]? Initial => Encoding.UTF8.GetBytes(Header + FirstBare);

    public override bool ServerIsProven => _state is State.Done;

    string FirstBare => $"n={user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal)},r={_nonce}";

    public override byte[]? Next(ReadOnlySpan<byte> challenge)
    {
        var message = Encoding.UTF8.GetString(challenge);
        return _state switch
        {
            State.ServerFirst => Final(message),
            State.ServerFinal => Verify(message),
            State.Done => null,
        };
    }

    /// <summary><c>r=nonce,s=salt,i=iterations</c> → <c>c=biws,r=nonce,p=proof</c>.</summary>
    byte[]? Final(string serverFirst)
    {
        var fields = serverFirst.Split(',');
        if (fields.Length < 3 || !fields[0].StartsWith("r=" + _nonce, StringComparison.Ordinal) || fields[0].Length == 2 + _nonce.Length
            || !fields[1].StartsWith("s=", StringComparison.Ordinal) || !Base64.IsValid(fields[1].AsSpan(2), out var saltLength) || saltLength == 0
            || !fields[2].StartsWith("i=", StringComparison.Ordinal)
            || !int.TryParse(fields[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < MinIterations or > MaxIterations)
        {
            return null;
        }

        var salted = Rfc2898DeriveBytes.Pbkdf2(
            password, Convert.FromBase64String(fields[1][2..]), iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var withoutProof = $"c={HeaderBase64},{fields[0]}";
        var authMessage = Encoding.UTF8.GetBytes($"{FirstBare},{serverFirst},{withoutProof}");
        var proof = HMACSHA256.HashData(SHA256.HashData(clientKey), authMessage);
        for (var i = 0; i < proof.Length; i++)
        {
            proof[i] ^= clientKey[i];
        }

        _serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), authMessage);
        _state = State.ServerFinal;
        return Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
    }

    /// <summary><c>v=signature</c>; anything else, <c>e=</c> included, is no proof.</summary>
    byte[]? Verify(string serverFinal)
    {
        var signature = serverFinal.Split(',')[0];
        if (!signature.StartsWith("v=", StringComparison.Ordinal) || !Base64.IsValid(signature.AsSpan(2))
            || !CryptographicOperations.FixedTimeEquals(Convert.FromBase64String(signature[2..]), _serverSignature))
        {
            return null;
        }

        _state = State.Done;
        return [];
    }
}
