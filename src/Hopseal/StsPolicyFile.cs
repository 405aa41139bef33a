using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;

namespace Hopseal;

/// <summary>The file of <see cref="StsPolicyKeeper"/>: one policy a line, as JSON, with its text as it was served; replaced as a
/// whole. What it holds can be fetched again, so a damaged line is passed over, not fatal.</summary>
sealed partial class StsPolicyFile(string path)
{
    const long MaxOctets = 256 * 1024 * 1024;

    public const string Name = "mta-sts-policies";

    /// <summary>Nothing when there is no file yet.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public (ImmutableArray<KeptStsPolicy> Policies, int Damaged) Load()
    {
        if (!File.Exists(path))
        {
            return ([], 0);
        }

        if (new FileInfo(path).Length > MaxOctets)
        {
            throw new IOException($"{path} is larger than {MaxOctets} octets");
        }

        ImmutableArray<KeptStsPolicy?> lines = [.. File.ReadLines(path).Select(Parse)];
        return ([.. lines.OfType<KeptStsPolicy>()], lines.Count(line => line is null));
    }

    /// <exception cref="IOException">The old file is still there.</exception>
    public void Save(IEnumerable<KeptStsPolicy> policies)
    {
        var candidate = path + ".new";
        using (var file = new FileStream(candidate, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            foreach (var kept in policies)
            {
                JsonSerializer.Serialize(file, LineOf(kept), LineContext.Default.Line);
                file.WriteByte((byte)'\n');
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(candidate, path, overwrite: true);
    }

    static Line LineOf(KeptStsPolicy kept) => new(
        kept.Domain.Ascii,
        kept.Policy.Id,
        kept.FetchedAt.ToUnixTimeSeconds(),
        kept.UsedAt.ToUnixTimeSeconds(),
        StsPolicyText.Write(kept.Policy));

    static KeptStsPolicy? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, LineContext.Default.Line) is { Domain: { } written, Id: { } id, Text: { } policyText } line
                && DomainName.TryParse(written, out var domain)
                && StsRecord.TryParse(new StsRecord(id).ToString(), out _)
                && StsPolicyText.TryParse(Encoding.UTF8.GetBytes(policyText), id, out var policy, out _)
                && IsTime(line.FetchedAt)
                && IsTime(line.UsedAt)
                    ? new KeptStsPolicy(
                        domain, policy, DateTimeOffset.FromUnixTimeSeconds(line.FetchedAt), DateTimeOffset.FromUnixTimeSeconds(line.UsedAt))
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static bool IsTime(long unixSeconds) => unixSeconds is >= 0 and <= 253_402_300_799;

    sealed record Line(string? Domain, string? Id, long FetchedAt, long UsedAt, string? Text);

    [JsonSerializable(typeof(Line))]
    sealed partial class LineContext : JsonSerializerContext;
}
