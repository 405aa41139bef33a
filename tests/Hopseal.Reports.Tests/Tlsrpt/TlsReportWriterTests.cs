using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Tlsrpt;

public sealed class TlsReportWriterTests
{
    [Fact]
    public void A_report_has_the_members_of_the_standard_in_its_order() => Assert.Equal(
        """
        {"organization-name":"Company-X","date-range":{"start-datetime":"2026-11-01T00:00:00Z","end-datetime":"2026-11-01T23:59:59Z"},
        "contact-info":"tls+reports@company-x.example","report-id":"5065427c-23d3","policies":[
        {"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: *.mail.company-y.example","max_age: 86400"],
        "policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},
        "summary":{"total-successful-session-count":5326,"total-failure-session-count":303},
        "failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:db8::1","receiving-mx-hostname":"mx1.mail.company-y.example",
        "receiving-mx-helo":"mx1","receiving-ip":"203.0.113.9","failed-session-count":303,
        "additional-information":"https://company-x.example/report?id=1","failure-reason-code":"expired <yesterday> & \"gone\""}]},
        {"policy":{"policy-type":"tlsa","policy-string":["3 1 1 ABCD","2 0 1 EF"],"policy-domain":"mx1.mail.company-y.example"},
        "summary":{"total-successful-session-count":0,"total-failure-session-count":3},
        "failure-details":[{"result-type":"dnssec-invalid","failed-session-count":3}]},
        {"policy":{"policy-type":"no-policy-found","policy-domain":"company-z.example"},
        "summary":{"total-successful-session-count":1,"total-failure-session-count":0},"failure-details":[]}]}
        """.Replace("\n", "", StringComparison.Ordinal),
        Encoding.UTF8.GetString(TlsReportWriter.ToJson(SampleReports.Full)));

    [Fact]
    public void Compressed_it_is_the_same()
    {
        using var gzip = new GZipStream(new MemoryStream(TlsReportWriter.ToGzip(SampleReports.Full)), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        gzip.CopyTo(plain);

        Assert.Equal(TlsReportWriter.ToJson(SampleReports.Full), plain.ToArray());
    }

    [Fact]
    public void What_the_standard_does_not_know_is_not_written()
    {
        var full = SampleReports.Full;
        var policy = full.Policies[0];

        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with { Organization = null }));
        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with { Contact = "" }));
        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with { Id = null }));
        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with { Policies = [policy with { Domain = null }] }));
        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with { Policies = [policy with { Kind = new(null, "smime") }] }));
        Assert.Throws<ArgumentException>(() => TlsReportWriter.ToJson(full with
        {
            Policies = [policy with { Failures = [new FailureDetail { Type = new(null, "certificate-revoked"), Sessions = 1 }] }],
        }));
    }

    [Property(MaxTest = 200)]
    public Property What_is_written_is_read_back_without_a_warning() => Prop.ForAll(SampleReports.Any, report =>
    {
        var written = TlsReportWriter.ToJson(report);
        var read = Assert.IsType<ReadReport.Accepted>(TlsReportReader.Read(written));

        Assert.Empty(read.Warnings);
        Assert.Equal(Encoding.UTF8.GetString(written), Encoding.UTF8.GetString(TlsReportWriter.ToJson(read.Report)));
    });

    [Theory]
    [InlineData(TlsResultType.StarttlsNotSupported)]
    [InlineData(TlsResultType.StsWebpkiInvalid)]
    public void Names_are_those_of_the_registry(TlsResultType type) =>
        Assert.Equal(new ReportedName<TlsResultType>(type, type.ToWire()), ReportNames.ResultOf(type.ToWire()));
}
