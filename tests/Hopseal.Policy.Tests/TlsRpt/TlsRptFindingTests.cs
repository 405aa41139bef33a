using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;

namespace Hopseal.Policy.Tests.TlsRpt;

public sealed class TlsRptFindingTests
{
    const string Record = "v=TLSRPTv1; rua=mailto:a@example.com";

    [Theory]
    [InlineData("found", Record)]
    [InlineData("found", "v=spf1 -all", Record)]
    [InlineData("there is more than one record", Record, "v=TLSRPTv1; rua=mailto:b@example.com")]
    [InlineData("there is more than one record", Record, Record)]
    [InlineData("there is more than one record", Record, "v=TLSRPTv1;")]
    [InlineData("no TXT record there begins with v=TLSRPTv1;", "v=spf1 -all")]
    [InlineData("no TXT record there begins with v=TLSRPTv1;", "v=TLSRPTv1")]
    [InlineData("its record cannot be used: it has no rua", "v=TLSRPTv1; x=1")]
    public void Exactly_one_record_that_can_be_used_counts(string expected, params string[] texts)
    {
        var answer = new DnsAnswer<string>.Found([.. texts], DomainName.Parse("_smtp._tls.example.com"), DnssecStatus.Insecure, TimeSpan.Zero);

        Assert.Equal(expected, TlsRptFinding.Of(answer) is TlsRptFinding.None none ? none.Why : "found");
    }

    [Fact]
    public void No_answer_is_not_no_record()
    {
        Assert.IsType<TlsRptFinding.None>(TlsRptFinding.Of(new DnsAnswer<string>.NoData(DnssecStatus.Insecure)));
        Assert.IsType<TlsRptFinding.None>(TlsRptFinding.Of(new DnsAnswer<string>.NameError(DnssecStatus.Insecure)));
        Assert.Equal(
            new TlsRptFinding.Failed("no answer"), TlsRptFinding.Of(new DnsAnswer<string>.Failed(DnsFailureKind.TimedOut, "no answer")));
    }

    [Fact]
    public async Task The_question_is_for_smtp_tls_under_the_domain()
    {
        var zone = ZoneResolver.Parse($"_smtp._tls.example.com. TXT {Record.Replace(";", "\\;", StringComparison.Ordinal)}");
        var found = await TlsRptFinding.AskAsync(zone, DomainName.Parse("example.com"), TestContext.Current.CancellationToken);
        var none = await TlsRptFinding.AskAsync(zone, DomainName.Parse("example.org"), TestContext.Current.CancellationToken);

        Assert.Equal(["mailto:a@example.com"], Assert.IsType<TlsRptFinding.Found>(found).Record.Targets.Select(target => target.ToString()).ToImmutableArray());
        Assert.IsType<TlsRptFinding.None>(none);
    }
}
