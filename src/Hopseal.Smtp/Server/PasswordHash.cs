using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Smtp.Server;

/// <summary>A password as the server keeps it: salted PBKDF2-SHA-256 in the form that SCRAM needs (RFC 5802 §3, RFC 7677), as text
/// <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>. It serves every mechanism, and the password cannot be read back.</summary>
public sealed class PasswordHash
{
    /// <summary>About a quarter of a second of one core; RFC 7677 §4 asks for at least 4096.</summary>
    public const int DefaultIterations = 600_000;

    const int MaxIterations = 10_000_000;
    const int SaltOctets = 16;
    const int KeyOctets = SHA256.HashSizeInBytes;

    // Checking a password costs a core by intention; a crowd of clients must not get all of them.
    static readonly SemaphoreSlim s_checks = new(Math.Max(1, Environment.ProcessorCount / 2));
    static readonly byte[] s_processKey = RandomNumberGenerator.GetBytes(KeyOctets);

    readonly byte[] _salt;
    readonly byte[] _storedKey;
    readonly byte[] _serverKey;

    // A keyed digest of the password that was last seen to be right, so that a busy client pays for PBKDF2 once.
    byte[]? _lastRight;

    PasswordHash(int iterations, byte[] salt, byte[] storedKey, byte[] serverKey)
    {
        Iterations = iterations;
        _salt = salt;
        _storedKey = storedKey;
        _serverKey = serverKey;
    }

    public int Iterations { get; }

    public ReadOnlyMemory<byte> Salt => _salt;

    internal ReadOnlySpan<byte> StoredKey => _storedKey;

    internal ReadOnlySpan<byte> ServerKey => _serverKey;

    /// <summary>Hashes a new password with a fresh salt.</summary>
    public static PasswordHash Create(string password, int iterations = DefaultIterations)
    {
        ArgumentException.ThrowIfNullOrEmpty(password);
        return Derive(password, RandomNumberGenerator.GetBytes(SaltOctets), iterations);
    }

    /// <summary>Reads the text form; false for anything else, for fewer than 4096 iterations or more than ten million.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PasswordHash? hash)
    {
        hash = null;
        var parts = text?.Split('$') ?? [];
        if (parts.Length != 3 || parts[0] != "SCRAM-SHA-256")
        {
            return false;
        }

        var cost = parts[1].Split(':');
        var keys = parts[2].Split(':');
        if (cost.Length != 2 || keys.Length != 2
            || !int.TryParse(cost[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < 4096 or > MaxIterations
            || !TryBase64(cost[1], out var salt) || salt.Length is < 8 or > 64
            || !TryBase64(keys[0], out var storedKey) || storedKey.Length != KeyOctets
            || !TryBase64(keys[1], out var serverKey) || serverKey.Length != KeyOctets)
        {
            return false;
        }

        hash = new PasswordHash(iterations, salt, storedKey, serverKey);
        return true;
    }

    public override string ToString() =>
        $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(_salt)}${Convert.ToBase64String(_storedKey)}:{Convert.ToBase64String(_serverKey)}";

    /// <summary>Whether <paramref name="password"/> is the one that was hashed. Slow by intention, and only a few run at a time.</summary>
    public async ValueTask<bool> VerifyAsync(string password, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(password);
        var digest = HMACSHA256.HashData(s_processKey, Encoding.UTF8.GetBytes(password));
        if (_lastRight is { } right && CryptographicOperations.FixedTimeEquals(right, digest))
        {
            return true;
        }

        if (password.Length == 0)
        {
            return false;
        }

        await s_checks.WaitAsync(cancel);
        try
        {
            var candidate = await Task.Run(() => Derive(password, _salt, Iterations), cancel);
            if (!CryptographicOperations.FixedTimeEquals(candidate._storedKey, _storedKey))
            {
                return false;
            }

            _lastRight = digest;
            return true;
        }
        finally
        {
            s_checks.Release();
        }
    }

    /// <summary>Stands in for a user that does not exist, the same for each name as long as the process lives: no password fits,
    /// and neither the salt nor the time tells the difference.</summary>
    internal static PasswordHash Decoy(string user)
    {
        var seed = HMACSHA256.HashData(s_processKey, Encoding.UTF8.GetBytes(user));
        return new PasswordHash(DefaultIterations, seed[..SaltOctets], RandomNumberGenerator.GetBytes(KeyOctets), seed);
    }

    static PasswordHash Derive(string password, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, KeyOctets);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        return new PasswordHash(iterations, salt, SHA256.HashData(clientKey), HMACSHA256.HashData(salted, "Server Key"u8));
    }

    static bool TryBase64(string text, out byte[] octets)
    {
        octets = [];
        if (!Base64.IsValid(text, out var length))
        {
            return false;
        }

        octets = new byte[length];
        return Convert.TryFromBase64String(text, octets, out _);
    }
}
