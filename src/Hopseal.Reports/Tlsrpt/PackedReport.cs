using System.IO.Compression;
using System.Text;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>The JSON text of a report out of whatever it was put into. What counts is what is inside, not what a name or a media type
/// says of it.</summary>
static class PackedReport
{
    /// <summary>Somebody compresses what is compressed already; nobody does so twice.</summary>
    const int MostLayers = 2;

    /// <summary>Whether it can be JSON, or something compressed.</summary>
    public static bool Looks(ReadOnlySpan<byte> octets) => FormOf(octets) is not PackedForm.Other;

    public static PackedForm FormOf(ReadOnlySpan<byte> octets)
    {
        if (octets.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
        {
            return PackedForm.Gzip;
        }

        if (octets.StartsWith("PK\u0003\u0004"u8) || octets.StartsWith("PK\u0005\u0006"u8))
        {
            return PackedForm.Zip;
        }

        var text = octets.StartsWith(Encoding.UTF8.Preamble) ? octets[Encoding.UTF8.Preamble.Length..] : octets;
        return text.TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..] ? PackedForm.Json : PackedForm.Other;
    }

    /// <param name="what">The file or the attachment, for people.</param>
    public static void WarnOfName(string? name, ReadOnlySpan<byte> octets, string what, ReportNotes notes)
    {
        var isCalledGzip = name?.TrimEnd().EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        switch (FormOf(octets), isCalledGzip)
        {
            case (PackedForm.Json, true):
                notes.Warn(what, "has a name in .gz, and is not compressed");
                break;
            case (PackedForm.Gzip, false):
                notes.Warn(what, "is compressed, and has no name in .gz");
                break;
        }
    }

    /// <summary>Never throws for what is in the octets.</summary>
    public static ReadReport Read(ReadOnlyMemory<byte> octets, ReportNotes notes)
    {
        for (var layer = 0; layer <= MostLayers; layer++)
        {
            var form = FormOf(octets.Span);
            if (form is PackedForm.Json)
            {
                return TlsReportReader.Read(octets);
            }

            if (form is PackedForm.Other)
            {
                return new ReadReport.Rejected(octets.IsEmpty ? "it is empty" : layer == 0 ? "it is neither JSON nor gzip nor zip" : "what is compressed in it is no JSON");
            }

            if (layer == 1)
            {
                notes.Warn("file", "is compressed twice");
            }

            if (form is PackedForm.Zip)
            {
                notes.Warn("file", "is a zip archive, and should be gzip");
            }

            var (unpacked, fault) = form is PackedForm.Gzip ? Gunzip(octets) : Unzip(octets);
            if (fault is not null)
            {
                return new ReadReport.Rejected(fault);
            }

            octets = unpacked;
        }

        return new ReadReport.Rejected("it is compressed more than twice");
    }

    static (ReadOnlyMemory<byte> Octets, string? Fault) Gunzip(ReadOnlyMemory<byte> octets)
    {
        try
        {
            using var gzip = new GZipStream(new MemoryStream(octets.ToArray(), writable: false), CompressionMode.Decompress);
            return ReadBounded(gzip);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return (default, "the gzip data is damaged or incomplete");
        }
    }

    static (ReadOnlyMemory<byte> Octets, string? Fault) Unzip(ReadOnlyMemory<byte> octets)
    {
        if (octets.Length > ReportLimits.MostZipOctets)
        {
            return (default, $"it is a zip archive of more than {ReportLimits.MostZipOctets} octets");
        }

        try
        {
            using var zip = new ZipArchive(new MemoryStream(octets.ToArray(), writable: false), ZipArchiveMode.Read);
            ZipArchiveEntry[] files = [.. zip.Entries.Where(entry => entry.Name.Length > 0)];
            ZipArchiveEntry[] reports = files.Length == 1
                ? files
                : [.. files.Where(file => file.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))];
            if (reports is not [var report])
            {
                return (default, $"the zip archive holds {files.Length} files, and {reports.Length} of them are JSON; one was expected");
            }

            using var content = report.Open();
            return ReadBounded(content);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            return (default, "the zip archive is damaged, encrypted or incomplete");
        }
    }

    /// <summary>What a few octets may become is bounded here, whatever the archive says of its size.</summary>
    static (ReadOnlyMemory<byte> Octets, string? Fault) ReadBounded(Stream content)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (content.Read(buffer) is > 0 and var read)
        {
            if (whole.Length + read > ReportLimits.MostJsonOctets)
            {
                return (default, $"it unpacks to more than {ReportLimits.MostJsonOctets} octets");
            }

            whole.Write(buffer, 0, read);
        }

        return (whole.GetBuffer().AsMemory(0, (int)whole.Length), null);
    }
}

enum PackedForm
{
    Json,
    Gzip,
    Zip,
    Other,
}
