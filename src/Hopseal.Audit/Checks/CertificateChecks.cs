using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Checks;

/// <summary>The certificate that an address shows. What nobody relies on is information: opportunistic senders take any
/// (RFC 7435 §3), and DANE-EE looks at the key alone (RFC 7671 §5.1).</summary>
static class CertificateChecks
{
    public static IEnumerable<Finding> Of(AuditFacts facts, HostFacts host, EndpointFacts endpoint, string subject, Profile profile)
    {
        if (endpoint.Handshake is not { Works: true, Chain.IsEmpty: false } handshake)
        {
            yield break;
        }

        // Between servers the policy's own check says what failing it means; mail programs verify always (RFC 7817 §3).
        var (usual, nameBasis) = endpoint.Protocol == MailProtocol.Smtp.Scheme ? (Verdict.Info, "RFC 9525 §6") : (Verdict.Fail, "RFC 7817 §3");
        var unproven = profile.VerdictOf(CheckIds.CertificateChain, usual);
        yield return handshake.PkixProblems.IsEmpty
            ? new Finding(CheckIds.CertificateChain, subject, Question.Authenticated, Verdict.Ok, "An authority of the web PKI vouches for it", [handshake.Chain[^1].Issuer], "RFC 5280 §6")
            : new Finding(
                CheckIds.CertificateChain, subject, Question.Authenticated, unproven, "The web PKI does not vouch for it", handshake.PkixProblems, "RFC 5280 §6",
                Remedy.Of("A certificate from a public authority, sent with its intermediate certificates, lets MTA-STS and strict senders verify it."));
        if (handshake.NameMatches is { } matches)
        {
            yield return new Finding(
                CheckIds.CertificateName, subject, Question.Authenticated, matches ? Verdict.Ok : profile.VerdictOf(CheckIds.CertificateName, usual),
                matches ? "It is for the host's name" : "It is not for the host's name", handshake.Chain[0].Names, nameBasis);
        }

        yield return Dates(facts, host, handshake, subject, profile);
        foreach (var certificate in (CertificateFacts[])[handshake.Chain[0], .. endpoint.OtherCertificates])
        {
            yield return Key(certificate, subject, profile);
            yield return Signature(certificate, subject, profile);
            var useful = certificate is { ServerUse: true, Signs: true };
            yield return new Finding(
                CheckIds.CertificateUsage, subject, Question.Authenticated, useful ? Verdict.Ok : Verdict.Warn,
                useful ? "It is for serving TLS" : certificate.ServerUse ? "Its key usage allows no signatures, without which there is no forward secrecy" : "Its extended key usage is not for serving TLS",
                [certificate.Subject], certificate.ServerUse ? "RFC 5280 §4.2.1.3" : "RFC 5280 §4.2.1.12",
                useful ? null : Remedy.Of("Have it issued for serverAuth, with digitalSignature."));
        }
    }

    static Finding Dates(AuditFacts facts, HostFacts host, HandshakeFacts handshake, string subject, Profile profile)
    {
        var certificate = handshake.Chain[0];
        var days = (int)Math.Floor((certificate.Until - facts.At).TotalDays);
        // DANE-EE senders do not look at dates (RFC 7671 §5.1).
        var byKey = handshake.TlsaMatches is true && host.Tlsa.Records.All(record => record.StartsWith('3'));
        var (verdict, title) = certificate.From > facts.At ? (byKey ? Verdict.Info : Verdict.Fail, "It is not valid yet")
            : days < 0 ? (byKey ? Verdict.Info : Verdict.Fail, "It has expired")
            : days <= profile.ExpiryFailDays ? (byKey ? Verdict.Warn : Verdict.Fail, $"It expires in {Output.Words.Count(days, "day")}")
            : days <= profile.ExpiryWarnDays ? (Verdict.Warn, $"It expires in {Output.Words.Count(days, "day")}")
            : (Verdict.Ok, $"It is valid for {Output.Words.Count(days, "day")}");
        return new Finding(CheckIds.CertificateDates, subject, Question.Watched, verdict, title, [$"from {certificate.From:u} until {certificate.Until:u}"], "RFC 5280 §4.1.2.5",
            verdict is Verdict.Fail or Verdict.Warn ? Remedy.Of("Renew it, and let the renewal run by itself.") : null);
    }

    static Finding Key(CertificateFacts certificate, string subject, Profile profile)
    {
        var grade = profile.Keys.GradeOf(certificate.KeyKind, certificate.KeyBits, certificate.Curve);
        return new Finding(
            CheckIds.CertificateKey, subject, Question.Authenticated, Profile.VerdictOf(grade),
            $"Its key is {Words(grade)}", [$"{certificate.KeyKind} {certificate.Curve ?? $"{certificate.KeyBits} bits"}"], profile.Title,
            grade is Grade.Good or Grade.Sufficient ? null : Remedy.Of("Renew it with a new key: ECDSA P-256, or RSA with 3072 bits.", ("openssl", "openssl ecparam -name prime256v1 -genkey -noout -out key.pem")));
    }

    static Finding Signature(CertificateFacts certificate, string subject, Profile profile)
    {
        var grade = certificate.SignatureHash is { } hash ? profile.GradeOfHash(hash) : Grade.Good;
        return new Finding(
            CheckIds.CertificateSignature, subject, Question.Authenticated, Profile.VerdictOf(grade), $"Its signature is {Words(grade)}", [certificate.SignatureAlgorithm], profile.Title);
    }

    public static string Words(Grade grade) => grade switch
    {
        Grade.Good => "good",
        Grade.Sufficient => "sufficient",
        Grade.PhaseOut => "to be phased out",
        Grade.Insufficient => "insufficient",
    };
}
