using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Checks;

/// <summary>How keys are exchanged: groups and extensions, by the profile.</summary>
static class ExchangeChecks
{
    const int LeastDhBits = 2048;

    static readonly ImmutableArray<string> s_hybrids = ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"];

    static readonly Remedy s_hybrid = Remedy.Of("OpenSSL 3.5 and later offers X25519MLKEM768 by itself.");

    public static IEnumerable<Finding> Of(TlsFacts tls, string subject, Profile profile) => Groups(tls, subject, profile).Concat(Extensions(tls, subject));

    static IEnumerable<Finding> Groups(TlsFacts tls, string subject, Profile profile)
    {
        string[] groups = [.. tls.Groups.Concat(tls.OlderGroups).Distinct()];
        if (!tls.Speaks)
        {
            yield return new Finding(CheckIds.GroupList, subject, Question.Confidential, Verdict.Unknown, "Which key exchange groups it has is not known", tls.Problems, profile.Title);
        }

        if (groups.Length > 0)
        {
            var graded = groups.Select(name => (Name: name, Grade: profile.GradeOfGroup(name))).ToArray();
            var worst = graded.Max(group => group.Grade);
            yield return new Finding(
                CheckIds.GroupList, subject, Question.Confidential, Profile.VerdictOf(worst) is Verdict.Fail ? Verdict.Warn : Profile.VerdictOf(worst),
                worst <= Grade.Sufficient ? "Every key exchange group is good or sufficient" : $"Some key exchange groups are {CertificateChecks.Words(worst)}",
                [.. graded.Select(group => $"{group.Name}: {CertificateChecks.Words(group.Grade)}")], profile.Title);
        }

        string[] hybrids = [.. tls.Groups.Where(group => s_hybrids.Contains(group))];
        string[] drafts = [.. tls.Groups.Where(group => group.Contains("Kyber", StringComparison.Ordinal))];
        var classic = profile.VerdictOf(CheckIds.GroupPostQuantum, Verdict.Info);
        if (!tls.GroupsKnown && hybrids.Length == 0)
        {
            yield return new Finding(
                CheckIds.GroupPostQuantum, subject, Question.Confidential, NotKnown.Of(classic), "Whether it has a group that is safe from quantum computers is not known",
                tls.Problems, "draft-ietf-tls-ecdhe-mlkem");
        }
        else if (hybrids.Length == 0 && drafts.Length > 0)
        {
            yield return new Finding(
                CheckIds.GroupPostQuantum, subject, Question.Confidential, Verdict.Warn, "Against quantum computers it has only a draft that is withdrawn",
                [.. drafts], "draft-ietf-tls-ecdhe-mlkem", s_hybrid);
        }
        else
        {
            yield return new Finding(
                CheckIds.GroupPostQuantum, subject, Question.Confidential, hybrids.Length > 0 ? Verdict.Ok : classic,
                hybrids.Length > 0 ? "It has a group that is safe from quantum computers" : "What is recorded today can be read once there are quantum computers",
                [.. hybrids, .. tls.PostQuantumPreferred is true ? ["preferred"] : Array.Empty<string>()], "draft-ietf-tls-ecdhe-mlkem",
                hybrids.Length > 0 ? null : s_hybrid);
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
            Of(CheckIds.ExtendedMasterSecret, tls.ExtendedMasterSecret, good: true, Verdict.Fail, "It has the extended master secret", "It lacks the extended master secret", "RFC 7627 §5.3"),
            Of(CheckIds.SecureRenegotiation, tls.SecureRenegotiation, good: true, Verdict.Fail, "It renegotiates securely, if at all", "It lacks secure renegotiation", "RFC 5746 §3.6"),
            Of(CheckIds.Compression, tls.Compression, good: false, Verdict.Fail, "It does not compress", "It compresses: lengths betray contents (CRIME)", "RFC 9325 §3.3"),
            Of(CheckIds.FallbackSignal, tls.FallbackRefused, good: true, Verdict.Info, "It refuses clients that fell back", "It takes clients that fell back to an older version", "RFC 7507 §3"),
            Of(CheckIds.SignatureHash, tls.Sha1Signature, good: false, Verdict.Fail, "It does not sign its key exchange with SHA-1", "It signs its key exchange with SHA-1 for whoever asks", "RFC 9155 §3"),
            tls.Sha1Signature is null && tls.Versions.GetValueOrDefault("TLS 1.2") is true
                ? new Finding(CheckIds.SignatureHash, subject, Question.Confidential, Verdict.Unknown, "Whether it signs with SHA-1 is not known", tls.Problems, "RFC 9155")
                : null,
            Resumption(tls, subject),
        ];
        return all.OfType<Finding>();

        Finding? Of(string id, bool? value, bool good, Verdict worst, string goodTitle, string badTitle, string basis) => value is not { } known ? null : new Finding(
            id, subject, Question.Confidential, known == good ? Verdict.Ok : worst, known == good ? goodTitle : badTitle, [], basis,
            known == good || worst is Verdict.Info ? null : TlsChecks.Modern);
    }

    /// <summary>Only seen up to TLS 1.2: in TLS 1.3 tickets come when the handshake is over.</summary>
    static Finding? Resumption(TlsFacts tls, string subject)
    {
        if (tls.Tickets is not { } tickets || tls.SessionNames is not { } names)
        {
            return null;
        }

        ImmutableArray<string> how = [.. tickets ? ["tickets"] : Array.Empty<string>(), .. names ? ["session ids"] : Array.Empty<string>()];
        return new Finding(
            CheckIds.Resumption, subject, Question.Confidential, how.IsEmpty ? Verdict.Info : Verdict.Ok,
            how.IsEmpty ? "Sessions of TLS 1.2 cannot be resumed: each delivery pays for a whole handshake" : "Sessions of TLS 1.2 can be resumed", how, "RFC 5246 §7.4.1.3");
    }
}
