using System.Text.Json;
using System.Xml.Linq;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Tests.Output;

public sealed class OutputTests
{
    static readonly AuditReport s_bad = Judge.Of(
        GoodFacts.With(GoodFacts.Endpoint with { Dialogue = GoodFacts.Endpoint.Dialogue with { StartTls = false, Capabilities = ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "a\"b,c"] } }),
        Profile.Named("strict"));

    [Fact]
    public void A_document_comes_back_as_it_was_and_is_judged_anew()
    {
        foreach (var indented in (bool[])[true, false])
        {
            var document = AuditJson.Read(AuditJson.Write(AuditDocument.Of(s_bad, "test"), indented));
            var again = document.Rejudge(Profile.Named("strict"));
            Assert.Equal(s_bad.Findings.Select(Line), again.Findings.Select(Line));
            Assert.NotEqual(s_bad.Findings.Select(Line), document.Rejudge(Profile.Named("rfc-9325")).Findings.Select(Line));
        }

        static string Line(Finding finding) => $"{finding.Id} {finding.Subject} {finding.Verdict} {finding.Title} {string.Join('|', finding.Evidence)}";
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"schemaVersion\":\"2.0\"}")]
    [InlineData("not json")]
    public void What_is_no_document_is_refused(string json) => Assert.Throws<InvalidDataException>(() => AuditJson.Read(json));

    [Fact]
    public void A_strangers_text_is_no_formula_in_csv_and_no_markup_in_html()
    {
        var csv = new StringWriter();
        AuditCsv.Write(s_bad, csv);
        Assert.DoesNotContain("\r\n=", csv.ToString(), StringComparison.Ordinal);
        Assert.Contains("a\"\"b,c", csv.ToString(), StringComparison.Ordinal);

        var html = new StringWriter();
        AuditHtml.Write([s_bad], "test", html);
        Assert.DoesNotContain("<script", html.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;", html.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_build_server_sees_as_many_failures_as_there_are()
    {
        var xml = new StringWriter();
        AuditJUnit.Write([s_bad], xml);
        var suite = XDocument.Parse(xml.ToString()).Root!.Element("testsuite")!;
        Assert.Equal(s_bad.Findings.Length, suite.Elements("testcase").Count());
        Assert.Equal((string)suite.Attribute("failures")!, $"{suite.Descendants("failure").Count()}");
        Assert.NotEmpty(suite.Descendants("failure"));

        var sarif = new StringWriter();
        AuditSarif.Write([s_bad], "1.0", sarif);
        var run = JsonDocument.Parse(sarif.ToString()).RootElement.GetProperty("runs")[0];
        var rules = run.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray().Select(rule => rule.GetProperty("id").GetString()).ToArray();
        Assert.All(run.GetProperty("results").EnumerateArray(), result => Assert.Contains(result.GetProperty("ruleId").GetString(), rules));
        Assert.Contains(run.GetProperty("results").EnumerateArray(), result => result.GetProperty("level").GetString() == "error");
    }

    [Fact]
    public void Metrics_say_the_three_answers()
    {
        var text = new StringWriter();
        AuditPrometheus.Write([s_bad], text);
        Assert.Contains("hopseal_check_verdict{target=\"good.example\",question=\"confidential\"} 2\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("hopseal_check_verdict{target=\"good.example\",question=\"watched\"} 0\n", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_says_what_became_worse()
    {
        var good = Judge.Of(GoodFacts.All, Profile.Named("strict"));
        var changes = AuditDifference.Between(good, s_bad);
        var offered = changes.Single(change => change.Id == CheckIds.StartTlsOffered);
        Assert.True(offered.IsWorse);
        Assert.False(AuditDifference.Between(s_bad, good).Single(change => change.Id == CheckIds.StartTlsOffered).IsWorse);
        Assert.Empty(AuditDifference.Between(good, good));
        Assert.Empty(AuditDifference.Between(good, Judge.Of(GoodFacts.All with { At = GoodFacts.At.AddDays(1) }, Profile.Named("strict"))));
        var unknown = Judge.Of(GoodFacts.With(GoodFacts.Endpoint with { Dialogue = GoodFacts.Endpoint.Dialogue with { Reach = Reach.TurnedAway }, Handshake = null, Tls = null }), Profile.Named("strict"));
        Assert.DoesNotContain(AuditDifference.Between(good, unknown), change => change.IsWorse);
    }
}
