using System.Collections.Immutable;
using System.Numerics;

namespace Hopseal.Audit.Hello;

/// <summary>The messages of a server's first flight. Null: malformed.</summary>
static class FlightMessages
{
    const int RandomOctets = 32;
    const int MostSessionOctets = 32;
    const int MostCertificates = 32;
    const int NamedCurve = 3;
    const int ExplicitPrime = 1;
    const int ExplicitCharacteristicTwo = 2;

    /// <summary>The random of a hello that asks for another one (RFC 8446 §4.1.3).</summary>
    static ReadOnlySpan<byte> RetryRandom =>
    [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ];

    public static ServerFlight? ReadHello(ReadOnlySpan<byte> body)
    {
        var reader = new OctetReader(body);
        var version = reader.Read16();
        var retry = reader.Take(RandomOctets).SequenceEqual(RetryRandom);
        var session = reader.Read8();
        reader.Take(session);
        var suite = reader.Read16();
        var compression = reader.Read8();
        if (reader.Failed || session > MostSessionOctets)
        {
            return null;
        }

        var types = ImmutableArray.CreateBuilder<int>();
        int? group = null;
        if (!reader.IsEmpty)
        {
            var extensions = new OctetReader(reader.Take(reader.Read16()));
            if (reader.Failed || !reader.IsEmpty)
            {
                return null;
            }

            while (!extensions.IsEmpty)
            {
                var type = extensions.Read16();
                var data = new OctetReader(extensions.Take(extensions.Read16()));
                switch (type)
                {
                    case ExtensionTypes.SupportedVersions:
                        version = data.Read16();
                        break;
                    case ExtensionTypes.KeyShare:
                        group = data.Read16();
                        break;
                }

                if (extensions.Failed || data.Failed)
                {
                    return null;
                }

                types.Add(type);
            }
        }

        return version is < (int)WireVersion.Ssl30 or > (int)WireVersion.Tls13
            ? null
            : new ServerFlight((WireVersion)version, suite, compression, retry, types.ToImmutable()) { Group = group, SessionNamed = session > 0 };
    }

    public static ServerFlight? Add(ServerFlight flight, int type, ReadOnlySpan<byte> body) => type switch
    {
        HandshakeTypes.Certificate => ReadCertificates(body) is { IsDefault: false } chain ? flight with { Certificates = chain } : null,
        HandshakeTypes.CertificateStatus => flight with { Stapled = true },
        HandshakeTypes.ServerKeyExchange => ReadKeyExchange(flight, body),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>RFC 5246 §7.4.2; default for a malformed one.</summary>
    static ImmutableArray<ReadOnlyMemory<byte>> ReadCertificates(ReadOnlySpan<byte> body)
    {
        var reader = new OctetReader(body);
        var list = new OctetReader(reader.Take(reader.Read24()));
        if (reader.Failed || !reader.IsEmpty)
        {
            return default;
        }

        var chain = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        while (!list.IsEmpty)
        {
            var certificate = list.Take(list.Read24()).ToArray();
            if (list.Failed || certificate.Length == 0 || chain.Count == MostCertificates)
            {
                return default;
            }

            chain.Add(certificate);
        }

        return chain.ToImmutable();
    }

    /// <summary>RFC 5246 §7.4.3, RFC 8422 §5.4. What it looks like depends on the suite.</summary>
    static ServerFlight? ReadKeyExchange(ServerFlight flight, ReadOnlySpan<byte> body)
    {
        var suite = CipherSuites.Find(flight.Suite);
        var reader = new OctetReader(body);
        switch (suite?.KeyExchange)
        {
            case KeyExchange.Dhe:
                var bits = BitsOf(reader.Take(reader.Read16()));
                reader.Take(reader.Read16());
                reader.Take(reader.Read16());
                flight = flight with { DhBits = bits };
                break;
            case KeyExchange.Ecdhe:
                var kind = reader.Read8();
                if (kind is ExplicitPrime or ExplicitCharacteristicTwo)
                {
                    // A curve of its own, which nobody should use (RFC 8422 §5.4): there is no name for it.
                    return flight;
                }

                var group = reader.Read16();
                reader.Take(reader.Read8());
                if (kind != NamedCurve)
                {
                    return null;
                }

                flight = flight with { Group = group };
                break;
            default:
                // Of an export suite, or of one that nobody asked for.
                return flight;
        }

        if (flight.Version is WireVersion.Tls12 && suite.Authentication is not SuiteAuthentication.None)
        {
            flight = flight with { Signature = reader.Read16() };
        }

        return reader.Failed ? null : flight;
    }

    static int BitsOf(ReadOnlySpan<byte> number)
    {
        var significant = number.TrimStart((byte)0);
        return significant.IsEmpty ? 0 : (significant.Length * 8) - BitOperations.LeadingZeroCount((uint)significant[0]) + 24;
    }
}
