using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Audit.Hello;

/// <summary>The first message of a TLS client (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), made by hand so that it can offer what no library
/// offers any more, or not yet. It has no key and goes no further than the server's answer.</summary>
/// <param name="Version">The newest one that is offered, and for TLS 1.3 the only one.</param>
/// <param name="Suites">In order of preference, at most 32,767.</param>
public sealed record ClientHello(WireVersion Version, ImmutableArray<int> Suites)
{
    const int RandomOctets = 32;

    /// <summary>No more than that fits into one record.</summary>
    const int MostOctets = 1 << 14;

    /// <summary>For SNI, in A-labels; null for a peer known by address. Not sent in SSL 3.0, which has no extensions.</summary>
    public string? ServerName { get; init; }

    public ImmutableArray<int> Groups { get; init; } = [];

    public ImmutableArray<int> Signatures { get; init; } = [];

    /// <summary>RFC 7627.</summary>
    public bool ExtendedMasterSecret { get; init; } = true;

    /// <summary>Says that tickets are known (RFC 5077 §3.2), up to TLS 1.2.</summary>
    public bool SessionTicket { get; init; } = true;

    /// <summary>Says that secure renegotiation is known (RFC 5746 §3.4): by the extension, in SSL 3.0 by the signalling suite.</summary>
    public bool SecureRenegotiation { get; init; } = true;

    /// <summary>Says that this is a second try with an older version (RFC 7507).</summary>
    public bool Fallback { get; init; }

    /// <summary>Offers DEFLATE (RFC 3749) before no compression.</summary>
    public bool Compression { get; init; }

    /// <summary>Pads hellos of 256 to 511 octets to 512, since some servers hang on those (RFC 7685 §1).</summary>
    public bool Padding { get; init; } = true;

    /// <summary>The whole record, with a random of its own each time.</summary>
    /// <exception cref="InvalidOperationException">More is offered than fits into one record.</exception>
    public byte[] ToRecord()
    {
        var body = Body(padding: 0);
        if (Padding && Version is not WireVersion.Ssl30 && body.Length + 4 is > 0xFF and < 0x200)
        {
            // The extension itself takes four octets, and must not be the last one and empty: some servers hang on that, too.
            body = Body(Math.Max(0x200 - 4 - body.Length - 4, 1));
        }

        if (body.Length + 4 > MostOctets)
        {
            throw new InvalidOperationException($"a hello of {body.Length} octets does not fit into one record");
        }

        var record = new OctetWriter();
        record.Write8(ContentTypes.Handshake);
        record.Write16(Version is WireVersion.Ssl30 ? (int)WireVersion.Ssl30 : (int)WireVersion.Tls10);
        record.Write16(body.Length + 4);
        record.Write8(HandshakeTypes.ClientHello);
        record.Write24(body.Length);
        record.Write(body);
        return record.ToArray();
    }

    /// <summary>What was offered, for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(WireVersions.NameOf(Version));
        text.Append(Suites.Length == 1 ? $", {CipherSuites.NameOf(Suites[0])}" : $", {Suites.Length} suites from {CipherSuites.NameOf(Suites[0])}");
        text.Append(Groups.Length switch
        {
            0 => "",
            1 => $", group {NamedGroups.NameOf(Groups[0])}",
            _ => $", {Groups.Length} groups from {NamedGroups.NameOf(Groups[0])}",
        });
        text.Append(Signatures.Length is > 0 and < 4 ? $", signatures {string.Join(" ", Signatures.Select(SignatureSchemes.NameOf))}" : "");
        text.Append(Fallback ? ", as a fallback" : "");
        return text.ToString();
    }

    byte[] Body(int padding)
    {
        var body = new OctetWriter();
        body.Write16((int)(Version is WireVersion.Tls13 ? WireVersion.Tls12 : Version));
        body.Write(RandomNumberGenerator.GetBytes(RandomOctets));

        // Middleboxes let TLS 1.3 pass when it looks like a resumption (RFC 8446 §D.4).
        body.Write8(Version is WireVersion.Tls13 ? RandomOctets : 0);
        body.Write(Version is WireVersion.Tls13 ? RandomNumberGenerator.GetBytes(RandomOctets) : []);
        ImmutableArray<int> signals =
        [
            .. SecureRenegotiation && Version is WireVersion.Ssl30 ? [SignalSuites.SecureRenegotiation] : Array.Empty<int>(),
            .. Fallback ? [SignalSuites.Fallback] : Array.Empty<int>(),
        ];
        body.Write16((Suites.Length + signals.Length) * 2);
        body.Write16All(Suites);
        body.Write16All(signals);
        body.Write8(Compression ? 2 : 1);
        body.Write(Compression ? [1, 0] : [0]);
        if (Version is not WireVersion.Ssl30)
        {
            var extensions = Extensions(padding);
            body.Write16(extensions.Length);
            body.Write(extensions);
        }

        return body.ToArray();
    }

    byte[] Extensions(int padding)
    {
        var all = new OctetWriter();
        if (ServerName is { } name)
        {
            var octets = Encoding.ASCII.GetBytes(name);
            all.Extension(ExtensionTypes.ServerName, data =>
            {
                data.Write16(octets.Length + 3);
                data.Write8(0);
                data.Write16(octets.Length);
                data.Write(octets);
            });
        }

        if (!Groups.IsEmpty)
        {
            all.Extension(ExtensionTypes.SupportedGroups, data => data.Vector16(Groups));
        }

        if (Version is not WireVersion.Tls13)
        {
            all.Extension(ExtensionTypes.PointFormats, data => data.Write([1, 0]));
            Flag(all, ExtendedMasterSecret, ExtensionTypes.ExtendedMasterSecret, []);
            Flag(all, SessionTicket, ExtensionTypes.SessionTicket, []);
            Flag(all, SecureRenegotiation, ExtensionTypes.RenegotiationInfo, [0]);
        }

        if (!Signatures.IsEmpty && Version is WireVersion.Tls12 or WireVersion.Tls13)
        {
            all.Extension(ExtensionTypes.SignatureAlgorithms, data => data.Vector16(Signatures));
        }

        if (padding > 0)
        {
            all.Extension(ExtensionTypes.Padding, data => data.Write(new byte[padding]));
        }

        if (Version is WireVersion.Tls13)
        {
            all.Extension(ExtensionTypes.SupportedVersions, data =>
            {
                data.Write8(2);
                data.Write16((int)WireVersion.Tls13);
            });

            // No share at all: the server names the group that it wants in a retry request (RFC 8446 §4.2.8).
            all.Extension(ExtensionTypes.KeyShare, data => data.Write16(0));
        }

        return all.ToArray();
    }

    static void Flag(OctetWriter all, bool wanted, int type, byte[] data)
    {
        if (wanted)
        {
            all.Extension(type, writer => writer.Write(data));
        }
    }
}
