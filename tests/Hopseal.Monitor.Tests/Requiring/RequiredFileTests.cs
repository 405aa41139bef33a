using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Smtp.Tls;

namespace Hopseal.Monitor.Tests.Requiring;

public sealed class RequiredFileTests : IDisposable
{
    const string Good = """{ "Destination": "bank.example", "Tls": "Authenticated", "Owner": "alice", "Since": "2026-12-01T04:10:00+00:00", "Because": "seen" }""";

    static readonly RequiredRule s_rule = new(
        DomainName.Parse("bank.example"), SecurityFloor.Authenticated, TlsVersion.Tls13, ["mx.provider.example", "*.provider.example"], "Åse", new(2026, 12, 1, 4, 10, 0, TimeSpan.Zero), "1 host <did> TLS 1.3");

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-test-").FullName;

    RequiredFile TheFile => RequiredFile.In(_directory);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_is_written_is_read()
    {
        Assert.Empty(TheFile.Load());
        RequiredRule[] rules = [s_rule, s_rule with { Domain = DomainName.Parse("shop.example"), Floor = SecurityFloor.Encrypted, MinimumVersion = null, Names = [] }];
        TheFile.Save(rules);
        TheFile.Save(rules);
        Assert.Equal(rules, TheFile.Load());
        Assert.Equal(["required.json"], Directory.GetFiles(_directory).Select(Path.GetFileName));
    }

    [Fact]
    public void People_can_read_it_and_others_cannot()
    {
        TheFile.Save([s_rule]);
        Assert.Equal(
            """
            {
              "Version": 1,
              "Rules": [
                {
                  "Destination": "bank.example",
                  "Tls": "Authenticated",
                  "Owner": "Åse",
                  "Since": "2026-12-01T04:10:00+00:00",
                  "Because": "1 host <did> TLS 1.3",
                  "MinimumVersion": "1.3",
                  "Names": [
                    "mx.provider.example",
                    "*.provider.example"
                  ]
                }
              ]
            }

            """,
            File.ReadAllText(TheFile.Path));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TheFile.Path));
        }
    }

    [Fact]
    public void What_an_interrupted_write_left_is_in_nobodys_way()
    {
        TheFile.Save([s_rule]);
        File.WriteAllText(TheFile.Path + ".new", "{ half");
        Assert.Equal([s_rule], TheFile.Load());
        TheFile.Save([]);
        Assert.Empty(TheFile.Load());
    }

    [Fact]
    public void When_it_cannot_be_written_the_old_one_is_still_there()
    {
        TheFile.Save([s_rule]);
        Directory.CreateDirectory(TheFile.Path + ".new");
        Assert.ThrowsAny<Exception>(() => TheFile.Save([]));
        Assert.Equal([s_rule], TheFile.Load());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{ "Version": 1 }""")]
    [InlineData("""{ "Version": 2, "Rules": [] }""")]
    [InlineData("""{ "Version": 1, "Rules": null }""")]
    [InlineData("""{ "Version": 1, "Rules": [null] }""")]
    [InlineData("""{ "Version": 1, "Rules": [], "More": 1 }""")]
    [InlineData("""{ "Version": 1, "Rules": [], "Rules": [] }""")]
    [InlineData("""{ "Version": 1, "Rules": [] } trailing""")]
    public void A_damaged_file_is_refused_whole(string text) => Refused(text);

    [Theory]
    [InlineData("\"bank.example\"", "\"*\"", "Rules[0]: Destination")]
    [InlineData("\"bank.example\"", "\"*.bank.example\"", "Rules[0]: Destination")]
    [InlineData("\"bank.example\"", "\"\"", "Rules[0]: Destination")]
    [InlineData("\"bank.example\"", "null", "line 1")]
    [InlineData("\"Authenticated\"", "\"Plaintext\"", "Rules[0]: Tls")]
    [InlineData("\"Authenticated\"", "\"authenticated\"", "Rules[0]: Tls")]
    [InlineData("\"Authenticated\"", "2", "line 1")]
    [InlineData("\"Authenticated\"", "\"Encrypted\", \"Names\": [\"mx.example\"]", "Rules[0]: Names")]
    [InlineData("\"Authenticated\"", "\"Authenticated\", \"Names\": [null]", "Rules[0]")]
    [InlineData("\"Authenticated\"", "\"Authenticated\", \"Names\": [\"a b\"]", "Rules[0]: a b")]
    [InlineData("\"Authenticated\"", "\"Authenticated\", \"MinimumVersion\": \"1.1\"", "Rules[0]: MinimumVersion")]
    [InlineData("\"Authenticated\"", "\"Authenticated\", \"Until\": \"2027-01-01\"", "line 1")]
    [InlineData("\"alice\"", "\"\"", "Rules[0]: the owner")]
    [InlineData("\"alice\"", "\"al\\u000aice\"", "Rules[0]: the owner")]
    [InlineData("\"seen\"", "\" \"", "Rules[0]: the reason")]
    [InlineData("\"2026-12-01T04:10:00+00:00\"", "\"yesterday\"", "line 1")]
    public void A_damaged_rule_is_refused_with_its_place(string good, string bad, string place)
    {
        Assert.Contains(good, Good, StringComparison.Ordinal);
        Assert.Contains(place, Refused($$"""{ "Version": 1, "Rules": [{{Good.Replace(good, bad, StringComparison.Ordinal)}}] }"""), StringComparison.Ordinal);
    }

    [Fact]
    public void A_domain_stands_there_once() => Assert.Contains("twice", Refused($$"""{ "Version": 1, "Rules": [{{Good}}, {{Good}}] }"""), StringComparison.Ordinal);

    /// <summary>What was required must not be forgotten because a disk is not mounted.</summary>
    [Fact]
    public void A_link_into_nowhere_is_not_a_file_that_was_never_there()
    {
        File.CreateSymbolicLink(TheFile.Path, Path.Combine(_directory, "not-mounted", "required.json"));
        Assert.ThrowsAny<IOException>(() => TheFile.Load());
        File.Delete(TheFile.Path);
        Directory.CreateDirectory(TheFile.Path);
        Assert.Throws<UnauthorizedAccessException>(() => TheFile.Load());
        Assert.Empty(RequiredFile.In(Path.Combine(_directory, "not-there-yet")).Load());
    }

    string Refused(string text)
    {
        File.WriteAllText(TheFile.Path, text);
        var message = Assert.Throws<InvalidDataException>(() => TheFile.Load()).Message;
        Assert.DoesNotContain('\n', message);
        Assert.Contains(TheFile.Path, message, StringComparison.Ordinal);
        return message;
    }
}
