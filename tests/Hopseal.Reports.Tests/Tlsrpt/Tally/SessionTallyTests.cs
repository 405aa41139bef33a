using System.Net;
using System.Security.Authentication;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Tally;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Tlsrpt.Tally;

public sealed class SessionTallyTests
{
    static readonly DateTimeOffset s_noon = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly DateOnly s_day = new(2026, 11, 1);
    static readonly TlsFailure s_noStartTls = new(TlsResultType.StarttlsNotSupported, "starttls-not-offered");
    static readonly TlsFailure s_expiredForSts = new(TlsResultType.CertificateExpired, "expired") { Against = ReportedAgainst.MtaSts };
    static readonly TlsFailure s_noMatch = new(TlsResultType.TlsaInvalid, "no-tlsa-match") { Against = ReportedAgainst.Dane };

    static readonly TransportPolicy.MtaSts s_sts = new(new StsPolicy(StsMode.Enforce, ["*.example.net"], TimeSpan.FromDays(7), "1"), s_noon);
    static readonly TransportPolicy.Dane s_dane =
        new(DomainName.Parse("mx1.example.net"), [new TlsaRecord(3, 1, 1, [0xab, 0xcd])], ["mx1.example.net"], SecureMx: true);

    readonly SessionTally _tally = new(new TallyLimits());

    [Fact]
    public void A_host_that_failed_and_then_one_that_did_not_are_one_failure_and_one_success()
    {
        _tally.Add(Session(Plan("mx1.example.net", s_sts), Refused(s_expiredForSts)), carriesReports: false);
        _tally.Add(Session(Plan("mx2.example.net", s_sts), Encrypted()), carriesReports: false);

        Assert.Equal(["sts example.org: 1 good, 1 failed: 1 certificate-expired (expired) mx1.example.net 192.0.2.25 from 198.51.100.1"], Taken());
    }

    [Fact]
    public void Each_policy_gets_its_own_failures_and_goes_to_its_own_domain()
    {
        var both = Plan("mx1.example.net", s_sts, s_dane);
        _tally.Add(Session(both, Encrypted()), carriesReports: false);
        _tally.Add(Session(both, Refused(s_expiredForSts)), carriesReports: false);
        _tally.Add(Session(both, Refused(s_noMatch)), carriesReports: false);
        _tally.Add(Session(both, Refused(s_noStartTls)), carriesReports: false);

        const string At = "mx1.example.net 192.0.2.25 from 198.51.100.1";
        Assert.Equal(
            [
                $"sts example.org: 1 good, 2 failed: 1 certificate-expired (expired) {At}, 1 starttls-not-supported (starttls-not-offered) {At}",
                $"tlsa mx1.example.net: 1 good, 2 failed: 1 tlsa-invalid (no-tlsa-match) {At}, 1 starttls-not-supported (starttls-not-offered) {At}",
            ],
            Taken());
    }

