using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>Versions, suites, groups and extensions, by the profile.</summary>
static class TlsChecks
{
    const int LeastDhBits = 2048;

    static readonly ImmutableArray<string> s_old = ["TLS 1.1", "TLS 1.0", "SSL 3.0"];
    static readonly ImmutableArray<string> s_hybrids = ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"];

    static readonly ImmutableArray<string> s_broken =
        ["_NULL_", "_anon_", "_EXPORT", "_RC4_", "_DES_", "_DES40_", "_3DES_", "_RC2_", "_IDEA_", "_SEED_", "_MD5"];

    static readonly Remedy s_modern = Remedy.Of(
        "Allow TLS 1.2 and 1.3 with forward secrecy and AEAD only.",
        ("Postfix", "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_ciphers = high\nsmtpd_tls_exclude_ciphers = aNULL, kRSA, 3DES, RC4, SEED, IDEA, CAMELLIA, ARIA, SHA1"),
        ("Exim", "openssl_options = +no_sslv3 +no_tlsv1 +no_tlsv1_1\ntls_require_ciphers = ECDHE+AESGCM:ECDHE+CHACHA20"),
        ("Exchange", "Set HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.0\\Server\\Enabled = 0 (and TLS 1.1)"),
        ("Hopseal", "\"Tls\": { \"MinimumVersion\": \"1.2\" }"));

    public static IEnumerable<Finding> Of(EndpointFacts endpoint, string subject, Profile profile)
    {
        if (endpoint.Tls is not { } tls)
        {
            yield break;
        }

        foreach (var finding in Versions(tls, subject, profile).Concat(Suites(tls, subject, profile)).Concat(Groups(tls, subject, profile)).Concat(Extensions(tls, subject)))
        {
            yield return finding;
        }
    }

    static IEnumerable<Finding> Versions(TlsFacts tls, string subject, Profile profile)
    {
        if (!tls.Speaks)
        {
            yield break;
        }

        string[] old = [.. s_old.Where(version => Spoken(tls, version) is true)];
        var oldKnown = s_old.Any(version => Spoken(tls, version) is not null);
        yield return old.Length > 0
            ? new Finding(
                CheckIds.VersionOld, subject, Question.Confidential, old.Max(version => Profile.VerdictOf(profile.GradeOfVersion(version))),
                $"It still speaks {string.Join(", ", old)}", [.. old], "RFC 8996", s_modern)
            : new Finding(
                CheckIds.VersionOld, subject, Question.Confidential, oldKnown ? Verdict.Ok : Verdict.Unknown,
                oldKnown ? "It speaks no version older than TLS 1.2" : "Whether it speaks old versions is not known", oldKnown ? [] : tls.Problems, "RFC 8996");
        yield return One(CheckIds.VersionTls12, "TLS 1.2", Spoken(tls, "TLS 1.3") is true ? Verdict.Info : Verdict.Fail);
        yield return One(CheckIds.VersionTls13, "TLS 1.3", Verdict.Info);

        Finding One(string id, string version, Verdict without) => Spoken(tls, version) switch
        {
            true => new Finding(id, subject, Question.Confidential, Verdict.Ok, $"It speaks {version}", [], profile.Title),
            false => new Finding(id, subject, Question.Confidential, without, $"It does not speak {version}", [], profile.Title, without is Verdict.Fail ? s_modern : null),
            null => new Finding(id, subject, Question.Confidential, Verdict.Unknown, $"Whether it speaks {version} is not known", tls.Problems, profile.Title),
        };
    }

    static bool? Spoken(TlsFacts tls, string version) => tls.Versions.TryGetValue(version, out var spoken) ? spoken : null;

