using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Tls;

namespace Hopseal.Monitor.Requiring;

/// <summary>The file of <see cref="RequiredRules"/>: JSON with the members of <c>Outbound.Rules</c>, and who required it, since when and why. It is replaced as a whole,
/// and readable by its owner only.</summary>
/// <remarks>It is read strictly: a rule that is passed over lets mail go out with less than somebody required.</remarks>
public sealed partial class RequiredFile(string path)
{
    const int CurrentVersion = 1;
    const int MostRules = 100_000;
    const long MaxOctets = 64 * 1024 * 1024;

    public const string Name = "required.json";

    /// <summary>For people; it stays readable with names of any script.</summary>
    static readonly FileContext s_context = new(new JsonSerializerOptions(FileContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Of the gateway that has this data directory.</summary>
    public static RequiredFile In(string directory) => new(System.IO.Path.Combine(directory, Name));

    public string Path { get; } = path;

    /// <summary>Empty when there is no file yet.</summary>
    /// <exception cref="InvalidDataException">It is damaged; the message says where, in one line.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public ImmutableArray<RequiredRule> Load()
    {
        using var stream = Open();
        if (stream is null)
        {
            return [];
        }

        if (stream.Length > MaxOctets)
        {
            throw Damaged($"it is larger than {MaxOctets} octets");
        }

        try
        {
            return Read(JsonSerializer.Deserialize(stream, s_context.Document) ?? throw Damaged("it is empty"));
        }
        catch (JsonException e)
        {
            // The platform's message names the member, and the place once more.
            throw Damaged(string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1}: {e.Message.Split(" Path:")[0].ReplaceLineEndings(" ")}"));
        }
    }

    /// <summary>Null only when there is nothing of that name. A link into nowhere, or a directory that may not be searched, is a file that cannot be read.</summary>
    FileStream? Open()
    {
        try
        {
            return new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && new FileInfo(Path).LinkTarget is null)
        {
            return null;
        }
    }

    /// <summary>When it returns, the new file is on stable storage; when it throws, the old one still is.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Save(IEnumerable<RequiredRule> rules)
    {
        var candidate = Path + ".new";
        File.Delete(candidate);
        PrivateFile.Create(candidate);
        using (var stream = new FileStream(candidate, FileMode.Open, FileAccess.Write, FileShare.None))
        {
            JsonSerializer.Serialize(stream, new Document(CurrentVersion, [.. rules.Select(Write)]), s_context.Document);
            stream.WriteByte((byte)'\n');
            stream.Flush(flushToDisk: true);
        }

        File.Move(candidate, Path, overwrite: true);
        DirectorySync.Flush(System.IO.Path.GetDirectoryName(Path)!);
    }

    ImmutableArray<RequiredRule> Read(Document document)
    {
        if (document.Version != CurrentVersion)
        {
            throw Damaged($"it has version {document.Version}, and this program reads version {CurrentVersion}");
        }

        if (document.Rules.Count > MostRules)
        {
            throw Damaged($"it has more than {MostRules} rules");
        }

        var rules = ImmutableArray.CreateBuilder<RequiredRule>(document.Rules.Count);
        var domains = new HashSet<DomainName>();
        for (var i = 0; i < document.Rules.Count; i++)
        {
            // JSON may say null where nobody expects it.
            var rule = document.Rules[i] is { } entry ? Read(entry, i) : throw Damaged($"Rules[{i}] is null");
            if (!domains.Add(rule.Domain))
            {
                throw Damaged($"Rules[{i}]: {rule.Domain.Ascii} stands there twice");
            }

            rules.Add(rule);
        }

        return rules.DrainToImmutable();
    }

    RequiredRule Read(Entry entry, int index)
    {
        if (!DomainName.TryParse(entry.Destination, out var domain))
        {
            throw Damaged($"Rules[{index}]: Destination is no domain name");
        }

        if ((entry.Names ?? []).Contains(null!))
        {
            throw Damaged($"Rules[{index}]: a name is null");
        }

        var rule = new RequiredRule(
            domain,
            entry.Tls switch
            {
                nameof(SecurityFloor.Encrypted) => SecurityFloor.Encrypted,
                nameof(SecurityFloor.Authenticated) => SecurityFloor.Authenticated,
                _ => throw Damaged($"Rules[{index}]: Tls is neither Encrypted nor Authenticated"),
            },
            entry.MinimumVersion switch
            {
                null => null,
                "1.2" => TlsVersion.Tls12,
                "1.3" => TlsVersion.Tls13,
                _ => throw Damaged($"Rules[{index}]: MinimumVersion is neither 1.2 nor 1.3"),
            },
            [.. entry.Names ?? []],
            entry.Owner,
            entry.Since,
            entry.Because);
        return rule.Fault is { } fault ? throw Damaged($"Rules[{index}]: {fault}") : rule;
    }

    static Entry Write(RequiredRule rule) => new(
        rule.Domain.Ascii,
        rule.Floor.ToString(),
        rule.Owner,
        rule.Since,
        rule.Because,
        rule.MinimumVersion is { } version ? Write(version) : null,
        rule.Names.IsEmpty ? null : rule.Names);

    static string Write(TlsVersion version) => version switch
    {
        TlsVersion.Tls12 => "1.2",
        TlsVersion.Tls13 => "1.3",
    };

    InvalidDataException Damaged(string why) => new($"{Path} is damaged, and says what mail has to have: {why}");

    sealed record Document(int Version, IReadOnlyList<Entry> Rules);

    sealed record Entry(
        string Destination, string Tls, string Owner, DateTimeOffset Since, string Because, string? MinimumVersion = null, IReadOnlyList<string>? Names = null);

    [JsonSourceGenerationOptions(
        WriteIndented = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = 8)]
    [JsonSerializable(typeof(Document))]
    sealed partial class FileContext : JsonSerializerContext;
}
