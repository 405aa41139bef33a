using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Hopseal.Hosts;

/// <summary>Records by name and type, as they stand in a message.</summary>
sealed class Zone
{
    public const int A = 1;
    public const int Mx = 15;
    public const int Txt = 16;
    public const int Tlsa = 52;

    readonly Dictionary<string, List<(int Type, byte[] Data)>> _records = new(StringComparer.OrdinalIgnoreCase);
    readonly HashSet<string> _signed = new(StringComparer.OrdinalIgnoreCase);
    readonly HashSet<string> _broken = new(StringComparer.OrdinalIgnoreCase);

    public void AddAddress(string name, IPAddress address) => Add(name, A, address.GetAddressBytes());

    public void AddMx(string name, ushort preference, string exchange)
    {
        var data = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(data, preference);
        Add(name, Mx, [.. data, .. Encode(exchange)]);
    }

    public void AddText(string name, string text) => Add(name, Txt, [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)]);

    /// <summary>3 1 1: the SHA-256 digest of the host's key.</summary>
    public void AddTlsa(string name, byte[] digest) => Add(name, Tlsa, [3, 1, 1, .. digest]);

    /// <summary>DNSSEC vouches for a domain and all below it.</summary>
    public void Sign(string domain) => _signed.Add(domain);

    /// <summary>Its servers do not answer, which resolvers tell as SERVFAIL.</summary>
    public void Break(string domain) => _broken.Add(domain);

    public bool IsSigned(string name) => IsBelow(name, _signed);

    public bool IsBroken(string name) => IsBelow(name, _broken);

    public bool Exists(string name) => _records.ContainsKey(name);

    public IReadOnlyList<byte[]> Find(string name, int type) =>
        _records.TryGetValue(name, out var all) ? [.. all.Where(record => record.Type == type).Select(record => record.Data)] : [];

    void Add(string name, int type, byte[] data)
    {
        if (!_records.TryGetValue(name, out var all))
        {
            _records[name] = all = [];
        }

        all.Add((type, data));
    }

    static bool IsBelow(string name, HashSet<string> domains)
    {
        for (var at = 0; ; at = name.IndexOf('.', at) + 1)
        {
            if (domains.Contains(name[at..]))
            {
                return true;
            }

            if (name.IndexOf('.', at) < 0)
            {
                return false;
            }
        }
    }

    static byte[] Encode(string name)
    {
        var octets = new List<byte>();
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            octets.Add((byte)label.Length);
            octets.AddRange(Encoding.ASCII.GetBytes(label));
        }

        octets.Add(0);
        return [.. octets];
    }
}