    static IEnumerable<Finding> Suites(TlsFacts tls, string subject, Profile profile)
    {
        if (tls.Suites.IsEmpty)
        {
            yield break;
        }

        var graded = tls.Suites.Select(suite => suite.Name).Distinct().Select(name => (Name: name, Grade: profile.GradeOfSuite(name))).ToArray();
        var worst = graded.Max(suite => suite.Grade);
        yield return new Finding(
            CheckIds.SuiteList, subject, Question.Confidential, Profile.VerdictOf(worst),
            worst <= Grade.Sufficient ? "Every suite that was seen is good or sufficient" : $"Some suites are {CertificateChecks.Words(worst)}",
            [.. graded.OrderByDescending(suite => suite.Grade).Select(suite => $"{suite.Name}: {CertificateChecks.Words(suite.Grade)}")], profile.Title, worst <= Grade.Sufficient ? null : s_modern);
        string[] broken = [.. graded.Select(suite => suite.Name).Where(name => s_broken.Any(part => $"{name}_".Contains(part, StringComparison.Ordinal)))];
        var known = broken.Length > 0 || tls.AllSuites || tls.BrokenKnown;
        yield return new Finding(
            CheckIds.SuiteBad, subject, Question.Confidential, broken.Length > 0 ? Verdict.Fail : known ? Verdict.Ok : Verdict.Unknown,
            broken.Length > 0 ? "It accepts suites that are broken" : known ? "It accepts no suite that is broken" : "Whether it accepts broken suites is not known",
            known ? [.. broken] : tls.Problems, "RFC 9325 §4.1", broken.Length > 0 ? s_modern : null);
        if (tls.ServerOrder is { } ordered)
        {
            var matters = worst >= Grade.PhaseOut;
            yield return new Finding(
                CheckIds.SuiteOrder, subject, Question.Confidential, ordered ? Verdict.Ok : matters ? Verdict.Warn : Verdict.Info,
                ordered ? "It chooses suites by its own order" : "It takes the client's order of suites", [], profile.Title,
                ordered || !matters ? null : Remedy.Of("Let the server choose.", ("Postfix", "tls_preempt_cipherlist = yes")));
        }
    }

    static IEnumerable<Finding> Groups(TlsFacts tls, string subject, Profile profile)
    {
        string[] groups = [.. tls.Groups.Concat(tls.OlderGroups).Distinct()];
        if (groups.Length > 0)
        {
            var graded = groups.Select(name => (Name: name, Grade: profile.GradeOfGroup(name))).ToArray();
            var worst = graded.Max(group => group.Grade);
            yield return new Finding(
                CheckIds.GroupList, subject, Question.Confidential, Profile.VerdictOf(worst) is Verdict.Fail ? Verdict.Warn : Profile.VerdictOf(worst),
                worst <= Grade.Sufficient ? "Every key exchange group is good or sufficient" : $"Some key exchange groups are {CertificateChecks.Words(worst)}",
                [.. graded.Select(group => $"{group.Name}: {CertificateChecks.Words(group.Grade)}")], profile.Title);
        }

        if (tls.GroupsKnown)
        {
            string[] hybrids = [.. tls.Groups.Where(group => s_hybrids.Contains(group))];
            yield return new Finding(
                CheckIds.GroupPostQuantum, subject, Question.Confidential, hybrids.Length > 0 ? Verdict.Ok : profile.VerdictOf(CheckIds.GroupPostQuantum, Verdict.Info),
                hybrids.Length > 0 ? "It has a group that is safe from quantum computers" : "What is recorded today can be read once there are quantum computers",
                [.. hybrids, .. tls.PostQuantumPreferred is true ? ["preferred"] : Array.Empty<string>()], "draft-ietf-tls-ecdhe-mlkem",
                hybrids.Length > 0 ? null : Remedy.Of("OpenSSL 3.5 and later offers X25519MLKEM768 by itself."));
        }

        if (tls.DhBits is { } bits)
        {
            yield return new Finding(
                CheckIds.GroupDh, subject, Question.Confidential, bits < LeastDhBits ? Verdict.Fail : Verdict.Ok,
                $"Its Diffie-Hellman prime has {bits.ToString(CultureInfo.InvariantCulture)} bits", [], "RFC 9325 §4.4",
                bits < LeastDhBits ? Remedy.Of("Use elliptic curves only, or a group of RFC 7919.", ("Postfix", "smtpd_tls_dh1024_param_file = auto")) : null);
        }
    }

    static IEnumerable<Finding> Extensions(TlsFacts tls, string subject)
    {
        Finding?[] all =
        [
            Of(CheckIds.ExtendedMasterSecret, tls.ExtendedMasterSecret, good: true, Verdict.Fail, "The extended master secret", "RFC 7627"),
            Of(CheckIds.SecureRenegotiation, tls.SecureRenegotiation, good: true, Verdict.Fail, "Secure renegotiation", "RFC 5746"),
            Of(CheckIds.Compression, tls.Compression, good: false, Verdict.Fail, "Compression", "RFC 9325 §3.3"),
            Of(CheckIds.FallbackSignal, tls.FallbackRefused, good: true, Verdict.Info, "The refusal of a fallback", "RFC 7507"),
            Of(CheckIds.SignatureHash, tls.Sha1Signature, good: false, Verdict.Fail, "SHA-1 in the key exchange", "RFC 9155"),
        ];
        return all.OfType<Finding>();

        Finding? Of(string id, bool? value, bool good, Verdict bad, string what, string basis) => value is not { } known ? null : new Finding(
            id, subject, Question.Confidential, known == good ? Verdict.Ok : bad, known ? $"{what} is there" : $"{what} is not there", [], basis, known == good || bad is Verdict.Info ? null : s_modern);
    }
}
