using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>Versions and suites, by the profile.</summary>
static class TlsChecks
{
    static readonly ImmutableArray<string> s_old = ["TLS 1.1", "TLS 1.0", "SSL 3.0"];

    static readonly ImmutableArray<string> s_broken =
        ["_NULL_", "_anon_", "_EXPORT", "_RC4_", "_DES_", "_DES40_", "_3DES_", "_RC2_", "_IDEA_", "_SEED_", "_MD5"];

    public static Remedy Modern { get; } = Remedy.Of(
        "Allow TLS 1.2 and 1.3 with forward secrecy and AEAD only.",
        ("Postfix", "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_ciphers = high\nsmtpd_tls_exclude_ciphers = aNULL, kRSA, 3DES, RC4, SEED, IDEA, CAMELLIA, ARIA, SHA1"),
        ("Exim", "# with OpenSSL:\nopenssl_options = +no_sslv3 +no_tlsv1 +no_tlsv1_1\ntls_require_ciphers = ECDHE+AESGCM:ECDHE+CHACHA20"
            + "\n# with GnuTLS, as in Debian:\ntls_require_ciphers = SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE"),
        ("Exchange", "Set HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.0\\Server\\Enabled = 0 (and TLS 1.1)"),
        ("Hopseal", "\"Tls\": { \"MinimumVersion\": \"1.2\" }"));

    public static IEnumerable<Finding> Of(EndpointFacts endpoint, string subject, Profile profile)
    {
        if (endpoint.Tls is not { } tls)
        {
            yield break;
        }

        foreach (var finding in Versions(tls, subject, profile).Concat(Suites(tls, subject, profile)).Concat(ExchangeChecks.Of(tls, subject, profile)))
        {
            yield return finding;
        }
    }

    static IEnumerable<Finding> Versions(TlsFacts tls, string subject, Profile profile)
    {
        if (Spoken(tls, "SSL 2.0") is { } ssl2)
        {
            yield return new Finding(
                CheckIds.VersionSsl2, subject, Question.Confidential, ssl2 ? Verdict.Fail : Verdict.Ok,
                ssl2 ? "It speaks SSL 2.0, and its key opens what newer versions encrypt (DROWN)" : "It does not speak SSL 2.0", [], "RFC 6176 §3",
                ssl2 ? Remedy.Of("Update the TLS library: none that is kept up to date has it. Then replace the key.", ("Postfix", "smtpd_tls_protocols = >=TLSv1.2")) : null);
        }
        else if (tls.Versions.ContainsKey("SSL 2.0"))
        {
            yield return new Finding(
                CheckIds.VersionSsl2, subject, Question.Confidential, Verdict.Unknown, "Whether it speaks SSL 2.0 is not known", tls.Problems, "RFC 6176 §3");
        }

        string[] old = [.. s_old.Where(version => Spoken(tls, version) is true)];
        var oldKnown = s_old.Any(version => Spoken(tls, version) is not null);
        yield return old.Length > 0
            ? new Finding(
                CheckIds.VersionOld, subject, Question.Confidential, old.Max(version => Profile.VerdictOf(profile.GradeOfVersion(version))),
                $"It still speaks {string.Join(", ", old)}", [.. old], "RFC 8996", Modern)
            : new Finding(
                CheckIds.VersionOld, subject, Question.Confidential, oldKnown ? Verdict.Ok : Verdict.Unknown,
                oldKnown ? "It speaks no version older than TLS 1.2" : "Whether it speaks old versions is not known", oldKnown ? [] : tls.Problems, "RFC 8996");
        yield return One(CheckIds.VersionTls12, "TLS 1.2", Spoken(tls, "TLS 1.3") is true ? Verdict.Info : Verdict.Fail);
        yield return One(CheckIds.VersionTls13, "TLS 1.3", Verdict.Info);

        Finding One(string id, string version, Verdict without) => Spoken(tls, version) switch
        {
            true => new Finding(id, subject, Question.Confidential, Verdict.Ok, $"It speaks {version}", [], profile.Title),
            false => new Finding(id, subject, Question.Confidential, without, $"It does not speak {version}", [], profile.Title, without is Verdict.Fail ? Modern : null),
            null => new Finding(id, subject, Question.Confidential, Verdict.Unknown, $"Whether it speaks {version} is not known", tls.Problems, profile.Title),
        };
    }

    static bool? Spoken(TlsFacts tls, string version) => tls.Versions.TryGetValue(version, out var spoken) ? spoken : null;

    static IEnumerable<Finding> Suites(TlsFacts tls, string subject, Profile profile)
    {
        if (tls.Suites.IsEmpty)
        {
            yield return Unknown(CheckIds.SuiteList, "Which suites it accepts is not known");
            yield return Unknown(CheckIds.SuiteBad, "Whether it accepts broken suites is not known");
            yield return Unknown(CheckIds.SuiteOrder, "In whose order suites are chosen is not known");
            yield break;
        }

        var graded = tls.Suites.Select(suite => suite.Name).Distinct().Select(name => (Name: name, Grade: profile.GradeOfSuite(name))).ToArray();
        var worst = graded.Max(suite => suite.Grade);
        yield return new Finding(
            CheckIds.SuiteList, subject, Question.Confidential, Profile.VerdictOf(worst),
            worst <= Grade.Sufficient ? "Every suite that was seen is good or sufficient" : $"Some suites are {CertificateChecks.Words(worst)}",
            [.. graded.OrderByDescending(suite => suite.Grade).Select(suite => $"{suite.Name}: {CertificateChecks.Words(suite.Grade)}")], profile.Title, worst <= Grade.Sufficient ? null : Modern);
        string[] broken = [.. graded.Select(suite => suite.Name).Where(name => s_broken.Any(part => $"{name}_".Contains(part, StringComparison.Ordinal)))];
        var known = broken.Length > 0 || tls.AllSuites || tls.BrokenKnown;
        yield return new Finding(
            CheckIds.SuiteBad, subject, Question.Confidential, broken.Length > 0 ? Verdict.Fail : known ? Verdict.Ok : Verdict.Unknown,
            broken.Length > 0 ? "It accepts suites that are broken" : known ? "It accepts no suite that is broken" : "Whether it accepts broken suites is not known",
            known ? [.. broken] : tls.Problems, "RFC 9325 §4.1", broken.Length > 0 ? Modern : null);
        var matters = worst >= Grade.PhaseOut;
        if (tls.ServerOrder is { } ordered)
        {
            yield return new Finding(
                CheckIds.SuiteOrder, subject, Question.Confidential, ordered ? Verdict.Ok : matters ? Verdict.Warn : Verdict.Info,
                ordered ? "It chooses suites by its own order" : "It takes the client's order of suites", [], profile.Title,
                ordered || !matters ? null : Remedy.Of("Let the server choose.", ("Postfix", "tls_preempt_cipherlist = yes"), ("Exim", "# with OpenSSL:\nopenssl_options = +cipher_server_preference\n# with GnuTLS: %SERVER_PRECEDENCE in tls_require_ciphers")));
        }
        else if (Spoken(tls, "TLS 1.2") is not false && (tls.ChosenStrongFirst is null || tls.ChosenWeakFirst is null))
        {
            // Where both orders were tried there was nothing to choose from.
            yield return new Finding(
                CheckIds.SuiteOrder, subject, Question.Confidential, NotKnown.Of(matters ? Verdict.Warn : Verdict.Info),
                "In whose order suites are chosen is not known", tls.Problems, profile.Title);
        }

        Finding Unknown(string id, string title) => new(id, subject, Question.Confidential, Verdict.Unknown, title, tls.Problems, profile.Title);
    }
}
