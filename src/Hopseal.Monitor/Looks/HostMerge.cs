using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Looks;

/// <summary>What was known of a host, where a look did not find it out.</summary>
static class HostMerge
{
    /// <param name="before">Null: nothing.</param>
    public static HostFacts Of(HostFacts now, HostFacts? before, Asking asking)
    {
        if (!now.AddressesKnown)
        {
            // Whether its addresses are signed, and so what its TLSA records are, is not known either.
            return asking.Stands(now.Name ?? "", now.AddressProblem) && before is { AddressesKnown: true } ? before with { Preference = now.Preference } : now;
        }

        var endpoints = now.Endpoints.Select(endpoint => OfEndpoint(now, endpoint, Same(endpoint, before), asking)).ToImmutableArray();
        if (before is not null && !endpoints.IsEmpty && !endpoints.Any(Talked) && before.Endpoints.Any(Talked)
            && endpoints.All(endpoint => endpoint.Dialogue.Reach is not Reach.NotAsked && Same(endpoint, before) is null)
            && asking.Stands($"{now.Name} at its new addresses", endpoints[0].Dialogue.Why))
        {
            // Other addresses than before, and none that answers: as if the ones before had not answered.
            endpoints = before.Endpoints;
        }

        // That the question for TLSA records fails is an answer: senders that do DANE do not deliver then (RFC 7672 §2.1).
        return now with { Endpoints = endpoints, Caa = now.Caa is { Problem: null } ? now.Caa : before?.Caa ?? now.Caa };
    }

    static bool Talked(EndpointFacts endpoint) => endpoint.Dialogue.Reach is Reach.Talked;

    static EndpointFacts? Same(EndpointFacts endpoint, HostFacts? before) => before?.Endpoints.FirstOrDefault(
        known => known.Address == endpoint.Address && known.Port == endpoint.Port && known.Protocol == endpoint.Protocol);

    static EndpointFacts OfEndpoint(HostFacts host, EndpointFacts seen, EndpointFacts? before, Asking asking)
    {
        var now = seen with { Reverse = seen.Reverse is { Problem: null } ? seen.Reverse : before?.Reverse ?? seen.Reverse };
        var dialogue = now.Dialogue;
        if (dialogue.Reach is Reach.NotAsked)
        {
            return now;
        }

        if (!Talked(now))
        {
            return asking.Stands(Asking.NameOf(host, now), dialogue.Why) && before is not null && Talked(before) ? before : now;
        }

        // Without STARTTLS there is nothing more to find out. With another certificate the rest may be another server's.
        if (dialogue.StartTls is false || now.Handshake is { Works: false } || before is null || !Talked(before) || before.Dialogue.StartTls is false)
        {
            return now;
        }

        return now with
        {
            Injection = now.Injection is { Executed: not null } ? now.Injection : before.Injection ?? now.Injection,
            PlaintextMail = now.PlaintextMail is { Taken: not null } ? now.PlaintextMail : before.PlaintextMail ?? now.PlaintextMail,
            ServerNames = OfNames(now.ServerNames, SameLeaf(now, before) ? before.ServerNames : null),
            Tls = OfTls(host, now, before.Tls, asking),
            OtherCertificates = now.OtherCertificates.IsEmpty && IsPartial(now.Tls) && SameLeaf(now, before) ? before.OtherCertificates : now.OtherCertificates,
            UnmatchedCertificates = now.UnmatchedCertificates.IsEmpty && IsPartial(now.Tls) && SameLeaf(now, before)
                ? before.UnmatchedCertificates
                : now.UnmatchedCertificates,
        };
    }

    /// <summary>With another certificate for its own name, those for other names are not the same either.</summary>
    static ServerNameFacts? OfNames(ServerNameFacts? now, ServerNameFacts? before) => now is null || before is null ? now ?? before : new ServerNameFacts(
        now.WithoutName is { Fingerprint: null, Refused: false } ? before.WithoutName : now.WithoutName,
        now.UnknownName is { Fingerprint: null, Refused: false } ? before.UnknownName : now.UnknownName);

    static bool SameLeaf(EndpointFacts one, EndpointFacts other) =>
        one.Handshake is { Chain: [var leaf, ..] } && other.Handshake is { Chain: [var known, ..] } && leaf.Fingerprint == known.Fingerprint;

    /// <summary>A question was not answered: not with no, but not at all.</summary>
    static bool IsPartial(TlsFacts? tls) => tls is null || tls.Versions.Values.Any(spoken => spoken is null) || !tls.BrokenKnown || !tls.GroupsKnown;

    static TlsFacts? OfTls(HostFacts host, EndpointFacts now, TlsFacts? before, Asking asking)
    {
        if (!IsPartial(now.Tls) || before is null)
        {
            return now.Tls;
        }

        // The connections of a quick look do not reach for every question at every server: what was as partial before is no news.
        var news = now.Tls is not { } seen || !IsPartial(before) || seen.Versions.Any(pair => pair.Value is null && before.Versions.GetValueOrDefault(pair.Key) is not null);
        if (news && !asking.Stands($"{Asking.NameOf(host, now)} hellos", now.Tls is null ? "none was answered" : string.Join("; ", now.Tls.Problems.Take(3))))
        {
            return now.Tls;
        }

        return now.Tls is not { } tls ? before : tls with
        {
            Versions = tls.Versions.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value ?? before.Versions.GetValueOrDefault(pair.Key), StringComparer.Ordinal),
            Suites = tls.AllSuites || !before.AllSuites ? tls.Suites : before.Suites,
            AllSuites = tls.AllSuites || before.AllSuites,
            Groups = tls.GroupsKnown || !before.GroupsKnown ? tls.Groups : before.Groups,
            GroupsKnown = tls.GroupsKnown || before.GroupsKnown,
            AllGroups = tls.GroupsKnown ? tls.AllGroups : before.AllGroups,
            OlderGroups = tls.AllOlderGroups || !before.AllOlderGroups ? tls.OlderGroups : before.OlderGroups,
            AllOlderGroups = tls.AllOlderGroups || before.AllOlderGroups,
            BrokenKnown = tls.BrokenKnown || before.BrokenKnown,
            ServerOrder = tls.ServerOrder ?? before.ServerOrder,
            PostQuantumPreferred = tls.PostQuantumPreferred ?? before.PostQuantumPreferred,
            DhBits = tls.DhBits ?? before.DhBits,
            ChosenStrongFirst = tls.ChosenStrongFirst ?? before.ChosenStrongFirst,
            ChosenWeakFirst = tls.ChosenWeakFirst ?? before.ChosenWeakFirst,
            ExtendedMasterSecret = tls.ExtendedMasterSecret ?? before.ExtendedMasterSecret,
            SecureRenegotiation = tls.SecureRenegotiation ?? before.SecureRenegotiation,
            Compression = tls.Compression ?? before.Compression,
            FallbackRefused = tls.FallbackRefused ?? before.FallbackRefused,
            Sha1Signature = tls.Sha1Signature ?? before.Sha1Signature,
            Tickets = tls.Tickets ?? before.Tickets,
            SessionNames = tls.SessionNames ?? before.SessionNames,
        };
    }
}
