using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;

namespace Hopseal.Relay;

/// <summary>The trace header that a relay puts before the content (RFC 5321 §4.4).</summary>
static class ReceivedHeader
{
    const int MaxHello = 255;

    /// <summary>The header with its line ends, folded so that no line comes near 998 octets (RFC 5322 §2.1.1).</summary>
    public static string Format(
        SessionContext session, Envelope envelope, string hostname, QueueId id, DateTimeOffset receivedAt)
    {
        var text = new StringBuilder(512);
        text.Append("Received: from ").Append(CleanHello(session.Hello)).Append(" (").Append(Literal(session.Peer.Address)).Append(")\r\n");
        text.Append("\tby ").Append(hostname).Append(" with ").Append(Protocol(session, envelope)).Append(" id ").Append(id.Text);
        if (session.Tls is { } tls)
        {
            text.Append("\r\n\t(version=").Append(tls.Version).Append(" cipher=").Append(tls.CipherSuite).Append(')');
        }

        // One only: the others of a message are not to learn of each other.
        if (envelope.Recipients is [{ Mailbox: var only }] && IsPrintable(only))
        {
            text.Append("\r\n\tfor <").Append(only).Append('>');
        }

        text.Append(";\r\n\t").Append(Date(receivedAt)).Append("\r\n");
        return text.ToString();
    }

    /// <summary>The registered names (RFC 3848, RFC 6531 §4.3). There is none for HELO inside TLS; the comment tells of it.</summary>
    static string Protocol(SessionContext session, Envelope envelope)
    {
        if (!session.Extended)
        {
            return "SMTP";
        }

        return (envelope.SmtpUtf8, session.Tls is not null, session.User is not null) switch
        {
            (false, false, false) => "ESMTP",
            (false, false, true) => "ESMTPA",
            (false, true, false) => "ESMTPS",
            (false, true, true) => "ESMTPSA",
            (true, false, false) => "UTF8SMTP",
            (true, false, true) => "UTF8SMTPA",
            (true, true, false) => "UTF8SMTPS",
            (true, true, true) => "UTF8SMTPSA",
        };
    }

    /// <summary>The client says of itself what it likes. What can stand in a domain or an address literal stays; anything else,
    /// which might read like another clause or a comment, becomes a question mark.</summary>
    static string CleanHello(string hello)
    {
        if (hello.Length == 0)
        {
            return "unknown";
        }

        return string.Create(Math.Min(hello.Length, MaxHello), hello, static (cleaned, original) =>
        {
            for (var i = 0; i < cleaned.Length; i++)
            {
                var c = original[i];
                cleaned[i] = char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']' ? c : '?';
            }
        });
    }

    static bool IsPrintable(Mailbox mailbox) => !mailbox.ToString().Any(char.IsControl);

    /// <summary>RFC 5321 §4.1.3.</summary>
    static string Literal(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? $"[IPv6:{new IPAddress(plain.GetAddressBytes())}]"
            : $"[{plain}]";
    }

    /// <summary>RFC 5322 §3.3, in UTC: the machine's zone says nothing about a gateway.</summary>
    static string Date(DateTimeOffset time) =>
        time.UtcDateTime.ToString("ddd, d MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture);
}
