using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hopseal.Dns;

namespace Hopseal.Configuration;

/// <summary>One value and the key it stands under. Every method reads it as one kind of thing, and returns null with a fault
/// when it is not.</summary>
sealed record Setting(string Key, ConfigNode Node, FaultList Faults)
{
    public void Error(string message) => Faults.Error(Node.Origin, Key, message);

    public void Warn(string message) => Faults.Warn(Node.Origin, Key, message);

    /// <summary>A text of 1 to 4096 characters.</summary>
    public string? Text()
    {
        const int MostCharacters = 4096;
        if (Node is not ConfigNode.Text { Value: var text })
        {
            return Fail<string>($"expected a text, found {Node.Kind}");
        }

        if (text.Length is 0 or > MostCharacters || text.Any(char.IsControl))
        {
            return Fail<string>(text.Length == 0 ? "is empty" : $"is longer than {MostCharacters} characters, or holds a control character");
        }

        return text;
    }

    public int? Whole(int least, int most) => (int?)Whole((long)least, most);

    public long? Whole(long least, long most)
    {
        var written = Node switch
        {
            ConfigNode.Number number => number.Written,
            ConfigNode.Text { Origin.IsEnvironment: true } text => text.Value,
            _ => null,
        };
        if (written is null)
        {
            return FailValue<long>($"expected a number, found {Node.Kind}");
        }

        if (!long.TryParse(written, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            return FailValue<long>($"{Shown.Text(written)} is not a whole number");
        }

        return value >= least && value <= most
            ? value
            : FailValue<long>(string.Create(CultureInfo.InvariantCulture, $"{value} is not between {least} and {most}"));
    }

    public bool? Flag()
    {
        if (Node is ConfigNode.Flag flag)
        {
            return flag.Value;
        }

        return Node is ConfigNode.Text { Origin.IsEnvironment: true } text && bool.TryParse(text.Value, out var value)
            ? value
            : FailValue<bool>($"expected true or false, found {Node.Kind}");
    }

    /// <summary>The name of a member, in exactly its case.</summary>
    public T? Choice<T>()
        where T : struct, Enum
    {
        if (Text() is not { } text)
        {
            return null;
        }

        var names = Enum.GetNames<T>();
        return names.Contains(text, StringComparer.Ordinal)
            ? Enum.Parse<T>(text)
            : FailValue<T>(NoneOf(text, names));
    }

    /// <summary>One of these words.</summary>
    public string? Word(params string[] words)
    {
        if (Text() is not { } text)
        {
            return null;
        }

        return words.Contains(text, StringComparer.Ordinal) ? text : Fail<string>(NoneOf(text, words));
    }

    public DomainName? Domain()
    {
        if (Text() is not { } text)
        {
            return null;
        }

        return DomainName.TryParse(text, out var name) ? name : Fail<DomainName>($"{Shown.Text(text)} is not a domain name");
    }

    /// <summary>An address with a port: <c>0.0.0.0:25</c>, <c>[::]:25</c>.</summary>
    /// <param name="defaultPort">Null when the port must be written.</param>
    public IPEndPoint? Endpoint(int? defaultPort = null)
    {
        if (Text() is not { } text)
        {
            return null;
        }

        if (EndpointText.Parse(text, defaultPort) is not { } endpoint)
        {
            return Fail<IPEndPoint>($"{Shown.Text(text)} is not an address and port, such as 0.0.0.0:25 or [::]:25");
        }

        return endpoint.Port is 0 ? Fail<IPEndPoint>($"{Shown.Text(text)} lacks a port between 1 and 65535") : endpoint;
    }

    /// <summary><c>192.0.2.0/24</c>, or one address.</summary>
    public IPNetwork? Network()
    {
        if (Text() is not { } text)
        {
            return null;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var addressText = slash < 0 ? text : text[..slash];
        if (!EndpointText.LooksLikeAddress(addressText) || !IPAddress.TryParse(addressText, out var address) || address.ScopeIdOrZero() != 0)
        {
            return FailValue<IPNetwork>($"{Shown.Text(text)} is not a network, such as 192.0.2.0/24 or 2001:db8::/32");
        }

        var most = address.AddressFamily is AddressFamily.InterNetwork ? 32 : 128;
        var length = most;
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > most))
        {
            return FailValue<IPNetwork>($"{Shown.Text(text)}: the prefix length is not between 0 and {most}");
        }

        var network = Masked(address, length);
        return network.BaseAddress.Equals(address)
            ? network
            : FailValue<IPNetwork>($"{Shown.Text(text)} has bits set behind its prefix; the network is {network}");
    }

    /// <summary>A path; a relative one starts at the directory of the configuration file.</summary>
    public string? Path(string directory)
    {
        return Text() is { } text ? System.IO.Path.GetFullPath(text, directory) : null;
    }

    /// <summary><c>2027-01-31</c>.</summary>
    public DateOnly? Date()
    {
        if (Text() is not { } text)
        {
            return null;
        }

        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : FailValue<DateOnly>($"{Shown.Text(text)} is not a date, such as 2027-01-31");
    }

    public IEnumerable<Setting> Items()
    {
        if (Node is not ConfigNode.List list)
        {
            Error($"expected a list [ … ], found {Node.Kind}");
            return [];
        }

        return list.Items.Select((item, index) => new Setting(KeyPath.Item(Key, index), item, Faults));
    }

    public Section? Section()
    {
        if (Node is ConfigNode.Table table)
        {
            return new Section(table, Key, Faults);
        }

        return Fail<Section>($"expected an object {{ … }}, found {Node.Kind}");
    }

    T? Fail<T>(string message)
        where T : class
    {
        Error(message);
        return null;
    }

    T? FailValue<T>(string message)
        where T : struct
    {
        Error(message);
        return null;
    }

    static string NoneOf(string text, string[] names) =>
        $"{Shown.Text(text)} is none of {string.Join(", ", names)}{Shown.DidYouMean(text, names)}";

    static IPNetwork Masked(IPAddress address, int length)
    {
        var octets = address.GetAddressBytes();
        for (var i = 0; i < octets.Length; i++)
        {
            var keep = Math.Clamp(length - (i * 8), 0, 8);
            octets[i] &= (byte)(0xff << (8 - keep));
        }

        return new IPNetwork(new IPAddress(octets), length);
    }
}

static class AddressScope
{
    public static long ScopeIdOrZero(this IPAddress address) =>
        address.AddressFamily is AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
