using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Reports.Evidence;

/// <summary>What the ledger says of recipients and senders.</summary>
public enum AddressUse
{
    /// <summary>Their number and their domains.</summary>
    None,

    /// <summary>A keyed hash besides: whoever has the key can tell whether a message went to an address he knows, and nobody else can.</summary>
    Pseudonym,

    /// <summary>The addresses.</summary>
    Full,
}

/// <summary>Addresses as the ledger has them. For one thread.</summary>
/// <param name="key">Of pseudonyms.</param>
sealed class RecipientWords(AddressUse use, byte[] key) : IDisposable
{
    const int KeyOctets = 32;
    const int MostCharacters = 400;
    const int MostKnown = 1_000;

    /// <summary>Pseudonyms of late, by address: who sends and who receives is told at each hop of a message.</summary>
    readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    // One for all: to make one costs more than to use it.
    IncrementalHash? _hash;

    /// <summary>With the key of that ledger, which is made where it is missing. It never changes: else a pseudonym would not be found again.</summary>
    /// <exception cref="IOException">The key can be neither read nor made.</exception>
    /// <exception cref="InvalidDataException">It is no key.</exception>
    public static RecipientWords Load(LedgerFiles files, AddressUse use)
    {
        if (use is not AddressUse.Pseudonym)
        {
            return new RecipientWords(use, []);
        }

        if (!File.Exists(files.Key))
        {
            DirectorySync.Create(files.Directory);
            LedgerFiles.Replace(files.Key, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyOctets)) + "\n"));
        }

        var text = File.ReadAllText(files.Key).TrimEnd('\n');
        try
        {
            return new RecipientWords(use, Convert.FromHexString(text) is { Length: KeyOctets } key ? key : throw new FormatException());
        }
        catch (FormatException)
        {
            throw new InvalidDataException($"{files.Key} does not hold {2 * KeyOctets} hexadecimal digits");
        }
    }

    public void Dispose() => _hash?.Dispose();

    /// <summary>A list of them; empty where addresses are not told.</summary>
    public void Write(Utf8JsonWriter json, string name, ImmutableArray<Recipient> recipients)
    {
        json.WriteStartArray(name);
        if (use is not AddressUse.None)
        {
            foreach (var recipient in recipients)
            {
                Write(json, recipient.Mailbox);
            }
        }

        json.WriteEndArray();
    }

    /// <summary>Null where addresses are not told, and for the null sender.</summary>
    public void WriteSender(Utf8JsonWriter json, string name, Mailbox? sender)
    {
        json.WritePropertyName(name);
        if (use is AddressUse.None || sender is null)
        {
            json.WriteNullValue();
        }
        else
        {
            Write(json, sender);
        }
    }

    void Write(Utf8JsonWriter json, Mailbox mailbox)
    {
        var text = mailbox.ToString();
        if (use is AddressUse.Full)
        {
            json.WriteStringValue(LineWriter.Clip(text, MostCharacters));
            return;
        }

        if (!_known.TryGetValue(text, out var pseudonym))
        {
            if (_known.Count == MostKnown)
            {
                _known.Clear();
            }

            _known[text] = pseudonym = PseudonymOf(text);
        }

        json.WriteStringValue(pseudonym);
    }

    /// <summary>HMAC-SHA256 of the address: its domain in lower case, its local part too, because people write it in any case.</summary>
    string PseudonymOf(string address)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        _hash ??= IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        _hash.AppendData(Encoding.UTF8.GetBytes(address.ToLowerInvariant()));
        _hash.GetHashAndReset(hash);
        return Convert.ToHexStringLower(hash);
    }
}
