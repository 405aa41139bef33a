using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Policy.Tests.MtaSts;

public sealed class StsRecordTests
{
    [Theory]
    [InlineData("v=STSv1; id=20160831085700Z;", "20160831085700Z")]
    [InlineData("v=STSv1;id=a", "a")]
    [InlineData("v=STSv1 ; \tid=A1 ;  ", "A1")]
    [InlineData("v=STSv1; id=first; id=second;", "first")]
    [InlineData("v=STSv1; a.b_c-d=!x~; id=a;", "a")]
    [InlineData("v=STSv1; id=12345678901234567890123456789012", "12345678901234567890123456789012")]
    [InlineData("v=STSv1; id=123456789012345678901234567890123", null)]
    [InlineData("v=STSv1; id=;", null)]
    [InlineData("v=STSv1; id=a-b;", null)]
    [InlineData("v=STSv1; id=\u00e4;", null)]
    [InlineData("v=STSv1; ID=a;", null)]
    [InlineData("v=STSv1;", null)]
    [InlineData("v=STSv1", null)]
    [InlineData("v=STSv1; id=a;; x=y", null)]
    [InlineData("v=STSv1; id=a; x", null)]
    [InlineData("v=STSv1; id=a; x=", null)]
    [InlineData("v=STSv1; id=a; x=y=z", null)]
    [InlineData("v=STSv1; id=a; -x=y", null)]
    [InlineData(" v=STSv1; id=a", null)]
    [InlineData("V=STSv1; id=a", null)]
    [InlineData("v=stsv1; id=a", null)]
    [InlineData("v=STSv10; id=a", null)]
    [InlineData("id=a; v=STSv1", null)]
    [InlineData("", null)]
    public void A_record_is_read_as_the_standard_says(string text, string? id) =>
        Assert.Equal(id, StsRecord.TryParse(text, out var record) ? record.Id : null);

    [Theory]
    [InlineData("a", "v=STSv1; id=a;")]
    [InlineData("a", "v=spf1 -all", "v=STSv1; id=a;", "v=STSv1")]
    [InlineData(null, "v=spf1 -all")]
    [InlineData(null, "v=STSv1; id=a;", "v=STSv1; id=a;")]
    [InlineData(null, "v=STSv1; id=a;", "v=STSv1; broken")]
    [InlineData(null, "v=STSv1; broken")]
    public void Exactly_one_record_counts(string? id, params string[] texts)
    {
        Assert.Equal(id, StsRecord.Choose([.. texts], out var why)?.Id);
        Assert.Equal(id is null, why.Length > 0);
    }

    [Fact]
    public void The_record_of_a_domain_is_below_it_and_nowhere_else()
    {
        Assert.Equal("_mta-sts.mail.example.com", StsRecord.NameFor(DomainName.Parse("mail.example.com"))?.Ascii);
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 61), 4));
        Assert.Null(StsRecord.NameFor(DomainName.Parse(longest)));
    }

    [Property]
    public bool What_is_written_is_read_again(uint high, uint low)
    {
        var record = new StsRecord($"{high:x}Z{low}");
        return StsRecord.TryParse(record.ToString(), out var read) && read == record;
    }

    [Property]
    public void Any_text_is_read_or_refused(string? tail)
    {
        foreach (var text in new[] { tail ?? "", "v=STSv1;" + tail, "v=STSv1; id=" + tail })
        {
            if (StsRecord.TryParse(text, out var record))
            {
                Assert.Matches("^[A-Za-z0-9]{1,32}$", record.Id);
            }
        }
    }
}
