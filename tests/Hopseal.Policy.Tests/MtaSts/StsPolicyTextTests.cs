using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Tests.MtaSts;

public sealed class StsPolicyTextTests
{
    const string Complete = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

    [Fact]
    public void The_example_of_the_standard_is_read()
    {
        var policy = Read(Complete);
        Assert.Equal(new StsPolicy(StsMode.Enforce, ["mail.example.com", "*.example.net", "backupmx.example.com"], TimeSpan.FromDays(7), "id"), policy);
        Assert.Equal(Complete, StsPolicyText.Write(policy));
    }

    [Theory]
    [InlineData("version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1")]
    [InlineData("max_age:1\nmx:a.example\nmode:testing\nversion:STSv1\n")]
    [InlineData("version: STSv1 \r\nmode: \ttesting\t\r\nmx: a.example  \r\nmax_age: 1\r\n\r\n")]
    [InlineData("version: STSv1\nmode: testing\nmode: enforce\nversion: STSv2\nmax_age: 1\nmax_age: x\nmx: a.example\nmx: a.example")]
    [InlineData("version: STSv1\nfuture: \u00e4 : b\nmode: testing\nMX: b.example\nmx: A.Example\nmax_age: 0000000001")]
    [InlineData("\uFEFFversion: STSv1\n\nmode: testing\n\nmx: a.example.\nmax_age: 1")]
    public void Other_ways_to_write_it_mean_the_same(string text) =>
        Assert.Equal(new StsPolicy(StsMode.Testing, ["a.example"], TimeSpan.FromSeconds(1), "id"), Read(text));

    [Theory]
    [InlineData("mx: b\u00fccher.example", "xn--bcher-kva.example")]
    [InlineData("mx: *.B\u00dcCHER.example", "*.xn--bcher-kva.example")]
    [InlineData("mx: xn--bcher-kva.example", "xn--bcher-kva.example")]
    public void Hosts_are_kept_in_their_A_labels(string line, string expected) =>
        Assert.Equal([expected], Read($"version: STSv1\nmode: enforce\n{line}\nmax_age: 1").Mx);

    /// <summary>Room for what is kept is bounded: whoever publishes thousands of names would take it from others.</summary>
    [Fact]
    public void A_policy_with_too_many_hosts_is_refused()
    {
        string Text(int hosts) => $"version: STSv1\nmode: enforce\nmax_age: 1\n{string.Concat(Enumerable.Range(0, hosts).Select(i => $"mx: a{i}.example\nmx: A{i}.example\n"))}";
        Assert.Equal(StsPolicyText.MostPatterns, Read(Text(StsPolicyText.MostPatterns)).Mx.Length);
        Assert.False(StsPolicyText.TryParse(Encoding.ASCII.GetBytes(Text(StsPolicyText.MostPatterns + 1)), "id", out _, out var fault));
        Assert.Equal((TlsResultType.StsPolicyInvalid, "too-many-mx"), (fault.Type, fault.ReasonCode));
    }

    [Fact]
    public void Mode_none_needs_no_host() => Assert.Empty(Read("version: STSv1\nmode: none\nmax_age: 86400").Mx);

    [Theory]
    [InlineData("31557600", 31_557_600)]
    [InlineData("31557601", 31_557_600)]
    [InlineData("9999999999", 31_557_600)]
    [InlineData("0", 0)]
    public void No_policy_lives_longer_than_a_year(string written, long seconds) =>
        Assert.Equal(seconds, Read($"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: {written}").MaxAge.TotalSeconds);

