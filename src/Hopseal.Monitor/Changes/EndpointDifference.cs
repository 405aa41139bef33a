using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Changes;

/// <summary>What changed at one address.</summary>
static class EndpointDifference
{
    public static IEnumerable<DomainChange> Between(EndpointFacts then, EndpointFacts now)
    {
        if (Seen.Talked(then) != Seen.Talked(now))
        {
            return [Seen.Talked(now) ? new DomainChange(Turn.Better, " answers now") : new DomainChange(Turn.Worse, $" does not answer any more: {now.Dialogue.Why ?? "no reason given"}")];
        }

        return Seen.Talked(now) ? [.. Dialogue(then.Dialogue, now.Dialogue), .. Handshake(then, now), .. TlsDifference.Between(then, now)] : [];
    }

    static IEnumerable<DomainChange> Dialogue(DialogueFacts then, DialogueFacts now)
    {
        if (then.Masked.IsEmpty != now.Masked.IsEmpty)
        {
            yield return now.Masked.IsEmpty ? new DomainChange(Turn.Better, ": what it says is no longer overwritten on the way")
                : new DomainChange(Turn.Worse, $": something on the way overwrites what it says: {Seen.Some(now.Masked)}");
        }

        (bool? Then, bool? Now, bool Good, string Yes, string No)[] each =
        [
            (then.StartTls, now.StartTls, true, " offers STARTTLS now", " no longer offers STARTTLS"),
            (AsksEarly(then), AsksEarly(now), false, " asks for passwords before TLS now", " no longer asks for passwords before TLS"),
            (OffersAgain(then), OffersAgain(now), false, " offers STARTTLS again inside TLS", " no longer offers STARTTLS again inside TLS"),
        ];
        foreach (var change in each.SelectMany(one => YesNo(one.Then, one.Now, one.Good, one.Yes, one.No)))
        {
            yield return change;
        }
    }

    static bool AsksEarly(DialogueFacts dialogue) => dialogue.Capabilities.Any(line => line.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase));

    static bool? OffersAgain(DialogueFacts dialogue) =>
        dialogue.CapabilitiesInside.IsEmpty ? null : dialogue.CapabilitiesInside.Any(line => line.Equals("STARTTLS", StringComparison.OrdinalIgnoreCase));

    static IEnumerable<DomainChange> Handshake(EndpointFacts then, EndpointFacts now)
    {
        if (then.Handshake is not { } old || now.Handshake is not { } handshake)
        {
            yield break;
        }

        if (old.Works != handshake.Works)
        {
            yield return handshake.Works ? new DomainChange(Turn.Better, ": the TLS handshake works now") : new DomainChange(Turn.Worse, $": the TLS handshake fails: {handshake.Failure ?? "no reason given"}");
            yield break;
        }

        if (Seen.Leaf(then) is { } before && Seen.Leaf(now) is { } after)
        {
            if (before.Fingerprint != after.Fingerprint)
            {
                yield return new DomainChange(Turn.Neutral, Certificate(before, after));
            }
            else if (!old.Chain.Select(certificate => certificate.Fingerprint).SequenceEqual(handshake.Chain.Select(certificate => certificate.Fingerprint)))
            {
                yield return new DomainChange(Turn.Neutral, " sends other intermediate certificates");
            }
        }

        (bool? Then, bool? Now, string Yes, string No)[] each =
        [
            (old.PkixProblems.IsEmpty, handshake.PkixProblems.IsEmpty, ": the web PKI vouches for its certificate now", $": the web PKI does not vouch for its certificate any more: {Seen.Some(handshake.PkixProblems)}"),
            (old.NameMatches, handshake.NameMatches, ": its certificate is for its name now", ": its certificate is no longer for its name"),
            (Seen.MatchesTlsa(then), Seen.MatchesTlsa(now), ": its certificates match its TLSA records now", ": a certificate matches no TLSA record any more"),
        ];
        foreach (var change in each.SelectMany(one => YesNo(one.Then, one.Now, good: true, one.Yes, one.No)))
        {
            yield return change;
        }
    }

    static string Certificate(CertificateFacts then, CertificateFacts now)
    {
        var (old, issuer) = (IssuerName.Of(then.Issuer), IssuerName.Of(now.Issuer));
        var key = then.KeyFingerprint == now.KeyFingerprint ? "same key"
            : TlsStrength.KeyOf(then) == TlsStrength.KeyOf(now) ? "new key" : $"new key ({TlsStrength.KeyOf(then)} → {TlsStrength.KeyOf(now)})";
        return $": certificate renewed ({(old == issuer ? issuer : $"{old} → {issuer}")}), {key}, until {Seen.Day(now.Until)}";
    }

    /// <param name="good">Which of the two is better.</param>
    internal static IEnumerable<DomainChange> YesNo(bool? then, bool? now, bool good, string yes, string no)
    {
        if (then is { } before && now is { } after && before != after)
        {
            yield return new DomainChange(after == good ? Turn.Better : Turn.Worse, after ? yes : no);
        }
    }
}
