using System.Collections.Immutable;
using System.IO.Compression;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Output;

namespace Hopseal.Monitor.Store;

/// <summary>Facts as they are kept: JSON, packed.</summary>
static class FactsBlob
{
    /// <summary>Of the JSON, 4 MiB. What is larger is kept without its dialogues, which are most of it.</summary>
    public const int MostOctets = 4 * 1024 * 1024;

    /// <exception cref="InvalidDataException">They are larger even without their dialogues.</exception>
    public static byte[] Write(AuditFacts facts) => TryWrite(facts) ?? TryWrite(Slim(facts)) ?? throw new InvalidDataException($"the facts are larger than {MostOctets} octets");

    /// <exception cref="InvalidDataException">They are damaged, or too large.</exception>
    public static AuditFacts Read(byte[] packed)
    {
        using var unpacked = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(packed, writable: false), CompressionMode.Decompress);
        var buffer = new byte[64 * 1024];
        while (gzip.Read(buffer) is > 0 and var read)
        {
            unpacked.Write(buffer, 0, read);
            if (unpacked.Length > MostOctets)
            {
                throw new InvalidDataException($"the facts are larger than {MostOctets} octets");
            }
        }

        return AuditJson.ReadFacts(unpacked.GetBuffer().AsSpan(0, (int)unpacked.Length));
    }

    /// <summary>Without the dialogues, and what hand-made hellos were answered: what no rule looks at.</summary>
    public static AuditFacts Slim(AuditFacts facts) => facts with
    {
        Hosts = [.. facts.Hosts.Select(host => host with { Endpoints = [.. host.Endpoints.Select(Slim)] })],
    };

    static EndpointFacts Slim(EndpointFacts endpoint) => endpoint with
    {
        Dialogue = endpoint.Dialogue with { Transcript = [] },
        Tls = endpoint.Tls is { } tls ? tls with { Hellos = ImmutableArray<HelloFact>.Empty } : null,
    };

    static byte[]? TryWrite(AuditFacts facts)
    {
        using var json = new MemoryStream();
        AuditJson.WriteFacts(facts, json);
        if (json.Length > MostOctets)
        {
            return null;
        }

        json.Position = 0;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            json.CopyTo(gzip);
        }

        return packed.ToArray();
    }
}
