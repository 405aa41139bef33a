using System.Collections.Frozen;
using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;
using Hopseal.Audit.Profiles;

namespace Hopseal.Monitor.Changes;

/// <summary>How strong the TLS of an address is, as far as it is known. Suites are graded by RFC 9325, whatever profile the operator looks by: a
/// comparison needs one measure.</summary>
static class TlsStrength
{
    const string Newest = "TLS 1.3";
    const int Strong = 128;
    const int LeastDhBits = 2048;

    static readonly ImmutableArray<string> s_old = ["TLS 1.1", "TLS 1.0", "SSL 3.0"];

    static readonly FrozenSet<string> s_hybrids = NamedGroups.PostQuantum.Where(group => group.Kind is GroupKind.Hybrid or GroupKind.Kem).Select(group => group.Name).ToFrozenSet();

    static readonly FrozenDictionary<string, Grade> s_grades = Grades();

    /// <summary>What of <paramref name="now"/> is weaker than <paramref name="then"/>, in words. What is not known of both is left out.</summary>
    public static IEnumerable<string> Weaker(EndpointFacts then, EndpointFacts now)
    {
        if (Speaks(then, Newest) is true && Speaks(now, Newest) is false)
        {
            yield return $"no {Newest} any more";
        }

        foreach (var version in s_old.Where(version => Speaks(then, version) is false && Speaks(now, version) is true))
        {
            yield return $"it speaks {version} again";
        }

        if (Seen.Leaf(then) is { } before && Seen.Leaf(now) is { } after && Strength(after) < Math.Min(Strength(before), Strong))
        {
            yield return $"its key is {KeyOf(after)}, before {KeyOf(before)}";
        }

        if (then.Tls is { } old && now.Tls is { } tls)
        {
            foreach (var words in Hellos(old, tls))
            {
                yield return words;
            }
        }
    }

    public static string KeyOf(CertificateFacts certificate) => certificate.KeyBits > 0 ? $"{certificate.KeyKind} {certificate.KeyBits}" : certificate.KeyKind;

    public static ImmutableArray<string> HybridsOf(TlsFacts tls) => [.. tls.Groups.Where(s_hybrids.Contains)];

    static IEnumerable<string> Hellos(TlsFacts then, TlsFacts now)
    {
        if (then is { GroupsKnown: true } && now is { GroupsKnown: true } && !HybridsOf(then).IsEmpty && HybridsOf(now).IsEmpty)
        {
            yield return "no post-quantum group any more";
        }

        if (Suites(then, now) is { } suites)
        {
            yield return suites;
        }

        if (now.DhBits is < LeastDhBits and var bits && then.DhBits is var old && old > bits)
        {
            yield return $"its Diffie-Hellman prime has {bits} bits, before {old}";
        }

        (string Words, bool? Then, bool? Now, bool Good)[] all =
        [
            ("no extended master secret any more", then.ExtendedMasterSecret, now.ExtendedMasterSecret, true),
            ("no secure renegotiation any more", then.SecureRenegotiation, now.SecureRenegotiation, true),
            ("it compresses", then.Compression, now.Compression, false),
            ("it signs with SHA-1", then.Sha1Signature, now.Sha1Signature, false),
        ];
        foreach (var (words, _, _, _) in all.Where(each => each.Then == each.Good && each.Now == !each.Good))
        {
            yield return words;
        }
    }

    /// <summary>A quick look knows whether there are broken suites, a deep one all of them.</summary>
    static string? Suites(TlsFacts then, TlsFacts now)
    {
        if (!(then.BrokenKnown || then.AllSuites) || then.Suites.IsEmpty || now.Suites.IsEmpty)
        {
            return null;
        }

        var (before, after) = (Worst(then), Worst(now));
        var told = after > before && (after is Grade.Insufficient || (then.AllSuites && now.AllSuites));
        return told ? $"it accepts {Seen.Some(now.Suites.Select(suite => suite.Name).Distinct().Where(name => GradeOf(name) == after))}" : null;
    }

    static Grade Worst(TlsFacts tls) => tls.Suites.Max(suite => GradeOf(suite.Name));

    static Grade GradeOf(string suite) => s_grades.GetValueOrDefault(suite, Grade.Insufficient);

    static FrozenDictionary<string, Grade> Grades()
    {
        var profile = Profile.Named("rfc-9325");
        return CipherSuites.All.DistinctBy(suite => suite.Name).ToFrozenDictionary(suite => suite.Name, suite => profile.GradeOfSuite(suite.Name));
    }

    /// <summary>By hand-made hellos; where there were none, by the handshake, which takes the newest version that both have.</summary>
    static bool? Speaks(EndpointFacts endpoint, string version) =>
        endpoint.Tls is { } tls && tls.Versions.TryGetValue(version, out var spoken) && spoken is { } known ? known
        : version == Newest && endpoint.Handshake is { Works: true, Version: { } reached } ? reached.EndsWith("1.3", StringComparison.Ordinal)
        : null;

    /// <summary>In bits, roughly (NIST SP 800-57 part 1, table 2); all that is more than enough is the same.</summary>
    static int Strength(CertificateFacts certificate) => certificate.KeyKind switch
    {
        "RSA" => certificate.KeyBits switch { >= 3072 => Strong, >= 2048 => 112, >= 1024 => 80, _ => 40 },
        "ECDSA" => Math.Min(certificate.KeyBits / 2, Strong),
        _ => Strong,
    };
}
