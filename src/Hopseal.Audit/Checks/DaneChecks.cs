using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Checks;

/// <summary>DANE: the TLSA records of a host, and whether every address shows what they promise (RFC 7672).</summary>
static class DaneChecks
{
    public static IEnumerable<Finding> Of(HostFacts host)
    {
        if (host.Name is not { } name || host.Tlsa.Answer is TlsaAnswer.NotAsked)
        {
            yield break;
        }

        yield return new Finding(
            CheckIds.DnssecAddress, name, Question.Authenticated, host.AddressesSigned ? Verdict.Ok : Verdict.Info,
            host.AddressesSigned ? "Its addresses are signed" : "Its addresses are not signed", [], "RFC 7672 §2.2.2");
        if (host.Tlsa.Answer is TlsaAnswer.Failed)
        {
            yield return new Finding(
                CheckIds.TlsaDenial, name, Question.Authenticated, Verdict.Fail, "The look-up of its TLSA records fails: senders that do DANE defer",
                [host.Tlsa.Problem ?? ""], "RFC 7672 §2.1.3", Remedy.Of("The name server has to answer for TLSA, with a signed denial where there is none."));
            yield break;
        }

        yield return new Finding(CheckIds.TlsaDenial, name, Question.Authenticated, Verdict.Ok, "The look-up of TLSA records is answered", [], "RFC 7672 §2.1.3");
        yield return Exists(name, host.Tlsa);
        if (!host.Tlsa.Unusable.IsEmpty)
        {
            yield return new Finding(
                CheckIds.TlsaSyntax, name, Question.Authenticated, Verdict.Warn, "Some of its TLSA records cannot be used", host.Tlsa.Unusable, "RFC 7672 §3.1.3",
                Remedy.Of("For SMTP only the usages 2 and 3 count, with a digest of the right length."));
        }
        else if (!host.Tlsa.Records.IsEmpty)
        {
            yield return new Finding(CheckIds.TlsaSyntax, name, Question.Authenticated, Verdict.Ok, "Every TLSA record can be used", host.Tlsa.Records, "RFC 7672 §3.1.3");
        }

        if (host.Tlsa.Answer is not TlsaAnswer.Signed)
        {
            yield break;
        }

        foreach (var endpoint in host.Endpoints)
        {
            if (endpoint.Handshake is { Works: true, TlsaMatches: { } matches } handshake)
            {
                yield return new Finding(
                    CheckIds.TlsaMatch, $"{name} [{endpoint.Address}]", Question.Authenticated, matches ? Verdict.Ok : Verdict.Fail,
                    matches ? "Its certificate matches a TLSA record" : "Its certificate matches no TLSA record: mail from senders that do DANE stops now",
                    [handshake.TlsaDetail ?? "", .. host.Tlsa.Records], "RFC 7672 §3",
                    matches || handshake.Chain.IsEmpty ? null : Remedy.Of(
                        "Publish a record for the key that is served, or serve the key that is published.",
                        ("DNS", $"{host.Tlsa.Base}. TLSA 3 1 1 {handshake.Chain[0].KeyFingerprint}")));
            }
        }

        foreach (var endpoint in host.Endpoints)
        {
            foreach (var other in endpoint.OtherCertificates.Where(other => endpoint.UnmatchedCertificates.Contains(other.Fingerprint)))
            {
                yield return new Finding(
                    CheckIds.TlsaMatch, $"{name} [{endpoint.Address}] {other.KeyKind}", Question.Authenticated, Verdict.Fail,
                    $"Its {other.KeyKind} certificate, which it shows to some clients, matches no TLSA record", [other.Fingerprint, .. host.Tlsa.Records], "RFC 7671 §8",
                    Remedy.Of("Publish a record for each key that is served.", ("DNS", $"{host.Tlsa.Base}. TLSA 3 1 1 {other.KeyFingerprint}")));
            }
        }

        yield return Rollover(name, host.Tlsa);
    }

    static Finding Exists(string name, TlsaFacts tlsa) => tlsa.Answer switch
    {
        TlsaAnswer.Signed => new Finding(CheckIds.TlsaExists, name, Question.Authenticated, Verdict.Ok, "It has signed TLSA records", tlsa.Records, "RFC 7672 §2.2"),
        TlsaAnswer.Unsigned => new Finding(
            CheckIds.TlsaExists, name, Question.Authenticated, Verdict.Warn, "It has TLSA records that nothing signs: nobody uses them", tlsa.Records, "RFC 7672 §2.2",
            Remedy.Of("Sign the zone with DNSSEC, or take the records away.")),
        _ => new Finding(CheckIds.TlsaExists, name, Question.Authenticated, Verdict.Info, "It has no TLSA records", [], "RFC 7672 §2.2"),
    };

    /// <summary>A second record is what lets a key be changed without a gap (RFC 7671 §8.1).</summary>
    static Finding Rollover(string name, TlsaFacts tlsa)
    {
        var endEntity = tlsa.Records.Count(record => record.StartsWith('3'));
        var anchor = tlsa.Records.Count(record => record.StartsWith('2'));
        var ready = endEntity >= 2 || (endEntity >= 1 && anchor >= 1) || anchor >= 2;
        return ready
            ? new Finding(CheckIds.TlsaRollover, name, Question.Watched, Verdict.Ok, "A next key is already announced", tlsa.Records, "RFC 7671 §8.1")
            : new Finding(
                CheckIds.TlsaRollover, name, Question.Watched, Verdict.Info, "Only the key in use is announced", tlsa.Records, "RFC 7671 §8.1",
                Remedy.Of("Publish the record of the next key well before the certificate is renewed.", ("Hopseal", "hopseal certificate next-key; hopseal dns")));
    }
}
