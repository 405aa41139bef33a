using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Reads one entry of <c>policies</c> (RFC 8460 §4.4).</summary>
static class PolicyReading
{
    const string MxPrefix = "mx:";

    public static PolicyResult Read(JsonMembers entry, ReportNotes notes)
    {
        var failures = (entry.Objects("failure-details", ReportLimits.MostFailures) ?? [])
            .Select(failure => Failure(failure, notes))
            .ToImmutableArray();
        var (successful, failed) = Counts(entry, failures, notes);
        if (entry.Object("policy") is not { } policy)
        {
            return new PolicyResult { Kind = default, Successful = 0, Failed = 0 };
        }

        var kind = Kind(policy, notes);
        return new PolicyResult
        {
            Kind = kind,
            Domain = Domain(policy, kind, notes),
            PolicyText = PolicyText(policy, kind, notes),
            MxHosts = MxHosts(policy, notes),
            Successful = successful,
            Failed = failed,
            Failures = failures,
        };
    }

    static ReportedName<PolicyKind> Kind(JsonMembers policy, ReportNotes notes)
    {
        var text = policy.Text("policy-type", Presence.Expected);
        var kind = ReportNames.KindOf(text ?? "");
        if (text is not null && kind.Known is null)
        {
            notes.Warn(policy.PathOf("policy-type"), "is none of RFC 8460");
        }

        return kind;
    }

    static string? Domain(JsonMembers policy, ReportedName<PolicyKind> kind, ReportNotes notes)
    {
        const string Name = "policy-domain";
        if (policy.Text(Name, Presence.Optional) is not { } text)
        {
            notes.Warn(policy.PathOf(Name), kind.Known is PolicyKind.NoPolicyFound ? "is missing, where no policy was found" : "is missing");
            return null;
        }

        if (DomainName.TryParse(text, out var domain))
        {
            return domain.Ascii;
        }

        notes.Warn(policy.PathOf(Name), "is no domain name");
        return text;
    }

    /// <summary>The records of a TLSA set may come in one text, separated by commas or semicolons, in brackets and quotes.</summary>
    static ImmutableArray<string> PolicyText(JsonMembers policy, ReportedName<PolicyKind> kind, ReportNotes notes)
    {
        var lines = policy.Texts("policy-string");
        if (kind.Known is not PolicyKind.Tlsa || !lines.Any(HoldsSeveral))
        {
            return lines;
        }

        notes.Warn(policy.PathOf("policy-string"), "has several TLSA records in one text; they were taken apart");
        return
        [
            .. lines.SelectMany(line => line.Split([',', ';'])).Select(record => record.Trim(' ', '[', ']', '"', '\'', '\\'))
                .Where(record => record.Length > 0).Take(ReportLimits.MostLines),
        ];
    }

    static bool HoldsSeveral(string line) => line.AsSpan().IndexOfAny(",;[") >= 0;

    static ImmutableArray<string> MxHosts(JsonMembers policy, ReportNotes notes)
    {
        var hosts = policy.Texts("mx-host");
        if (!hosts.Any(HasPrefix))
        {
            return hosts;
        }

        notes.Warn(policy.PathOf("mx-host"), "has \"mx:\" before a name");
        return [.. hosts.Select(host => HasPrefix(host) ? host[MxPrefix.Length..].TrimStart() : host).Where(host => host.Length > 0)];
    }

    static bool HasPrefix(string host) => host.StartsWith(MxPrefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>What is missing is made up from the failures. Those may be more than the sum, because they overlap (RFC 8460 §4), but not less.</summary>
    static (long Successful, long Failed) Counts(JsonMembers entry, ImmutableArray<FailureDetail> failures, ReportNotes notes)
    {
        var inDetail = failures.Sum(failure => failure.Sessions);
        if (!entry.Has("summary"))
        {
            notes.Warn(entry.PathOf("summary"), "is missing; the failures were added up");
            return (0, inDetail);
        }

        if (entry.Object("summary") is not { } summary)
        {
            return default;
        }

        var successful = summary.Count("total-successful-session-count", "0 was taken") ?? 0;
        var failed = summary.Count("total-failure-session-count", "the failures were added up") ?? inDetail;
        if (inDetail < failed || (failed == 0 && failures.Any(failure => failure.Sessions > 0 && !IsOfFetch(failure.Type.Known))))
        {
            notes.Warn(entry.PathOf("summary"), string.Create(
                CultureInfo.InvariantCulture, $"counts {failed} failed sessions, and the failure details {inDetail}"));
        }

        return (successful, failed);
    }

    /// <summary>A policy that cannot be fetched does not make a session fail that goes by the one from before.</summary>
    static bool IsOfFetch(TlsResultType? type) =>
        type is TlsResultType.StsPolicyFetchError or TlsResultType.StsPolicyInvalid or TlsResultType.StsWebpkiInvalid;

    static FailureDetail Failure(JsonMembers failure, ReportNotes notes)
    {
        var text = failure.Text("result-type", Presence.Expected);
        var type = ReportNames.ResultOf(text ?? "");
        if (text is not null && type.Known is null)
        {
            notes.Warn(failure.PathOf("result-type"), "is none of RFC 8460");
        }

        return new FailureDetail
        {
            Type = type,
            Sessions = failure.Count("failed-session-count", "1 was taken") ?? 1,
            SendingIp = Address(failure, "sending-mta-ip", type.Known, notes),
            MxHostname = failure.Text("receiving-mx-hostname", AtHost(type.Known)),
            MxHelo = failure.Text("receiving-mx-helo", Presence.Optional),
            ReceivingIp = Address(failure, "receiving-ip", type.Known, notes),
            MoreInformation = failure.Text("additional-information", Presence.Optional),
            Reason = failure.Text("failure-reason-code", Presence.Optional),
        };
    }

    static IPAddress? Address(JsonMembers failure, string name, TlsResultType? type, ReportNotes notes)
    {
        if (failure.Text(name, AtHost(type)) is not { } text)
        {
            return null;
        }

        // .NET also takes 1, 0x7f.1 and the like for IPv4 addresses.
        if (IPAddress.TryParse(text.Trim('[', ']'), out var address)
            && (address.AddressFamily is AddressFamily.InterNetworkV6 || address.ToString() == text))
        {
            return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        }

        notes.Warn(failure.PathOf(name), "is no address, and was left out");
        return null;
    }

    /// <summary>These can only be met at a host; the others already when looking for a policy or for hosts.</summary>
    static Presence AtHost(TlsResultType? type) => type switch
    {
        TlsResultType.StarttlsNotSupported or TlsResultType.CertificateHostMismatch or TlsResultType.CertificateExpired
            or TlsResultType.CertificateNotTrusted => Presence.Expected,
        _ => Presence.Optional,
    };
}
