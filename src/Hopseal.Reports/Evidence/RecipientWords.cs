using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
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

/// <summary>Addresses as the ledger has them.</summary>
/// <param name="key">Of pseudonyms.</param>
sealed class RecipientWords(AddressUse use, byte[] key)
{
    const int KeyOctets = 32;
    const int MostCharacters = 400;

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

    /// <summary>Nothing where addresses are not told.</summary>
    public ImmutableArray<string> Of(IEnumerable<Mailbox> mailboxes) => use is AddressUse.None ? [] : [.. mailboxes.Select(Of)];

    /// <summary>Null where addresses are not told, and for the null sender.</summary>
    public string? OfSender(Mailbox? sender) => use is AddressUse.None || sender is null ? null : Of(sender);

    /// <summary>HMAC-SHA256 of the address: its domain in lower case, its local part too, because people write it in any case.</summary>
    string Of(Mailbox mailbox)
    {
        var text = mailbox.ToString();
        return use is AddressUse.Full
            ? LineWriter.Clip(text, MostCharacters)
            : Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text.ToLowerInvariant())));
    }
}