    [Theory]
    [InlineData("", "unknown-version")]
    [InlineData("<html>404</html>", "malformed-line")]
    [InlineData("version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 1", "unknown-version")]
    [InlineData("mode: enforce\nmx: a.example\nmax_age: 1", "unknown-version")]
    [InlineData("version: STSv1\nmx: a.example\nmax_age: 1", "unknown-mode")]
    [InlineData("version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1", "unknown-mode")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example", "malformed-max-age")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1", "malformed-max-age")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1 day", "malformed-max-age")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 12345678901", "malformed-max-age")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1", "no-mx")]
    [InlineData("version: STSv1\nmode: testing\nmax_age: 1", "no-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: \nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: .example\nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: 192.0.2.1\nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example, b.example\nmax_age: 1", "malformed-mx")]
    [InlineData("version: STSv1\rmode: enforce\rmx: a.example\rmax_age: 1", "malformed-line")]
    [InlineData("version: STSv1\nmode: enforce\nmx: a.example\0\nmax_age: 1", "malformed-line")]
    [InlineData("version: STSv1\n mode: enforce\nmx: a.example\nmax_age: 1", "malformed-line")]
    [InlineData("version: STSv1\nmode : enforce\nmx: a.example\nmax_age: 1", "malformed-line")]
    [InlineData("version: STSv1\nmode\nmx: a.example\nmax_age: 1", "malformed-line")]
    public void What_is_no_policy_says_why(string text, string reason)
    {
        Assert.False(StsPolicyText.TryParse(Encoding.UTF8.GetBytes(text), "id", out _, out var fault));
        Assert.Equal((TlsResultType.StsPolicyInvalid, reason), (fault.Type, fault.ReasonCode));
    }

    [Fact]
    public void Octets_that_are_no_text_or_too_many_are_refused()
    {
        Assert.False(StsPolicyText.TryParse([.. Encoding.ASCII.GetBytes(Complete), 0xff], "id", out _, out var fault));
        Assert.Equal("not-utf8", fault.ReasonCode);
        var full = Complete + new string('\n', StsPolicyText.MaxOctets - Complete.Length);
        Assert.True(StsPolicyText.TryParse(Encoding.ASCII.GetBytes(full), "id", out _, out _));
        Assert.False(StsPolicyText.TryParse(Encoding.ASCII.GetBytes(full + "\n"), "id", out _, out fault));
        Assert.Equal("too-large", fault.ReasonCode);
    }

    [Fact]
    public void The_id_of_our_own_policy_is_made_of_its_text()
    {
        var policy = Read(Complete);
        var id = StsPolicyText.IdOf(policy);
        Assert.True(StsRecord.TryParse(new StsRecord(id).ToString(), out _));
        Assert.Equal(id, StsPolicyText.IdOf(policy with { Id = "another" }));
        Assert.NotEqual(id, StsPolicyText.IdOf(policy with { Mode = StsMode.Testing }));
        Assert.NotEqual(id, StsPolicyText.IdOf(policy with { MaxAge = TimeSpan.FromDays(8) }));
        Assert.NotEqual(id, StsPolicyText.IdOf(policy with { Mx = ["mail.example.com"] }));
    }

    [Property]
    public Property What_is_written_is_read_again()
    {
        var label = Gen.Elements("a", "mx1", "x-y", "xn--bcher-kva", "b_c");
        var pattern =
            from wildcard in Gen.Elements("", "*.")
            from labels in Gen.NonEmptyListOf(label)
            select $"{wildcard}{string.Join('.', labels.Take(4))}.example";
        var policies =
            from mode in Gen.Elements(StsMode.None, StsMode.Testing, StsMode.Enforce)
            from mx in Gen.NonEmptyListOf(pattern)
            from seconds in Gen.Choose(0, 31_557_600)
            select new StsPolicy(mode, [.. mx.Distinct()], TimeSpan.FromSeconds(seconds), "id");
        return Prop.ForAll(
            policies.ToArbitrary(),
            policy => StsPolicyText.TryParse(Encoding.UTF8.GetBytes(StsPolicyText.Write(policy)), "id", out var read, out _) && read == policy);
    }

    [Property]
    public void Any_octets_are_read_or_refused(byte[]? octets, string? text, byte cut)
    {
        var lines = Complete.Split("\r\n");
        lines[cut % lines.Length] += text;
        foreach (var input in new[] { octets ?? [], Encoding.UTF8.GetBytes(text ?? ""), Encoding.UTF8.GetBytes(string.Join('\n', lines)) })
        {
            if (StsPolicyText.TryParse(input, "id", out var policy, out var fault))
            {
                Assert.True(policy.Mode is StsMode.None || policy.Mx.Length > 0);
                Assert.InRange(policy.MaxAge, TimeSpan.Zero, StsPolicyText.LongestMaxAge);
                Assert.True(StsPolicyText.TryParse(Encoding.UTF8.GetBytes(StsPolicyText.Write(policy)), "id", out var again, out _));
                Assert.Equal(policy, again);
            }
            else
            {
                Assert.Equal(TlsResultType.StsPolicyInvalid, fault.Type);
            }
        }
    }

    static StsPolicy Read(string text)
    {
        Assert.True(StsPolicyText.TryParse(Encoding.UTF8.GetBytes(text), "id", out var policy, out var fault), fault?.ToString());
        return policy;
    }
}
