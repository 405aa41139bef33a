using System.Globalization;
using MimeKit;

namespace Hopseal.Reports.Tlsrpt.Mail;

/// <summary>Looks through a message before it is read as a whole: a few octets of a header field, or of a boundary, become a hundred times as many in
/// memory.</summary>
sealed class MailBounds : MimeReader
{
    int _fields;
    long _fieldOctets;
    int _parts;

    MailBounds(ParserOptions options, Stream stream)
        : base(options, stream, MimeFormat.Entity)
    {
    }

    /// <exception cref="FormatException">It is no message.</exception>
    /// <exception cref="MailTooComplexException">It is more than any report needs.</exception>
    public static void Check(ParserOptions options, byte[] message)
    {
        CheckSections(message);
        using var stream = new MemoryStream(message, writable: false);
        new MailBounds(options, stream).ReadMessage();
    }

    /// <summary>The time to read a header field grows with the square of its length. What may be the fields of a message or a part begins with a name and
    /// ends with an empty line; base64 has no colons.</summary>
    static void CheckSections(ReadOnlySpan<byte> rest)
    {
        var (length, mayBeFields, begins) = (0, false, true);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..(end + 1)];
            rest = rest[line.Length..];
            if (line is [(byte)'\n'] or [(byte)'\r', (byte)'\n'] || line.StartsWith("--"u8))
            {
                (length, begins) = (0, true);
                continue;
            }

            mayBeFields = begins ? ReportMail.Looks(line) : mayBeFields;
            begins = false;
            length += line.Length;
            if (mayBeFields && length > ReportLimits.MostSectionOctets)
            {
                throw new MailTooComplexException(string.Create(
                    CultureInfo.InvariantCulture, $"what looks like header fields may have {ReportLimits.MostSectionOctets} octets"));
            }
        }
    }

    protected override void OnHeaderRead(Header header, int beginLineNumber, CancellationToken cancellationToken)
    {
        _fieldOctets += header.RawField.Length + header.RawValue.Length;
        if (++_fields > ReportLimits.MostFields || _fieldOctets > ReportLimits.MostFieldOctets)
        {
            throw new MailTooComplexException(string.Create(
                CultureInfo.InvariantCulture, $"a message may have {ReportLimits.MostFields} header fields in all its parts, and {ReportLimits.MostFieldOctets} octets in them"));
        }

        base.OnHeaderRead(header, beginLineNumber, cancellationToken);
    }

    protected override void OnMimePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        Count();
        base.OnMimePartBegin(contentType, beginOffset, beginLineNumber, cancellationToken);
    }

    protected override void OnMultipartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        Count();
        base.OnMultipartBegin(contentType, beginOffset, beginLineNumber, cancellationToken);
    }

    protected override void OnMessagePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        Count();
        base.OnMessagePartBegin(contentType, beginOffset, beginLineNumber, cancellationToken);
    }

    void Count()
    {
        if (++_parts > ReportLimits.MostPartsRead)
        {
            throw new MailTooComplexException(string.Create(CultureInfo.InvariantCulture, $"a message may have {ReportLimits.MostPartsRead} parts"));
        }
    }
}

/// <summary>The message is not read; the text says why, to people.</summary>
sealed class MailTooComplexException(string message) : FormatException(message);
