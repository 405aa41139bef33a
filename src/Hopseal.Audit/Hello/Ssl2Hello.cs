using System.Security.Cryptography;

namespace Hopseal.Audit.Hello;

/// <summary>The hello of SSL 2.0, as RFC 6101 §E and the old specification have it, and what comes back. Nobody may speak it any more
/// (RFC 6176 §3), and whoever does lends its key to an attack on newer versions (DROWN).</summary>
static class Ssl2Hello
{
    /// <summary>More than the head of the answer is not read.</summary>
    public const int MostOctets = 64;

    const int Version = 0x0002;
    const int ChallengeOctets = 16;
    const int ClientHello = 1;
    const int ServerHello = 4;
    const int Error = 0;

    /// <summary>Octets of a server's hello up to and with the length of its ciphers.</summary>
    const int ServerHelloHead = 9;
    const int KindOctets = 3;

    /// <summary>Every cipher that there was: RC4, RC2, IDEA, DES and 3DES, the export ones too.</summary>
    static ReadOnlySpan<byte> Kinds => [1, 0, 0x80, 2, 0, 0x80, 3, 0, 0x80, 4, 0, 0x80, 5, 0, 0x80, 6, 0, 0x40, 7, 0, 0xC0];

    public static byte[] ToRecord()
    {
        var body = new OctetWriter();
        body.Write8(ClientHello);
        body.Write16(Version);
        body.Write16(Kinds.Length);
        body.Write16(0);
        body.Write16(ChallengeOctets);
        body.Write(Kinds);
        body.Write(RandomNumberGenerator.GetBytes(ChallengeOctets));
        var octets = body.ToArray();
        var record = new OctetWriter();
        record.Write16(0x8000 | octets.Length);
        record.Write(octets);
        return record.ToArray();
    }

    /// <summary>Null while more has to come.</summary>
    /// <param name="octets">From the beginning.</param>
    public static HelloAnswer? Read(ReadOnlySpan<byte> octets)
    {
        if (octets.Length < 3)
        {
            return null;
        }

        if (octets[0] is >= ContentTypes.ChangeCipherSpec and <= ContentTypes.ApplicationData && octets[1] == 3)
        {
            return ReadTls(octets);
        }

        // The head has two octets, or three where the record is padded.
        var body = octets[((octets[0] & 0x80) != 0 ? 2 : 3)..];
        return body.IsEmpty ? null : body[0] switch
        {
            Error => new HelloAnswer.Closed(),
            ServerHello when body.Length < ServerHelloHead => null,
            ServerHello when body[3] == 0 && body[4] == Version => new HelloAnswer.AgreedToSsl2(((body[7] << 8) | body[8]) / KindOctets),
            _ => new HelloAnswer.Unreadable("no answer of SSL 2.0 or TLS"),
        };
    }

    /// <summary>An alert says no; anything else of TLS does, too: it is not what was asked for.</summary>
    static HelloAnswer? ReadTls(ReadOnlySpan<byte> octets) =>
        octets[0] != ContentTypes.Alert ? new HelloAnswer.Closed() : octets.Length < 7 ? null : new HelloAnswer.Refused(octets[6]);
}
