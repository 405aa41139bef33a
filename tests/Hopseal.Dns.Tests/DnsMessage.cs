using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Hopseal.Dns.Tests;

/// <summary>A question as it came to the scripted server.</summary>
public sealed record ScriptedQuery(ushort Id, string Name, ushort Type, bool OverTcp, bool DnssecOk, byte[] Bytes);

/// <summary>Writes replies octet by octet (RFC 1035 §4.1), right or wrong as a test needs them.</summary>
public sealed class DnsMessage(ScriptedQuery query)
{
    public const ushort A = 1, Ns = 2, Cname = 5, Soa = 6, Mx = 15, Aaaa = 28, Opt = 41;

    readonly List<byte> _sections = [];
    string _questionName = query.Name;
    ushort _questionType = query.Type;
    ushort _flags = 0x8180;
    ushort _answers, _authorities, _additionals;

    public DnsMessage Secure() => With(() => _flags |= 0x0020);

    public DnsMessage Truncated() => With(() => _flags |= 0x0200);

    public DnsMessage Code(int code) => With(() => _flags = (ushort)((_flags & ~0xF) | code));

    public DnsMessage NotAReply() => With(() => _flags &= 0x7FFF);

    public DnsMessage Question(string name, ushort type) => With(() => (_questionName, _questionType) = (name, type));

    public DnsMessage Answer(string owner, ushort type, byte[] data, uint ttl = 300) => With(() => Write(owner, type, ttl, data, ref _answers));

    public DnsMessage Address(string owner, string address, uint ttl = 300)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        return Answer(owner, bytes.Length == 4 ? A : Aaaa, bytes, ttl);
    }

    public DnsMessage Alias(string owner, string target, uint ttl = 300) => Answer(owner, Cname, Name(target), ttl);

    public DnsMessage Exchange(string owner, ushort preference, string host, uint ttl = 300) =>
        Answer(owner, Mx, [.. Number(preference), .. Name(host)], ttl);

    public DnsMessage Authority(string zone, uint minimum, uint ttl = 3600)
    {
        byte[] data = [.. Name("ns." + zone), .. Name("h." + zone), .. Long(1), .. Long(2), .. Long(3), .. Long(4), .. Long(minimum)];
        return With(() => Write(zone, Soa, ttl, data, ref _authorities));
    }

    public DnsMessage Referral(string zone) => With(() => Write(zone, Ns, 300, Name("ns." + zone), ref _authorities));

    /// <summary>An OPT record with an extended error (RFC 8914 §2), and the upper bits of the code (RFC 6891 §6.1.3).</summary>
    public DnsMessage ExtendedError(ushort info, string text, byte upperCode = 0)
    {
        var words = Encoding.UTF8.GetBytes(text);
        byte[] option = [.. Number(15), .. Number((ushort)(2 + words.Length)), .. Number(info), .. words];
        return With(() => Write(".", Opt, (uint)upperCode << 24, option, ref _additionals));
    }

    public byte[] Bytes() =>
    [
        .. Number(query.Id), .. Number(_flags), .. Number(1), .. Number(_answers), .. Number(_authorities), .. Number(_additionals),
        .. Name(_questionName), .. Number(_questionType), .. Number(1), .. _sections,
    ];

    public static byte[] Name(string name)
    {
        var wire = new List<byte>();
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            wire.Add((byte)label.Length);
            wire.AddRange(Encoding.ASCII.GetBytes(label));
        }

        return [.. wire, 0];
    }

    // Sections follow one another: answers are written first, then authorities, then additionals.
    void Write(string owner, ushort type, uint ttl, byte[] data, ref ushort count)
    {
        _sections.AddRange([.. Name(owner), .. Number(type), .. Number(1), .. Long(ttl), .. Number((ushort)data.Length), .. data]);
        count++;
    }

    DnsMessage With(Action change)
    {
        change();
        return this;
    }

    static byte[] Number(ushort value) => [(byte)(value >> 8), (byte)value];

    static byte[] Long(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
