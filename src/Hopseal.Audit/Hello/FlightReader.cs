using System.Buffers;

namespace Hopseal.Audit.Hello;

/// <summary>Reads a server's first flight from octets in whatever pieces they come, and stops where it ends: behind a hello of TLS 1.3, since
/// the rest is encrypted, else behind ServerHelloDone. It never throws, and never keeps more than <see cref="MostOctets"/>.</summary>
public sealed class FlightReader
{
    /// <summary>A flight with the largest chain that OpenSSL takes (100 KiB), and some.</summary>
    public const int MostOctets = 160 * 1024;

    const int HeaderOctets = 5;
    const int MessageHeaderOctets = 4;

    /// <summary>RFC 5246 §6.2.1: a record is no longer; encrypted ones are, but none is read.</summary>
    const int MostRecordOctets = 1 << 14;
    const int MostMessageOctets = 128 * 1024;
    const int MostRecords = 512;
    const int MostWarnings = 4;
    const byte Fatal = 2;

    readonly ArrayBufferWriter<byte> _raw = new(512);
    readonly ArrayBufferWriter<byte> _messages = new(512);
    int _consumed;
    int _handled;
    int _records;
    int _warnings;
    int? _warning;
    ServerFlight? _flight;

    /// <summary>Set when nothing more is to be read.</summary>
    public HelloAnswer? Answer { get; private set; }

    /// <summary>Octets taken in.</summary>
    public int Octets => _raw.WrittenCount;

    /// <summary>Takes what came; nothing after <see cref="Answer"/> is set.</summary>
    public void Feed(ReadOnlySpan<byte> octets)
    {
        while (Answer is null && !octets.IsEmpty)
        {
            var room = Math.Min(octets.Length, MostOctets - _raw.WrittenCount);
            if (room == 0)
            {
                Stop(new HelloAnswer.Endless($"more than {MostOctets} octets of a first flight"));
                return;
            }

            _raw.Write(octets[..room]);
            octets = octets[room..];
            while (Answer is null && TakeRecord())
            {
            }
        }
    }

    /// <summary>The connection ended.</summary>
    public HelloAnswer Ended() => Answer ?? Stop(
        _warning is { } warning ? new HelloAnswer.Refused(warning)
        : _raw.WrittenCount > _consumed ? new HelloAnswer.Unreadable("it hung up within a record")
        : new HelloAnswer.Closed());

    /// <summary>Nobody waits any longer.</summary>
    public HelloAnswer TimedOut(TimeSpan after) => Answer ?? Stop(new HelloAnswer.Endless(
        Octets == 0 ? $"no answer within {after.TotalSeconds:0} s" : $"no whole answer within {after.TotalSeconds:0} s, but {Octets} octets"));

    /// <summary>What goes wrong behind the hello does not undo it: the flight is what it was up to there.</summary>
    HelloAnswer Stop(HelloAnswer answer)
    {
        Answer = _flight is { } flight && answer is not HelloAnswer.Agreed ? new HelloAnswer.Agreed(flight with { Problem = answer.ToString() }) : answer;
        return Answer;
    }

    void Unreadable(string why) => Stop(new HelloAnswer.Unreadable(why));

    bool TakeRecord()
    {
        var rest = _raw.WrittenSpan[_consumed..];
        if (rest.Length > 0 && rest[0] is < ContentTypes.ChangeCipherSpec or > ContentTypes.ApplicationData)
        {
            Unreadable(rest[0] is >= 0x20 and < 0x7F ? "plaintext in the place of TLS" : $"a record of type {rest[0]}");
            return false;
        }

        if (rest.Length > 1 && rest[1] != 3)
        {
            Unreadable($"a record of version {rest[1]}");
            return false;
        }

        if (rest.Length < HeaderOctets)
        {
            return false;
        }

        var length = (rest[3] << 8) | rest[4];
        if (length > MostRecordOctets)
        {
            Unreadable($"a record of {length} octets");
            return false;
        }

        if (rest.Length < HeaderOctets + length)
        {
            return false;
        }

        _consumed += HeaderOctets + length;
        if (++_records > MostRecords)
        {
            Stop(new HelloAnswer.Endless($"more than {MostRecords} records in a first flight"));
            return false;
        }

        TakeContent(rest[0], rest.Slice(HeaderOctets, length));
        return true;
    }

    void TakeContent(byte type, ReadOnlySpan<byte> content)
    {
        switch (type)
        {
            case ContentTypes.Handshake:
                _messages.Write(content);
                while (Answer is null && TakeMessage())
                {
                }

                break;
            case ContentTypes.Alert when content.Length >= 2:
                TakeAlert(content[0], content[1]);
                break;
            case ContentTypes.ChangeCipherSpec:
                // Without meaning in TLS 1.3 (RFC 8446 §D.4), and nothing else comes so early.
                break;
            default:
                Unreadable($"a record of type {type} with {content.Length} octets");
                break;
        }
    }

    void TakeAlert(byte level, byte description)
    {
        if (level == Fatal || description == 0)
        {
            Stop(new HelloAnswer.Refused(description));
            return;
        }

        _warning = description;
        if (++_warnings > MostWarnings)
        {
            Stop(new HelloAnswer.Endless($"one warning after the other, the last {Alerts.NameOf(description)}"));
        }
    }

    bool TakeMessage()
    {
        var rest = _messages.WrittenSpan[_handled..];
        if (rest.Length < MessageHeaderOctets)
        {
            return false;
        }

        var reader = new OctetReader(rest);
        var type = reader.Read8();
        var length = reader.Read24();
        if (length > MostMessageOctets)
        {
            Unreadable($"a message of type {type} with {length} octets");
            return false;
        }

        if (rest.Length < MessageHeaderOctets + length)
        {
            return false;
        }

        _handled += MessageHeaderOctets + length;
        Handle(type, rest.Slice(MessageHeaderOctets, length));
        return true;
    }

    void Handle(int type, ReadOnlySpan<byte> body)
    {
        if (_flight is null)
        {
            Begin(type, body);
            return;
        }

        switch (type)
        {
            case HandshakeTypes.ServerHelloDone:
                Stop(new HelloAnswer.Agreed(_flight));
                break;
            case HandshakeTypes.Certificate or HandshakeTypes.CertificateStatus or HandshakeTypes.ServerKeyExchange:
                if (FlightMessages.Add(_flight, type, body) is { } longer)
                {
                    _flight = longer;
                }
                else
                {
                    Unreadable($"a malformed message of type {type}");
                }

                break;
            case HandshakeTypes.HelloRequest or HandshakeTypes.CertificateRequest or HandshakeTypes.NewSessionTicket:
                break;
            default:
                Unreadable($"a message of type {type}");
                break;
        }
    }

    void Begin(int type, ReadOnlySpan<byte> body)
    {
        if (type == HandshakeTypes.HelloRequest)
        {
            return;
        }

        var hello = type == HandshakeTypes.ServerHello ? FlightMessages.ReadHello(body) : null;
        if (hello is null)
        {
            Unreadable(type == HandshakeTypes.ServerHello ? "a malformed ServerHello" : $"a message of type {type} in the place of ServerHello");
            return;
        }

        _flight = hello;
        if (hello.Version is WireVersion.Tls13)
        {
            Stop(new HelloAnswer.Agreed(hello));
        }
    }
}
