using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Policy.TlsRpt;

namespace Hopseal.Policy.Tests.TlsRpt;

public sealed class TlsRptRecordTests
{
    [Theory]
    [InlineData("v=TLSRPTv1;rua=mailto:reports@example.com", "mailto:reports@example.com")]
    [InlineData("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", "https://reporting.example.com/v1/tlsrpt")]
    [InlineData("v=TLSRPTv1; rua=mailto:a@example.com,https://example.com/", "mailto:a@example.com https://example.com/")]
    [InlineData("v=TLSRPTv1; rua=mailto:a@example.com \t, mailto:b@example.com ;", "mailto:a@example.com mailto:b@example.com")]
    [InlineData("v=TLSRPTv1 ;\trua=mailto:a@example.com", "mailto:a@example.com")]
    [InlineData("v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com", "mailto:a@example.com mailto:b@example.com")]
    [InlineData("v=TLSRPTv1; x-new.field=1:2/3; rua=mailto:a@example.com; z_=~", "mailto:a@example.com")]
    [InlineData("v=TLSRPTv1; rua=MAILTO:a%2Bb%2Cc@EXAMPLE.com", null)]
    [InlineData("v=TLSRPTv1; rua=mailto:a%2Btls@EXAMPLE.com", "mailto:a%2Btls@example.com")]
    [InlineData("v=TLSRPTv1; rua=mailto:a+tls@example.com?subject=x%0D%0ABcc%3A%20b@example.org", "mailto:a%2Btls@example.com")]
    [InlineData("v=TLSRPTv1; rua=https://example.com/a%2Cb%3Bc%21", "https://example.com/a%2Cb%3Bc%21")]
    [InlineData("v=TLSRPTv1; rua=ftp://example.com/,mailto:a@example.com", "mailto:a@example.com")]
    [InlineData("v=TLSRPTv1; rua=mailto:a@example.com!10m,mailto:b@example.com", "mailto:b@example.com")]
    [InlineData("v=TLSRPTv1", null)]
    [InlineData("v=TLSRPTv1;", null)]
    [InlineData("v=TLSRPTv1;;rua=mailto:a@example.com", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@example.com;;", null)]
    [InlineData("V=TLSRPTv1;rua=mailto:a@example.com", null)]
    [InlineData("v=tlsrptv1;rua=mailto:a@example.com", null)]
    [InlineData("v = TLSRPTv1;rua=mailto:a@example.com", null)]
    [InlineData(" v=TLSRPTv1;rua=mailto:a@example.com", null)]
    [InlineData("v=TLSRPTv1;RUA=mailto:a@example.com", null)]
    [InlineData("v=TLSRPTv1;rua =mailto:a@example.com", null)]
    [InlineData("v=TLSRPTv1;rua=", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@example.com;x", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@example.com;-x=1", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@example.com;x=a b", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@example.com;x=a=b", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@b@example.com", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:example.com", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a%0D%0Ab@example.com", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a..b@example.com", null)]
    [InlineData("v=TLSRPTv1;rua=mailto:a@[192.0.2.1]", null)]
    [InlineData("v=TLSRPTv1;rua=http://example.com/", null)]
    [InlineData("v=TLSRPTv1;rua=https://user:secret@example.com/", null)]
    [InlineData("v=TLSRPTv1;rua=https://example.com/#part", null)]
    [InlineData("v=TLSRPTv1;rua=reports@example.com", null)]
    [InlineData("", null)]
    public void A_record_is_read_as_its_grammar_says_or_not_at_all(string text, string? targets)
    {
        var isRecord = TlsRptRecord.TryParse(text, out var record, out var why);

        Assert.Equal(targets, isRecord ? string.Join(' ', record!.Targets) : null);
        Assert.Equal(isRecord, why is null);
    }

    [Fact]
    public void What_cannot_be_used_is_named_with_the_reason()
    {
        Assert.True(TlsRptRecord.TryParse("v=TLSRPTv1; rua=ftp://example.com/,mailto:a@example.com", out var record, out _));

        Assert.Equal(["ftp://example.com/: it is neither mailto nor https"], record.Ignored);
    }

    [Fact]
    public void A_record_that_is_too_long_or_names_too_much_is_bounded()
    {
        Assert.False(TlsRptRecord.TryParse($"v=TLSRPTv1; rua=mailto:a@example.com; x={new string('a', 4096)}", out _, out var why));
        Assert.Equal("it is longer than 4096 characters", why);

        var many = string.Join(',', Enumerable.Range(0, 12).Select(i => $"mailto:a{i}@example.com"));
        Assert.True(TlsRptRecord.TryParse($"v=TLSRPTv1; rua={many}", out var record, out _));
        Assert.Equal(10, record.Targets.Length);
        Assert.Equal(["more than 10 are not used"], record.Ignored);
    }

    [Property]
    public void A_record_is_read_back_from_what_it_prints(NonEmptyArray<int> seeds)
    {
        var targets = seeds.Get.Take(10).Select(Target).ToArray();
        var printed = $"v=TLSRPTv1; rua={string.Join(',', targets)}";

        Assert.True(TlsRptRecord.TryParse(printed, out var record, out var why), why);
        Assert.True(TlsRptRecord.TryParse(record.ToString(), out var again, out why), why);
        Assert.Equal(targets.Length, record.Targets.Length);
        Assert.Equal(record, again);
    }

    [Property]
    public bool No_text_is_more_than_refused(string? text) => TlsRptRecord.TryParse(text ?? "", out var record, out var why) ? !record.Targets.IsEmpty : why.Length > 0;

    [Fact]
    public void No_mutation_of_a_record_is_more_than_refused()
    {
        const string Valid = "v=TLSRPTv1; rua=mailto:a%2Bb@example.com,https://example.com/x?y=%2C; ext=1";
        var lost =
            from at in Enumerable.Range(0, Valid.Length)
            from character in Enumerable.Range(0, 0x180).Select(code => (char)code)
            let mutated = Valid[..at] + character + Valid[(at + 1)..]
            where TlsRptRecord.TryParse(mutated, out var record, out _)
                && !(TlsRptRecord.TryParse(record.ToString(), out var again, out _) && record.Targets.SequenceEqual(again.Targets))
            select mutated;

        Assert.Empty(lost);
    }

    static string Target(int seed)
    {
        var text = Uri.EscapeDataString(string.Concat(((uint)seed).ToString("x", null).Select(digit => (char)("!#&'*+-/=?^_`{|}~"[digit % 17]))));
        return seed % 2 == 0 ? $"mailto:{text}@example.com" : $"https://example.com/{text}";
    }
}