    [Fact]
    public void One_failure_of_two_policies_is_a_failure_of_both()
    {
        var plan = Plan("mx1.example.net", s_sts, s_dane);
        _tally.Add(Session(plan, Refused(s_expiredForSts with { Against = ReportedAgainst.All })), carriesReports: false);

        Assert.Equal(2, Taken().Count(line => line.Contains("0 good, 1 failed: 1 certificate-expired", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_testing_mode_tolerates_and_what_an_exception_or_the_sender_waives_is_reported_all_the_same()
    {
        var testing = s_sts with { Policy = s_sts.Policy with { Mode = StsMode.Testing } };
        var exception = new TransportPolicy.Operator(SecurityFloor.Plaintext, "Outbound.Rules[0]");
        _tally.Add(Session(Plan("mx1.example.net", testing), Encrypted(s_expiredForSts)), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net", new TransportPolicy.Excepted(s_sts, exception)), Encrypted(s_expiredForSts)), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net", new TransportPolicy.Waived(s_dane)), Encrypted(s_noMatch)), carriesReports: false);

        Assert.Equal(3, Taken().Count(line => line.Contains("0 good, 1 failed", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(TlsResultType.StarttlsNotSupported)]
    [InlineData(TlsResultType.CertificateHostMismatch)]
    [InlineData(TlsResultType.CertificateExpired)]
    [InlineData(TlsResultType.CertificateNotTrusted)]
    [InlineData(TlsResultType.ValidationFailure)]
    [InlineData(TlsResultType.TlsaInvalid)]
    [InlineData(TlsResultType.DnssecInvalid)]
    [InlineData(TlsResultType.DaneRequired)]
    public void Failures_of_a_session_keep_their_type(TlsResultType type)
    {
        _tally.Add(Session(Plan("mx1.example.net", s_dane), Refused(new TlsFailure(type, "why"))), carriesReports: false);

        Assert.Equal([$"tlsa mx1.example.net: 0 good, 1 failed: 1 {type.ToWire()} (why) mx1.example.net 192.0.2.25 from 198.51.100.1"], Taken());
    }

    [Theory]
    [InlineData(TlsResultType.StsPolicyFetchError)]
    [InlineData(TlsResultType.StsPolicyInvalid)]
    [InlineData(TlsResultType.StsWebpkiInvalid)]
    public void A_policy_that_cannot_be_had_fails_its_sessions_unless_one_was_kept(TlsResultType type)
    {
        var note = new PolicyNote(PolicyNote.MtaSts, "cannot be had", new TlsFailure(type, "why"));
        _tally.Add(Session(Plan("mx1.example.net") with { Notes = [note] }, Encrypted()), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net", s_sts) with { Notes = [note] }, Encrypted()), carriesReports: false);

        Assert.Equal(
            [$"sts example.org: 0 good, 1 failed: 1 {type.ToWire()} (why)", $"sts example.org: 1 good, 0 failed: 1 {type.ToWire()} (why)"], Taken());
    }

    [Fact]
    public void Hosts_that_published_policies_rule_out_are_failures_without_a_session()
    {
        var unlisted = new TlsFailure(TlsResultType.ValidationFailure, "mx-not-in-policy");
        var unknown = new TlsFailure(TlsResultType.DnssecInvalid, "servfail");
        var ours = new TlsFailure(TlsResultType.ValidationFailure, "requiretls-name");
        _tally.Add(
            Attempt(
                new ExcludedHost(Plan("mx1.example.net", s_sts) with { Notes = [new PolicyNote(PolicyNote.MtaSts, "", unlisted)] }, unlisted),
                new ExcludedHost(Plan("mx2.example.net", s_sts) with { Notes = [new PolicyNote(PolicyNote.Dane, "", unknown)] }, unknown),
                new ExcludedHost(Plan("mx3.example.net", s_sts), ours)),
            carriesReports: false);

        Assert.Equal(
            [
                "sts example.org: 0 good, 1 failed: 1 validation-failure (mx-not-in-policy) mx1.example.net",
                "tlsa mx2.example.net: 0 good, 1 failed: 1 dnssec-invalid (servfail) mx2.example.net",
            ],
            Taken());
    }

    [Fact]
    public void Records_that_cannot_be_used_are_reported_though_there_is_tls()
    {
        _tally.Add(Session(Plan("mx1.example.net", new TransportPolicy.DaneUnusable(s_dane.Base, [new TlsaRecord(1, 1, 1, [1])])), Encrypted()), carriesReports: false);

        Assert.Equal(
            ["tlsa mx1.example.net: 0 good, 1 failed: 1 tlsa-invalid (no-usable-records) mx1.example.net 192.0.2.25 from 198.51.100.1"], Taken());
    }

    [Fact]
    public void Where_nothing_is_published_any_tls_is_a_success_and_none_a_failure()
    {
        var unasked = new TlsFailure(TlsResultType.CertificateNotTrusted, "untrusted") { Against = ReportedAgainst.None };
        _tally.Add(Session(Plan("mx1.example.net"), Encrypted(unasked)), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net"), new TlsOutcome.Plaintext(s_noStartTls)), carriesReports: false);

        Assert.Equal(
            ["no-policy-found example.org: 1 good, 1 failed: 1 starttls-not-supported (starttls-not-offered) mx1.example.net 192.0.2.25 from 198.51.100.1"],
            Taken());
    }

    [Fact]
    public void What_says_nothing_about_a_published_policy_is_not_counted()
    {
        var ours = new TlsFailure(TlsResultType.CertificateNotTrusted, "pin-mismatch") { Against = ReportedAgainst.None };
        var plan = Plan("mx1.example.net", s_sts);

        // Broken before TLS; without TLS after a failed handshake, which was counted; refused for a demand of our own; to an address.
        _tally.Add(Session(plan, null), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net"), new TlsOutcome.Plaintext(s_noStartTls), TlsStart.None), carriesReports: false);
        _tally.Add(Session(plan, Refused(ours)), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net"), Refused(ours)), carriesReports: false);
        _tally.Add(Session(plan, Encrypted(), domain: "[192.0.2.1]"), carriesReports: false);

        Assert.Empty(_tally.Days);
    }

    [Fact]
    public void Sessions_that_carry_reports_are_not_reported()
    {
        _tally.Add(Session(Plan("mx1.example.net", s_sts), Encrypted()), carriesReports: true);
        _tally.Add(Attempt(new ExcludedHost(Plan("mx1.example.net", s_sts) with { Notes = [new PolicyNote(PolicyNote.MtaSts, "", s_noMatch)] }, s_noMatch)), carriesReports: true);

        Assert.Empty(_tally.Days);
    }

    [Fact]
    public void A_configured_next_hop_is_its_own_policy_domain()
    {
        var plan = Plan("smart.example.com");
        _tally.Add(Session(plan with { Host = plan.Host with { Authenticity = HostAuthenticity.Configured } }, Encrypted()), carriesReports: false);

        Assert.Equal(["no-policy-found smart.example.com: 1 good, 0 failed: "], Taken());
    }

    [Fact]
    public void A_session_counts_on_the_utc_day_it_began_and_a_day_is_taken_once()
    {
        var midnight = new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);
        _tally.Add(Session(Plan("mx1.example.net"), Encrypted(), at: midnight.AddTicks(-1).ToOffset(TimeSpan.FromHours(5))), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net"), Encrypted(), at: midnight), carriesReports: false);

        Assert.Equal([s_day, s_day.AddDays(1)], _tally.Days);
        Assert.Single(_tally.Take(s_day));
        Assert.Empty(_tally.Take(s_day));
        Assert.Equal([s_day.AddDays(1)], _tally.Days);
    }

    [Fact]
    public void Memory_is_bounded_and_what_does_not_fit_is_counted()
    {
        var tally = new SessionTally(new TallyLimits { Days = 2, Domains = 2, Policies = 2, Failures = 2 });
        for (var i = 0; i < 5; i++)
        {
            tally.Add(Session(Plan("mx1.example.net"), Encrypted(), at: s_noon.AddDays(i)), carriesReports: false);
        }

        Assert.Equal((2, 3), (tally.Days.Length, tally.Missed));

        for (var i = 0; i < 5; i++)
        {
            tally.Add(Session(Plan("mx1.example.net"), Encrypted(), domain: $"d{i}.example"), carriesReports: false);
            tally.Add(Session(Plan("mx1.example.net"), Refused(new TlsFailure(TlsResultType.ValidationFailure, $"why-{i}"))), carriesReports: false);
        }

        Assert.Equal(3 + 4, tally.Missed);
        var example = Assert.Single(tally.Take(s_day), domain => domain.Domain.Ascii == "example.org").Results[0];
        Assert.Equal((1, 5, 2), (example.Successful, example.Failed, example.Failures.Length));
    }

    [Fact]
    public void What_is_taken_makes_reports_without_a_fault()
    {
        var note = new PolicyNote(PolicyNote.MtaSts, "cannot be had", new TlsFailure(TlsResultType.StsPolicyFetchError, "timed-out"));
        _tally.Add(Session(Plan("mx1.example.net", s_sts, s_dane) with { Notes = [note] }, Encrypted()), carriesReports: false);
        _tally.Add(Session(Plan("mx1.example.net", s_sts, s_dane), Refused(s_noStartTls, s_expiredForSts)), carriesReports: false);
        _tally.Add(Session(Plan("mx9.example.net"), new TlsOutcome.Plaintext(s_noStartTls), domain: "example.com"), carriesReports: false);

        var domains = _tally.Take(s_day);

        Assert.Equal(["example.com", "example.org", "mx1.example.net"], domains.Select(domain => domain.Domain.Ascii));
        foreach (var domain in domains)
        {
            var report = new TlsReport { Organization = "We", Contact = "tls@we.example", Id = "1", Period = ReportPeriod.Day(s_day), Policies = domain.Results };
            Assert.Empty(Assert.IsType<ReadReport.Accepted>(TlsReportReader.Read(TlsReportWriter.ToJson(report))).Warnings);
        }

        Assert.Equal(
            ["version: STSv1", "mode: enforce", "mx: *.example.net", "max_age: 604800"], domains[1].Results[0].PolicyText);
        Assert.Equal(["3 1 1 abcd"], domains[2].Results[0].PolicyText);
    }

    IEnumerable<string> Taken() => _tally.Take(s_day).SelectMany(domain => domain.Results).Select(result =>
        $"{result.Kind} {result.Domain}: {result.Successful} good, {result.Failed} failed: {string.Join(", ", result.Failures.Select(Describe))}");

    static string Describe(FailureDetail failure) =>
        $"{failure.Sessions} {failure.Type} ({failure.Reason}) {failure.MxHostname} {failure.ReceivingIp}{(failure.SendingIp is { } sender ? $" from {sender}" : "")}".TrimEnd();

    static HostPlan Plan(string host, params TransportPolicy[] policies) => new(
        new PlannedHost(DomainName.Parse(host), 10, 25, TlsStart.StartTls, HostAuthenticity.None, [IPAddress.Parse("192.0.2.25")]),
        [new TransportPolicy.Opportunistic(), .. policies],
        []);

    static TlsOutcome.Encrypted Encrypted(params TlsFailure[] tolerated) => new(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.FromMilliseconds(5), [.. tolerated]);

    static TlsOutcome.Refused Refused(params TlsFailure[] failures) => new([.. failures]);

    static SessionRecord.Outbound Session(
        HostPlan plan, TlsOutcome? tls, TlsStart start = TlsStart.StartTls, string domain = "example.org", DateTimeOffset? at = null)
    {
        var id = QueueId.Next(new FakeTimeProvider(s_noon));
        return new SessionRecord.Outbound(
            id, domain, plan, start, Fault: null, Attempts: 1, Transactions: 1, Delivered: 1, Deferred: 0, Bounced: 0, MayBeDelivered: 0, Transcript: null)
        {
            SessionId = "s1",
            StartedAt = at ?? s_noon,
            Elapsed = TimeSpan.FromSeconds(2),
            Peer = new IPEndPoint(IPAddress.Parse("192.0.2.25"), 25),
            Local = IPAddress.Parse("198.51.100.1"),
            Tls = tls,
        };
    }

    static DeliveryAttempt Attempt(params ExcludedHost[] excluded) => new(
        new QueueLease(QueueId.Next(new FakeTimeProvider(s_noon)), "example.org", new Envelope(null, []), 1, s_noon, 100, s_noon.AddDays(5), false),
        s_noon,
        TimeSpan.FromSeconds(1),
        new DeliveryPlan.Defer(new EnhancedStatus(4, 7, 5), "none may be given mail") { Excluded = [.. excluded] },
        [],
        [],
        TlsFailed: false);
}
