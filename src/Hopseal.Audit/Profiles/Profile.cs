using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Profiles;

/// <summary>How a guideline rates a version, a suite, a group or a key.</summary>
public enum Grade
{
    Good,
    Sufficient,
    PhaseOut,
    Insufficient,
}

/// <summary>What facts are judged by. It is data: the built-in ones are embedded, others can be read from a file.</summary>
/// <param name="Name">As it is asked for, for example <c>ncsc-nl-2025-05</c>.</param>
/// <param name="Reference">The guideline.</param>
/// <param name="Versions">By name, <c>TLS 1.3</c> to <c>SSL 2.0</c>; what is not named is insufficient.</param>
/// <param name="Suites">By pattern over the IANA name, <c>*</c> stands for anything; the first that matches counts, none is
/// insufficient.</param>
/// <param name="Groups">By name, the same way.</param>
/// <param name="SignatureHashes">Of certificates and key exchange.</param>
/// <param name="Keys">Of certificates.</param>
/// <param name="Verdicts">By check id and situation, where the profile deviates from the usual: <c>cert.chain</c>, <c>rpt.record</c>.</param>
public sealed record Profile(
    string Name,
    string Title,
    string Reference,
    ImmutableArray<Graded> Versions,
    ImmutableArray<Graded> Suites,
    ImmutableArray<Graded> Groups,
    ImmutableArray<Graded> SignatureHashes,
    KeySizes Keys,
    ImmutableDictionary<string, Verdict> Verdicts)
{
    /// <summary>Days before the end of a certificate, from which on it is a warning, and a failure.</summary>
    public int ExpiryWarnDays { get; init; } = 14;

    public int ExpiryFailDays { get; init; } = 7;

    static readonly JsonSerializerOptions s_json = new()
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>The one that counts unless another is named: no country's.</summary>
    public static string Default => "rfc-9325";

    /// <summary>Names of those that come with the program.</summary>
    public static ImmutableArray<string> BuiltIn { get; } = ["ncsc-nl-2025-05", "rfc-9325", "strict"];

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static Profile Named(string name)
    {
        if (!BuiltIn.Contains(name))
        {
            throw new ArgumentException($"there is no profile {name}; there are {string.Join(", ", BuiltIn)}", nameof(name));
        }

        using var stream = typeof(Profile).Assembly.GetManifestResourceStream($"Hopseal.Audit.Profiles.{name}.json")!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }

    /// <exception cref="InvalidDataException">It is no profile; the message says where.</exception>
    public static Profile Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<Profile>(json, s_json) ?? throw new InvalidDataException("a profile is an object, not null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"it is no profile: {e.Message}", e);
        }
    }

    public Grade GradeOfVersion(string version) => Find(Versions, version);

    public Grade GradeOfSuite(string suite) => Find(Suites, suite);

    public Grade GradeOfGroup(string group) => Find(Groups, group);

    public Grade GradeOfHash(string hash) => Find(SignatureHashes, hash);

    /// <param name="usual">Where the profile says nothing else.</param>
    public Verdict VerdictOf(string check, Verdict usual) => Verdicts.TryGetValue(check, out var verdict) ? verdict : usual;

    public static Verdict VerdictOf(Grade grade) => grade switch
    {
        Grade.Good or Grade.Sufficient => Verdict.Ok,
        Grade.PhaseOut => Verdict.Warn,
        Grade.Insufficient => Verdict.Fail,
    };

    static Grade Find(ImmutableArray<Graded> graded, string name)
    {
        foreach (var entry in graded)
        {
            if (entry.Patterns.Any(pattern => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, name)))
            {
                return entry.Grade;
            }
        }

        return Grade.Insufficient;
    }
}

/// <param name="Patterns"><c>*</c> stands for anything.</param>
public sealed record Graded(Grade Grade, ImmutableArray<string> Patterns);

/// <param name="RsaGood">Bits from which on an RSA key is good.</param>
/// <param name="RsaPhaseOut">From which on it is to be phased out; smaller ones are insufficient.</param>
/// <param name="Curves">Of ECDSA keys.</param>
public sealed record KeySizes(int RsaGood, int RsaPhaseOut, ImmutableArray<Graded> Curves)
{
    public Grade GradeOf(string kind, int bits, string? curve) => kind switch
    {
        "RSA" => bits >= RsaGood ? Grade.Good : bits >= RsaPhaseOut ? Grade.PhaseOut : Grade.Insufficient,
        "ECDSA" when curve is not null => Curves.FirstOrDefault(graded => graded.Patterns.Contains(curve))?.Grade ?? Grade.Insufficient,
        "Ed25519" or "Ed448" => Grade.Good,
        _ => Grade.Insufficient,
    };
}
