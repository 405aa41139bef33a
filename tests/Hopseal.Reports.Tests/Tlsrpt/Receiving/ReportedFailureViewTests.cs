using System.Net;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>What our side saw of a failure that was reported.</summary>
public sealed class ReportedFailureViewTests
{
    static readonly IPAddress s_sender = IPAddress.Parse("192.0.2.1");
    static readonly ReportPeriod s_day = ReportPeriod.Day(new DateOnly(2026, 11, 1));
    static readonly DateTimeOffset s_noon = s_day.Start.AddHours(12);

    [Fact]
    public void No_session_of_that_address_means_that_somebody_else_answered_or_the_address_is_another()
    {
        var view = Of(TlsResultType.StarttlsNotSupported, Session(SeenLevel.Encrypted) with { Client = IPAddress.Parse("192.0.2.2") });
        Assert.Contains("none reached this gateway in that time", Assert.IsType<ReportedFailureView.NeverReachedUs>(view).Meaning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TlsResultType.StarttlsNotSupported, SeenLevel.Plaintext, "our offer did not get through")]
    [InlineData(TlsResultType.StarttlsNotSupported, SeenLevel.Encrypted, "spoke with somebody else")]
    [InlineData(TlsResultType.CertificateExpired, SeenLevel.HandshakeFailed, "saw our certificate and refused it")]
    [InlineData(TlsResultType.CertificateNotTrusted, SeenLevel.Encrypted, "a certificate that is not ours")]
    [InlineData(TlsResultType.TlsaInvalid, SeenLevel.Plaintext, "never asked for TLS")]
    [InlineData(TlsResultType.ValidationFailure, SeenLevel.HandshakeFailed, "the reasons on our side are named")]
    [InlineData(null, SeenLevel.Encrypted, "was encrypted")]
    public void Both_sides_together_are_put_into_words(TlsResultType? type, SeenLevel level, string words) =>
        Assert.Contains(words, Assert.IsType<ReportedFailureView.Seen>(Of(type, Session(level))).Meaning, StringComparison.Ordinal);

    [Fact]
    public void Sessions_are_counted_by_version_and_reason()
    {
        var seen = Assert.IsType<ReportedFailureView.Seen>(Of(
            TlsResultType.ValidationFailure,
            Session(SeenLevel.Encrypted),
            Session(SeenLevel.Encrypted) with { Version = "TLSv1.2" },
            Session(SeenLevel.Encrypted) with { Version = "TLSv1.2" },
            Session(SeenLevel.HandshakeFailed),
            Session(SeenLevel.Plaintext)));
        Assert.Equal((5, 3, 1, 1), (seen.Sessions, seen.Encrypted, seen.Plaintext, seen.HandshakesFailed));
        Assert.Equal([("TLSv1.2", 2), ("TLSv1.3", 1)], seen.Versions);
        Assert.Equal([("alert-certificate-unknown", 1)], seen.Failures);
    }

    [Theory]
    [InlineData(-6, false)]
    [InlineData(-4, true)]
    [InlineData((24 * 60) + 4, true)]
    [InlineData((24 * 60) + 6, false)]
    public void The_period_is_taken_with_some_tolerance(int minutes, bool counted)
    {
        var view = Of(TlsResultType.ValidationFailure, Session(SeenLevel.Encrypted) with { StartedAt = s_day.Start.AddMinutes(minutes) });
        Assert.Equal(counted, view is ReportedFailureView.Seen);
    }

    [Fact]
    public void An_address_in_its_mapped_form_is_the_same() => Assert.IsType<ReportedFailureView.Seen>(
        Of(TlsResultType.ValidationFailure, Session(SeenLevel.Encrypted) with { Client = s_sender.MapToIPv6() }));

    [Fact]
    public void What_cannot_be_compared_is_said_to_be_so()
    {
        var failure = Failure(TlsResultType.ValidationFailure);
        Assert.Equal("It is about what was published, not about sessions with this gateway.", Why(Failure(TlsResultType.StsPolicyFetchError)));
        Assert.Equal("The report does not name the address that the sender connected from.", Why(failure with { SendingIp = null }));
        Assert.Equal("It is about mx2.example.org, which is not this gateway.", Why(failure with { MxHostname = "mx2.example.org" }));
        Assert.Equal("Our records do not go back so far, or have gaps.", Why(failure, s_day.Start.AddSeconds(1)));
    }

    static string Why(FailureDetail failure, DateTimeOffset? oldest = null) =>
        Assert.IsType<ReportedFailureView.NotComparable>(ReportedFailureView.Of(failure, s_day, IsOurs, oldest ?? s_day.Start, [])).Why;

    static ReportedFailureView Of(TlsResultType? type, params SeenSession[] sessions) =>
        ReportedFailureView.Of(Failure(type), s_day, IsOurs, s_day.Start, sessions);

    static bool IsOurs(string host) => host == "mx1.example.org";

    static FailureDetail Failure(TlsResultType? type) => new()
    {
        Type = new ReportedName<TlsResultType>(type, type?.ToWire() ?? "strange"),
        Sessions = 3,
        SendingIp = s_sender,
        MxHostname = "mx1.example.org",
    };

    static SeenSession Session(SeenLevel level) => new(
        s_noon,
        s_sender,
        level,
        level is SeenLevel.Encrypted ? "TLSv1.3" : null,
        level is SeenLevel.HandshakeFailed ? "alert-certificate-unknown" : null,
        0);
}
