using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Tlsrpt;

/// <summary>Reports that RFC 8460 has nothing against.</summary>
static class SampleReports
{
    /// <summary>The same each time; with every member set somewhere.</summary>
    public static TlsReport Full { get; } = new()
    {
        Organization = "Company-X",
        Contact = "tls+reports@company-x.example",
        Id = "5065427c-23d3",
        Period = ReportPeriod.Day(new DateOnly(2026, 11, 1)),
        Policies =
        [
            new PolicyResult
            {
                Kind = ReportNames.Of(PolicyKind.Sts),
                Domain = "company-y.example",
                PolicyText = ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
                MxHosts = ["*.mail.company-y.example"],
                Successful = 5326,
                Failed = 303,
                Failures =
                [
                    new FailureDetail
                    {
                        Type = ReportNames.Of(TlsResultType.CertificateExpired),
                        Sessions = 303,
                        SendingIp = IPAddress.Parse("2001:db8::1"),
                        MxHostname = "mx1.mail.company-y.example",
                        MxHelo = "mx1",
                        ReceivingIp = IPAddress.Parse("203.0.113.9"),
                        MoreInformation = "https://company-x.example/report?id=1",
                        Reason = "expired <yesterday> & \"gone\"",
                    },
                ],
            },
            new PolicyResult
            {
                Kind = ReportNames.Of(PolicyKind.Tlsa),
                Domain = "mx1.mail.company-y.example",
                PolicyText = ["3 1 1 ABCD", "2 0 1 EF"],
                Successful = 0,
                Failed = 3,
                Failures = [new FailureDetail { Type = ReportNames.Of(TlsResultType.DnssecInvalid), Sessions = 3 }],
            },
            new PolicyResult { Kind = ReportNames.Of(PolicyKind.NoPolicyFound), Domain = "company-z.example", Successful = 1, Failed = 0 },
        ],
    };

    public static Arbitrary<TlsReport> Any { get; } = Reports().ToArbitrary();

    static Gen<TlsReport> Reports() =>
        from organization in Words()
        from id in Words()
        from day in Gen.Choose(0, 20_000)
        from policies in Gen.Resize(Gen.NonEmptyListOf(Policies()), 4)
        select new TlsReport
        {
            Organization = organization,
            Contact = "tls@company-x.example",
            Id = id,
            Period = ReportPeriod.Day(new DateOnly(1995, 1, 1).AddDays(day)),
            Policies = [.. policies],
        };

    static Gen<PolicyResult> Policies() =>
        from kind in Gen.Elements(Enum.GetValues<PolicyKind>())
        from text in Gen.Resize(Gen.ListOf(Words()), 4)
        from hosts in Gen.Resize(Gen.ListOf(Gen.Elements("mx.example.org", "*.example.org")), 4)
        from successful in Gen.Choose(0, int.MaxValue)
        from failures in Gen.Resize(Gen.ListOf(Failures()), 4)
        select new PolicyResult
        {
            Kind = ReportNames.Of(kind),
            Domain = "company-y.example",
            PolicyText = [.. text],
            MxHosts = [.. hosts],
            Successful = successful,
            Failed = failures.Sum(failure => failure.Sessions),
            Failures = [.. failures],
        };

    static Gen<FailureDetail> Failures() =>
        from type in Gen.Elements(Enum.GetValues<TlsResultType>())
        from sessions in Gen.Choose(1, 1000)
        from sending in Addresses()
        from receiving in Addresses()
        from reason in Gen.OneOf(Words().Select(words => (string?)words), Gen.Constant<string?>(null))
        select new FailureDetail
        {
            Type = ReportNames.Of(type),
            Sessions = sessions,
            SendingIp = sending,
            MxHostname = "mx.company-y.example",
            ReceivingIp = receiving,
            Reason = reason,
        };

    static Gen<IPAddress> Addresses() => Gen.OneOf(
        Gen.ArrayOf(Gen.Choose(0, 255).Select(octet => (byte)octet), 4).Select(octets => new IPAddress(octets)),
        Gen.ArrayOf(Gen.Choose(0, 255).Select(octet => (byte)octet), 14).Select(octets => new IPAddress([0x20, 0x01, .. octets])));

    /// <summary>Without what a reader would change: white space at the ends, control characters, brackets and separators of TLSA sets.</summary>
    static Gen<string> Words() => Gen.NonEmptyListOf(Gen.OneOf(
            Gen.Choose('!', '~').Select(code => (char)code), Gen.Elements('ä', '€', '日', '"', '\\', '/', '<', '&', '+')))
        .Select(characters => string.Concat(characters.Where(character => character is not (',' or ';' or '['))).PadRight(1, 'x'));
}
