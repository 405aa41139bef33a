using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Looks;

/// <summary>What of the facts matters: two looks with the same digest saw the same. Left out are times, transcripts, greetings, how many connections
/// were opened, and the order in which things came.</summary>
/// <remarks>Addresses count for domains of ours only. Large hosters answer each question with other addresses of the same servers: their domains
/// would change with every look. What is the same behind all of them counts once.</remarks>
public static class FactsDigest
{
    /// <summary>SHA-256, hexadecimal.</summary>
    public static string Of(AuditFacts facts, WatchedAs watched) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Lines(facts, watched)))));

    public static bool Same(AuditFacts one, AuditFacts other, WatchedAs watched) => Lines(one, watched).SequenceEqual(Lines(other, watched));

    /// <summary>One for each thing that matters, in a fixed order.</summary>
    internal static IEnumerable<string> Lines(AuditFacts facts, WatchedAs watched)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return (facts.Domain is { } domain ? OfDomain(domain) : [])
            .Concat(facts.Hosts.SelectMany(host => OfHost(host, watched)))
            .Order(StringComparer.Ordinal);
    }

    static IEnumerable<string> OfDomain(DomainFacts domain)
    {
        yield return $"mx {domain.Mx.State} {Signed(domain.Mx.Signed)}";
        foreach (var exchanger in domain.Mx.Exchangers)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"mx {exchanger.Preference} {exchanger.Name ?? $"({exchanger.Invalid})"}");
        }

        var sts = domain.Sts;
        yield return !sts.RecordKnown ? "sts ?" : $"sts {sts.Record ?? (sts.RecordProblem is null ? "none" : "unusable")}";
        if (sts.Policy is { } policy)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"sts policy {policy.Mode} {policy.MaxAgeSeconds} {Sorted(policy.Mx)}");
        }

        if (sts.FetchProblem is { } problem)
        {
            // The reason code; the words behind it may hold a time or an address.
            yield return $"sts fetch {problem.Split(':')[0]}";
        }

        if (sts.HostCertificateUntil is { } until)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"sts host until {until.UtcDateTime:yyyy-MM-dd}");
        }

        yield return !domain.TlsRpt.Known ? "rpt ?" : $"rpt {domain.TlsRpt.Record ?? "none"} {Sorted(domain.TlsRpt.Ignored)}";
    }

    static IEnumerable<string> OfHost(HostFacts host, WatchedAs watched)
    {
        var name = host.Name ?? "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"host {name} {host.Preference} {(!host.AddressesKnown ? "?" : host.Endpoints.IsEmpty ? "none" : "addresses")} {Signed(host.AddressesSigned)}");
        if (host.Caa is { Problem: null } caa)
        {
            yield return $"host {name} caa {Sorted(caa.Records)}";
        }

        yield return $"host {name} tlsa {host.Tlsa.Answer} {host.Tlsa.Base} {Sorted(host.Tlsa.Records)} unusable {Sorted(host.Tlsa.Unusable)}";

        if (watched is WatchedAs.Own)
        {
            foreach (var endpoint in host.Endpoints)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"host {name} [{endpoint.Address}]:{endpoint.Port} {endpoint.Protocol} {OfEndpoint(endpoint)}");
                if (endpoint.Reverse is { Problem: null } reverse)
                {
                    yield return $"host {name} [{endpoint.Address}] reverse {reverse.Confirmed} {Sorted(reverse.Names)}";
                }
            }

            yield break;
        }

        // Whoever did not talk is one of many.
        var talking = host.Endpoints.Where(endpoint => endpoint.Dialogue.Reach is Reach.Talked).ToArray();
        foreach (var behaviour in (talking.Length > 0 ? talking : [.. host.Endpoints]).Select(OfEndpoint).Distinct())
        {
            yield return $"host {name} {behaviour}";
        }
    }

    /// <summary>In one line.</summary>
    static string OfEndpoint(EndpointFacts endpoint)
    {
        var dialogue = endpoint.Dialogue;
        if (dialogue.Reach is not Reach.Talked)
        {
            return dialogue.Reach is Reach.NotAsked ? "not asked" : "?";
        }

        var line = new StringBuilder();
        Add(line, "starttls", dialogue.StartTls);
        Add(line, "masked", !dialogue.Masked.IsEmpty);
        Add(line, "auth", dialogue.Capabilities.Any(capability => capability.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase)));
        Add(line, "again", dialogue.CapabilitiesInside.Any(capability => capability.Equals("STARTTLS", StringComparison.OrdinalIgnoreCase)));
        Add(line, "injection", endpoint.Injection?.Executed);
        Add(line, "plaintext mail", endpoint.PlaintextMail?.Taken);
        Add(line, "without name", endpoint.ServerNames is { WithoutName: var without } ? Of(without) : null);
        Add(line, "unknown name", endpoint.ServerNames is { UnknownName: var unknown } ? Of(unknown) : null);
        if (endpoint.Handshake is { } handshake)
        {
            Add(line, "works", handshake.Works);
            Add(line, "version", handshake.Version);
            Add(line, "chain", string.Join(',', handshake.Chain.Select(certificate => certificate.Fingerprint)));
            Add(line, "pkix", handshake.PkixProblems.IsEmpty);
            Add(line, "name", handshake.NameMatches);
            Add(line, "matches", handshake.TlsaMatches);
        }

        Add(line, "others", Sorted([.. endpoint.OtherCertificates.Select(certificate => certificate.Fingerprint)]));
        Add(line, "unmatched", Sorted(endpoint.UnmatchedCertificates));
        if (endpoint.Tls is { } tls)
        {
            AddTls(line, tls);
        }

        return line.ToString();
    }

    static string? Of(ShownFacts shown) => shown.Fingerprint ?? (shown.Refused ? "refused" : null);

    /// <summary>What is complete. A list of what was seen until the connections were used up says little by what is not in it.</summary>
    static void AddTls(StringBuilder line, TlsFacts tls)
    {
        foreach (var (version, spoken) in tls.Versions)
        {
            Add(line, version, spoken);
        }

        Add(line, "suites", tls.AllSuites ? Sorted([.. tls.Suites.Select(suite => $"{suite.Version} {suite.Name}")]) : null);
        Add(line, "groups", tls.AllGroups ? Sorted(tls.Groups) : null);
        Add(line, "older groups", tls.AllOlderGroups ? Sorted(tls.OlderGroups) : null);
        Add(line, "hybrids", tls.GroupsKnown ? Sorted([.. tls.Groups.Where(group => group.Contains("MLKEM", StringComparison.OrdinalIgnoreCase))]) : null);
        Add(line, "strong first", tls.ChosenStrongFirst);
        Add(line, "weak first", tls.ChosenWeakFirst);
        Add(line, "order", tls.ServerOrder);
        Add(line, "hybrid preferred", tls.PostQuantumPreferred);
        Add(line, "dh", tls.DhBits?.ToString(CultureInfo.InvariantCulture));
        Add(line, "ems", tls.ExtendedMasterSecret);
        Add(line, "renegotiation", tls.SecureRenegotiation);
        Add(line, "compression", tls.Compression);
        Add(line, "fallback", tls.FallbackRefused);
        Add(line, "sha1", tls.Sha1Signature);
    }

    static void Add(StringBuilder line, string what, bool? value) => Add(line, what, value is { } known ? known ? "yes" : "no" : null);

    static void Add(StringBuilder line, string what, string? value)
    {
        if (value is not null)
        {
            line.Append(what).Append('=').Append(value).Append("; ");
        }
    }

    static string Signed(bool signed) => signed ? "signed" : "unsigned";

    static string Sorted(ImmutableArray<string> texts) => string.Join(", ", texts.Distinct().Order(StringComparer.Ordinal));
}
